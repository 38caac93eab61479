"""States by what people call them, and the way through the graph to one of them."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from emulator.core.records import State, Transition
from emulator.core.refusals import Conflict, InvalidDocument
from emulator.core.store import View

PACKAGE, ITEM, TRANSFER, ORDER = "PackageStatus", "PackageItemStatus", "TransferStatus", "OrderStatus"
WAITING, WAITING_FOR_TRANSFER = "100", "300"
APPROVED, CANCELED = "400", "100"
TRANSFER_WAITING = "waiting"
ALIASES: Mapping[str, str] = {"packed": "500", "out of stock": "920", "all items packed": "500"}
"""Other names that the pages use, in small letters -> enum value."""


def state_of(view: View, enum_class: str, value: str, *, of_items: bool = False) -> State:
    """Give the installation's state with this value; transfer items share an enum class with transfer orders."""
    known = [state for state in view.all(State) if state.enum_class == enum_class]
    types = sorted({state.content_type for state in known})
    wanted = (types[-1] if of_items else types[0]) if types else None
    for state in known:
        if (state.content_type, state.enum_value) == (wanted, value):
            return state
    raise Conflict(f"the installation has no {enum_class} {value}", sorted({state.enum_value for state in known}))


def package_state(view: View, asked: str | int) -> State:
    """Give the package state that is meant by a name, an enum value or an id."""
    states = [state for state in view.all(State) if state.enum_class == PACKAGE]
    text = str(asked).strip().casefold()
    value = ALIASES.get(text, text)
    for matches in (
        lambda state: state.enum_value == value,
        lambda state: value in names_of(state),
        lambda state: str(state.id) == value,
    ):
        if found := [state for state in states if matches(state)]:
            return found[0]
    raise InvalidDocument(f"unknown package state {asked!r}", [state.name for state in states])


def names_of(state: State) -> set[str]:
    """Give the state's names in all languages, in small letters."""
    stored = state.translations if isinstance(state.translations, bytes) else b"null"
    translations = orjson.loads(stored) or {}
    return {state.name.casefold()} | {str(each.get("name", "")).casefold() for each in translations.values()}


def way(view: View, start: int, end: int) -> list[Transition]:
    """Give the shortest way through the graph, the documented transitions first; empty where there is none."""
    ways: dict[int, list[Transition]] = {start: []}
    waiting = [start]
    for state in waiting:
        for transition in sorted(view.find(Transition, "source_state", state), key=lambda found: found.position):
            if transition.destination_state not in ways:
                ways[transition.destination_state] = [*ways[state], transition]
                waiting.append(transition.destination_state)
    return ways.get(end, [])
