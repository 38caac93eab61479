"""The states of an installation, from what recorded answers tell: whole ones, and ids that are only named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.core.records import REFERENCES, State, Transition, TransitionLog
from emulator.shapes.filling import CONTENT_TYPES, ENUM_CLASSES
from emulator.shapes.pieces import names_of
from emulator.shapes.recorded import Known, in_json

Columns = dict[str, Any]

ENDS = {Transition: ("source_state", "destination_state"), TransitionLog: ("old_state", "new_state")}
"""Columns of a kind that hold two states of one class."""
TARGETS = {
    **dict.fromkeys(
        ("COMPLETE_PACKAGING", "COMPLETE_PACKAGING_WITHOUT_SHIPMENT", "CHANNEL_BASED_COMPLETE_PACKAGING"), "500"
    ),
    **dict.fromkeys(
        ("SHIP_PACKAGE", "SHIPMENT_ORDER", "SHIP_PACKAGE_WITHOUT_SHIPMENT", "SHIPMENT_ORDER_ADVANCE"), "600"
    ),
    **dict.fromkeys(("DETECTED_OUT_OF_STOCK_ITEM", "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED"), "920"),
    **dict.fromkeys(("READY_TO_SHIP_TRANSFER_ORDER", "READY_TO_SHIP_TRANSFER_ORDER_ADVANCE"), "ready_to_shipment"),
    **dict.fromkeys(("RENEW_TRANSFER", "TRANSFER_PRODUCT_NOT_FOUND"), "cancelled"),
    "UPDATE_PACKAGE_SHIPMENT_STATUS": "800",
    "MANUAL_PLANNING": "900",
    "REFUSE_PACKAGE": "910",
    "BLOCK_THE_PACKAGE": "950",
    "PACKAGE_PACKED_FOR_REFUND": "1100",
    "DISPATCH_TRANSFER_ORDER": "in_transit",
    "DELIVER_TRANSFER_ORDER": "transferred",
}
"""Command -> the value of the state that it leads to, in every installation."""
UNKNOWN_VALUE = "0"


def classified(known: Known) -> Mapping[int, str]:
    """Give each state its enum class and content type, from its uses and neighbours; give the classes."""
    states, uses = known.records[State], dict(uses_of(known))
    for id_, kind in uses.items():
        states[id_].setdefault("enum_class", ENUM_CLASSES[kind])
    types = {
        uses[id_]: each["content_type"] for id_, each in states.items() if id_ in uses and "content_type" in each
    }
    for id_, kind in uses.items():
        if kind in types:
            states[id_].setdefault("content_type", types[kind])
    for column in ("enum_class", "content_type"):
        spread(states, column, list(neighbours(known)))
    by_class = {each.get("enum_class"): each["content_type"] for each in states.values() if "content_type" in each}
    for each in states.values():
        enum_class = each.setdefault("enum_class", "PackageStatus")
        each.setdefault("content_type", by_class.get(enum_class, CONTENT_TYPES.get(enum_class, 0)))
    return {id_: each["enum_class"] for id_, each in states.items()}


def uses_of(known: Known) -> Iterator[tuple[int, type[Any]]]:
    """Give which kind of record is in each state."""
    for kind in ENUM_CLASSES:
        columns = [column for column, other in REFERENCES[kind].items() if other is State]
        for record in known.records[kind].values():
            yield from ((record[column], kind) for column in columns if isinstance(record.get(column), int))


def neighbours(known: Known) -> Iterator[tuple[int, int]]:
    """Give pairs of states of one class."""
    for kind, ends in ENDS.items():
        for record in known.records[kind].values():
            if all(isinstance(record.get(column), int) for column in ends):
                yield record[ends[0]], record[ends[1]]


def spread(states: Mapping[int, Columns], column: str, pairs: list[tuple[int, int]]) -> None:
    """Let states take a column's value from their neighbours, until nothing changes."""
    waiting = True
    while waiting:
        waiting = False
        for one, other in (*pairs, *((b, a) for a, b in pairs)):
            if column in states[one] and column not in states[other]:
                states[other][column] = states[one][column]
                waiting = True


def valued(states: Mapping[int, Columns], transitions: Mapping[int, Columns], codes: Mapping[int, Any]) -> None:
    """Give states that are known by their id the value to which a command leads, where no other state has it."""
    taken = {(each["enum_class"], each.get("enum_value")) for each in states.values()}
    for id_ in sorted(transitions):
        target, value = states[transitions[id_]["destination_state"]], TARGETS.get(codes[id_].code)
        if value is not None and "enum_value" not in target and (target["enum_class"], value) not in taken:
            target |= {"enum_value": value, "led_to_by": codes[id_].code}
            taken.add((target["enum_class"], value))


def state_entry(columns: Columns) -> Columns:
    """Give the entry of a state."""
    whole = "enum_value" in columns and "led_to_by" not in columns
    shown = {key: in_json(columns[key]) for key in SHOWN if key in columns}
    entry = {
        "id": columns["id"],
        "name": name_of(columns),
        "enum_class": columns["enum_class"],
        "enum_value": columns.get("enum_value", UNKNOWN_VALUE),
        "content_type": columns["content_type"],
        **shown,
    }
    return entry | ({"provenance": "observed"} if whole else {"provenance": "assumed", "reason": why(columns)})


SHOWN = ("translations", "config", "created_date", "modified_date")


def name_of(columns: Mapping[str, Any]) -> str:
    """Give the English name, the one that was printed, or one made from the id."""
    english = names_of(columns.get("translations")).get("en-us")
    return str(english or columns.get("name") or f"State {columns['id']}")


def why(columns: Columns) -> str:
    if code := columns.get("led_to_by"):
        return f"the answers show its id alone; the value is that of states to which {code} leads"
    return "the answers show its id alone; nothing tells its value"
