"""Resolve states by name, value or id, and find paths through the state graph."""

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
"""Other name in the documentation, in lower case -> enum value."""


def state_with_value(view: View, enum_class: str, value: str, *, of_items: bool = False) -> State:
    """Return the state with this value. `of_items` selects transfer items, which share the transfers' enum class."""
    known = [state for state in view.all(State) if state.enum_class == enum_class]
    types = sorted({state.content_type for state in known})
    content_type = (types[-1] if of_items else types[0]) if types else None
    for state in known:
        if (state.content_type, state.enum_value) == (content_type, value):
            return state
    raise Conflict(f"the installation has no {enum_class} {value}", sorted({state.enum_value for state in known}))


def resolve_package_state(view: View, name_or_id: str | int) -> State:
    """Return the package state with this enum value, name or id."""
    states = [state for state in view.all(State) if state.enum_class == PACKAGE]
    text = str(name_or_id).strip().casefold()
    value = ALIASES.get(text, text)
    for matches in (
        lambda state: state.enum_value == value,
        lambda state: value in names_of(state),
        lambda state: str(state.id) == value,
    ):
        if found := [state for state in states if matches(state)]:
            return found[0]
    raise InvalidDocument(f"unknown package state {name_or_id!r}", [state.name for state in states])


def names_of(state: State) -> set[str]:
    """Return the names of the state in all languages, in lower case."""
    stored = state.translations if isinstance(state.translations, bytes) else b"null"
    translations = orjson.loads(stored) or {}
    return {state.name.casefold()} | {str(each.get("name", "")).casefold() for each in translations.values()}


def shortest_path(view: View, start: int, end: int) -> list[Transition]:
    """Return the shortest path between two states, with documented transitions first, or an empty list."""
    paths: dict[int, list[Transition]] = {start: []}
    queue = [start]
    for state in queue:  # grows during the iteration
        for transition in sorted(view.find(Transition, "source_state", state), key=lambda each: each.position):
            if transition.destination_state not in paths:
                paths[transition.destination_state] = [*paths[state], transition]
                queue.append(transition.destination_state)
    return paths.get(end, [])
