"""What an installation's own file lacks, taken from the default installation where it does not clash.

Kinds that the file has are its own; kinds that it lacks are the default's, with all that these refer to. States
are looked at by enum class: a file without transfer states gets the default's, and the transitions between them.
Moves that are made outside the API (carrier, planner, operator) are the default's where the file has none and has
the states; a borrowed state or transition whose id is taken gets the next free one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from emulator.core.records import REFERENCES, State, Transition
from emulator.rules.installation.reading import ASSUMED, Installation, Origin, Records

COMMAND = "command"
GRAPH = (State, Transition)
CONTENT_TYPE_STEP = 100
RENUMBERED = "from the default installation; the id is ours, as its own is taken here"


def completed(own: Installation, default: Installation) -> Installation:
    """Give the installation with what it lacks."""
    if own is default:
        return own
    result = Installation({kind: dict(table) for kind, table in own.records.items()}, dict(own.origins))
    for kind, table in default.records.items():
        if kind not in own.records and kind not in GRAPH:
            for record in table.values():
                borrow(result, default, record)
    renumbered = borrow_states(result, own, default)
    borrow_transitions(result, own, default, renumbered)
    return result


def borrow(result: Installation, default: Installation, record: Any) -> None:
    """Add an entry of the default installation, and what it refers to, where the ids are free."""
    kind = type(record)
    if record.id in result.records.setdefault(kind, {}):
        return
    result.records[kind][record.id] = record
    result.origins[kind, record.id] = default.origins[kind, record.id]
    for column, other in REFERENCES[kind].items():
        id_ = getattr(record, column)
        if id_ is not None:
            borrow(result, default, default.records[other][id_])


def borrow_states(result: Installation, own: Installation, default: Installation) -> dict[int, int]:
    """Add the states of the enum classes that the file lacks; give the new id of each borrowed one."""
    mine = own.records.get(State, {}).values()
    classes, content_types = {state.enum_class for state in mine}, {state.content_type for state in mine}
    return {
        state.id: place(result, default, state, content_type=free_content_type(state.content_type, content_types))
        for state in default.records[State].values()
        if state.enum_class not in classes
    }


def free_content_type(wanted: int, taken: set[int]) -> int:
    return next(number for number in count(wanted, CONTENT_TYPE_STEP) if number not in taken)


def borrow_transitions(
    result: Installation, own: Installation, default: Installation, borrowed: dict[int, int]
) -> None:
    """Add the transitions between borrowed states, and the moves from outside that the file lacks."""
    known = borrowed | counterparts(own.records, default.records)
    mine = own.records.get(Transition, {}).values()
    has = {group_of(result.records, each) for each in mine}
    position = count(1 + max((each.position for each in mine), default=-1))
    for each in default.records[Transition].values():
        wanted = each.source_state in borrowed or each.actor != COMMAND or not mine
        ends = {column: known.get(getattr(each, column)) for column in ("source_state", "destination_state")}
        if wanted and None not in ends.values() and group_of(default.records, each) not in has:
            place(result, default, each, position=next(position), **ends)


def group_of(records: Records, transition: Any) -> tuple[bool, str]:
    """Give whether a transition is made from outside the API, and for which enum class of states."""
    source = records.get(State, {}).get(transition.source_state)
    return transition.actor != COMMAND, source.enum_class if source else ""


def counterparts(own: Records, default: Records) -> dict[int, int]:
    """Give, for states of the default installation, the file's own ones with the same value."""
    mine = dict(reversed(list(values(own))))
    return {id_: mine[key] for key, id_ in values(default) if key in mine}


def values(records: Records) -> Iterator[tuple[tuple[str, int, str], int]]:
    """Give the enum class, the rank of the content type in it, and the value of each state, with its id."""
    states = records.get(State, {}).values()
    types: dict[str, list[int]] = {}
    for state in states:
        types.setdefault(state.enum_class, []).append(state.content_type)
    for state in states:
        rank = sorted(set(types[state.enum_class])).index(state.content_type)
        yield (state.enum_class, rank, state.enum_value), state.id


def place(result: Installation, default: Installation, record: Any, **columns: Any) -> int:
    """Add an entry of the default installation under its own id, or the next free one; give that."""
    kind = type(record)
    table = result.records.setdefault(kind, {})
    id_ = record.id if record.id not in table else max(*table, *default.records[kind]) + 1
    table[id_] = record._replace(id=id_, **columns)
    origin = default.origins[kind, record.id]
    result.origins[kind, id_] = origin if id_ == record.id else Origin(ASSUMED, RENUMBERED)
    return id_
