"""Convert values of documents to column values, and look up the records that documents refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import orjson

from emulator.core.errors import Conflict, InvalidDocument, UnknownRecord
from emulator.core.json_text import JsonValue, compact_json
from emulator.core.records import Columns, ColumnValue, Json, State, Transition
from emulator.state.store import Reader

R = TypeVar("R")
MAX_KNOWN = 30
"""Maximum number of known ids or names in an error message."""


def parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidDocument(f"{text} is not a valid time") from None


def json_text(value: JsonValue) -> Json:
    try:
        return compact_json(value)
    except TypeError:
        raise InvalidDocument("a value is nested too deeply, or contains a number of more than 64 bits") from None


COLUMN_CONVERTERS: Mapping[str, Callable[[JsonValue], ColumnValue]] = {
    **dict.fromkeys(
        ("created_date", "modified_date", "date_placed", "target_packing_date", "shipment_date"), parse_time
    ),
    "estimated_delivery_date": parse_time,
    **dict.fromkeys(("extra_information", "discrepancy_reason", "denial_reason", "tags", "conf"), json_text),
}
"""Column whose value is not a plain JSON value -> converter."""


def to_columns(document: Mapping[str, JsonValue], names: Iterable[str]) -> Columns:
    """Return the named columns that the document contains, as column values."""
    return {name: to_column(name, document[name]) for name in names if name in document}


def to_column(name: str, value: JsonValue) -> ColumnValue:
    return value if value is None or name not in COLUMN_CONVERTERS else COLUMN_CONVERTERS[name](value)


def get_record(view: Reader, kind: type[R], id_: int, thing: str) -> R:
    """Return the record with this id. Raise `UnknownRecord` if there is none."""
    candidate = view.get(kind, id_) if view.has(kind, id_) else None
    if candidate is None:
        known = list(view.ids(kind)[:MAX_KNOWN])
        raise UnknownRecord(f"this world has no {thing} {id_}", known)
    return candidate


def find_record(view: Reader, kind: type[R], key: str | int, thing: str, column: str = "name") -> R:
    """Return the record with this id, or with this text in the column."""
    candidates = list(view.all(kind))
    for candidate in candidates:
        if key in (candidate.id, getattr(candidate, column)):  # type: ignore[attr-defined]
            return candidate
    known = [getattr(candidate, column) for candidate in candidates[:MAX_KNOWN]]
    raise InvalidDocument(f"unknown {thing} {key!r}", known)


def first_record(view: Reader, kind: type[R], thing: str) -> R:
    """Return the first record of a kind. Raise `Conflict` if the world has none."""
    for candidate in view.all(kind):
        return candidate
    raise Conflict(f"this world has no {thing}, which new records require")


PACKAGE_STATUS, ITEM_STATUS, TRANSFER_STATUS, ORDER_STATUS = (
    "PackageStatus",
    "PackageItemStatus",
    "TransferStatus",
    "OrderStatus",
)
WAITING, WAITING_FOR_TRANSFER = "100", "300"
APPROVED, CANCELED = "400", "100"
TRANSFER_WAITING = "waiting"
STATE_ALIASES: Mapping[str, str] = {"packed": "500", "out of stock": "920", "all items packed": "500"}
"""Other name in the documentation, in lower case -> enum value."""


def state_with_value(view: Reader, enum_class: str, value: str, *, of_items: bool = False) -> State:
    """Return the state with this value. `of_items` selects transfer items, which share the transfers' enum class."""
    known = [state for state in view.all(State) if state.enum_class == enum_class]
    types = sorted({state.content_type for state in known})
    content_type = (types[-1] if of_items else types[0]) if types else None
    for state in known:
        if (state.content_type, state.enum_value) == (content_type, value):
            return state
    raise Conflict(f"the installation has no {enum_class} {value}", sorted({state.enum_value for state in known}))


def resolve_package_state(view: Reader, name_or_id: str | int) -> State:
    """Return the package state with this enum value, name or id."""
    states = [state for state in view.all(State) if state.enum_class == PACKAGE_STATUS]
    text = str(name_or_id).strip().casefold()
    value = STATE_ALIASES.get(text, text)
    for matches in (
        lambda state: state.enum_value == value,
        lambda state: value in state_names(state),
        lambda state: str(state.id) == value,
    ):
        if found := [state for state in states if matches(state)]:
            return found[0]
    raise InvalidDocument(f"unknown package state {name_or_id!r}", [state.name for state in states])


def state_names(state: State) -> set[str]:
    """Return the names of the state in all languages, in lower case."""
    stored = state.translations if isinstance(state.translations, bytes) else b"null"
    translations = orjson.loads(stored) or {}
    return {state.name.casefold()} | {str(each.get("name", "")).casefold() for each in translations.values()}


def shortest_path(view: Reader, start: int, end: int) -> list[Transition]:
    """Return the shortest path between two states, with documented transitions first, or an empty list."""
    paths: dict[int, list[Transition]] = {start: []}
    queue = [start]
    for state in queue:  # grows during the iteration
        for transition in sorted(view.find(Transition, "source_state", state), key=lambda each: each.position):
            if transition.destination_state not in paths:
                paths[transition.destination_state] = [*paths[state], transition]
                queue.append(transition.destination_state)
    return paths.get(end, [])
