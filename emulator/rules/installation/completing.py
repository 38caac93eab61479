"""Complete an installation with entries of the default installation.

A kind of records that the file lacks is copied, with the records that it refers to. States are completed by enum
class: a file without transfer states gets those of the default, and the transitions between them. Transitions outside
the API (carrier, planner, operator) are copied if the file has none, and has their states. A copied state or
transition whose id is taken gets the next free id.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from emulator.core.records import REFERENCES, ColumnValue, Record, State, Transition
from emulator.rules.installation.reading import ASSUMED, Installation, Origin, Records

COMMAND = "command"
GRAPH = (State, Transition)
CONTENT_TYPE_STEP = 100
RENUMBERED = "from the default installation; the id is ours, as its own is taken here"


def fill_missing_entries(own: Installation, default: Installation) -> Installation:
    """Return the installation with the entries that it lacks."""
    if own is default:
        return own
    result = Installation({kind: dict(table) for kind, table in own.records.items()}, dict(own.origins))
    for kind, table in default.records.items():
        if kind not in own.records and kind not in GRAPH:
            for record in table.values():
                borrow_entry(result, default, record)
    renumbered = borrow_missing_states(result, own, default)
    borrow_transitions(result, own, default, renumbered)
    return result


def borrow_entry(result: Installation, default: Installation, record: Record) -> None:
    """Copy an entry of the default installation, and the entries that it refers to, if their ids are free."""
    kind = type(record)
    if record.id in result.records.setdefault(kind, {}):
        return
    result.records[kind][record.id] = record
    result.origins[kind, record.id] = default.origins[kind, record.id]
    for column, other_kind in REFERENCES[kind].items():
        id_ = getattr(record, column)
        if id_ is not None:
            borrow_entry(result, default, default.records[other_kind][id_])


def borrow_missing_states(result: Installation, own: Installation, default: Installation) -> dict[int, int]:
    """Copy the states of the enum classes that the file lacks. Return the default ids -> the new ids."""
    own_states = own.records.get(State, {}).values()
    classes, content_types = {state.enum_class for state in own_states}, {state.content_type for state in own_states}
    return {
        state.id: place_entry(
            result, default, state, content_type=free_content_type(state.content_type, content_types)
        )
        for state in default.records[State].values()
        if state.enum_class not in classes
    }


def free_content_type(first: int, taken: set[int]) -> int:
    return next(number for number in count(first, CONTENT_TYPE_STEP) if number not in taken)


def borrow_transitions(
    result: Installation, own: Installation, default: Installation, copied: dict[int, int]
) -> None:
    """Copy the transitions between copied states, and the external transitions that the file lacks."""
    state_ids = copied | matching_states(own.records, default.records)
    own_transitions = own.records.get(Transition, {}).values()
    own_groups = {transition_group(result.records, each) for each in own_transitions}
    position = count(1 + max((each.position for each in own_transitions), default=-1))
    for each in default.records[Transition].values():
        is_missing = each.source_state in copied or each.actor != COMMAND or not own_transitions
        ends = {column: state_ids.get(getattr(each, column)) for column in ("source_state", "destination_state")}
        if is_missing and None not in ends.values() and transition_group(default.records, each) not in own_groups:
            place_entry(result, default, each, position=next(position), **ends)


def transition_group(records: Records, transition: Transition) -> tuple[bool, str]:
    """Return whether a transition is external, and the enum class of its source state."""
    source = records.get(State, {}).get(transition.source_state)
    return transition.actor != COMMAND, source.enum_class if source else ""


def matching_states(own: Records, default: Records) -> dict[int, int]:
    """Return the ids of the default's states -> the ids of the file's states with the same value."""
    own_ids = dict(reversed(list(state_values(own))))
    return {id_: own_ids[key] for key, id_ in state_values(default) if key in own_ids}


def state_values(records: Records) -> Iterator[tuple[tuple[str, int, str], int]]:
    """Yield enum class, rank of the content type in it, and value of each state, with the state's id."""
    states = records.get(State, {}).values()
    types: dict[str, list[int]] = {}
    for state in states:
        types.setdefault(state.enum_class, []).append(state.content_type)
    for state in states:
        rank = sorted(set(types[state.enum_class])).index(state.content_type)
        yield (state.enum_class, rank, state.enum_value), state.id


def place_entry(result: Installation, default: Installation, record: Record, **columns: ColumnValue) -> int:
    """Copy an entry of the default installation with its id, or with the next free one. Return the id."""
    kind = type(record)
    table = result.records.setdefault(kind, {})
    id_ = record.id if record.id not in table else max(*table, *default.records[kind]) + 1
    table[id_] = record._replace(id=id_, **columns)
    origin = default.origins[kind, record.id]
    result.origins[kind, id_] = origin if id_ == record.id else Origin(ASSUMED, RENUMBERED)
    return id_
