"""Check an installation for probable mistakes, and compare two installations. Each finding is one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from emulator.core.records import OMITTED, ColumnValue, Record, RecordKind, State, Transition
from emulator.core.schemas import find_problems
from emulator.domain.commands import is_known_command
from emulator.domain.installation import (
    COMMAND,
    Installation,
    InvalidInstallation,
    Records,
    broken_references,
    installation_files,
    parse_file,
    read_installation,
)

START_VALUES = {"PackageStatus": ("100", "300"), "TransferStatus": ("waiting",)}
"""Enum class -> values of the initial states: a package waits for packing, or for its transfers."""
FINAL_VALUES = {"PackageStatus": ("800", "900", "910", "920", "1100"), "TransferStatus": ("transferred", "cancelled")}
"""Enum class -> values of the states that may be final: delivered, cancelled, replanned, or packed for a refund."""
IGNORED_COLUMNS = ("id", "position", "created_date", "modified_date")
"""Columns that do not affect behaviour."""
Formatter: TypeAlias = Callable[[Record], str]


def lint_installation(path: Path) -> list[str]:
    """Return the findings for an installation's file or folder. Raise `InvalidInstallation` if it is not JSON."""
    parsed = {file: parse_file(file) for file in installation_files(path)}
    if violations := [f"{file}: {each}" for file in parsed for each in find_problems("installation", parsed[file])]:
        return violations
    try:
        installation = read_installation(path)
    except InvalidInstallation as error:
        return [str(error)]
    return [finding for check in CHECKS for finding in check(installation)]


def unknown_references(installation: Installation) -> Iterator[str]:
    """Yield references to missing entries, in transitions and to kinds that the file contains."""
    for broken in broken_references(installation.records):
        if broken.target in installation.records or broken.kind is Transition:
            yield f"{broken.where}: {broken.what}"


def unreachable_states(installation: Installation) -> Iterator[str]:
    """Yield states that no path reaches from an initial state."""
    for states, destinations in state_graphs(installation.records):
        reached = [each.id for each in states if each.enum_value in START_VALUES[each.enum_class]]
        for id_ in reached:  # grows during the iteration
            reached += [each for each in sorted(destinations.get(id_, ())) if each not in reached]
        yield from (
            f"{format_state(state)}: not reachable from a start state" for state in states if state.id not in reached
        )


def dead_ends(installation: Installation) -> Iterator[str]:
    """Yield states without outgoing transitions that should not be final."""
    for states, destinations in state_graphs(installation.records):
        for state in states:
            if state.id not in destinations and state.enum_value not in FINAL_VALUES[state.enum_class]:
                yield f"{format_state(state)}: has no outgoing transition and is not a final state"


def state_graphs(records: Records) -> Iterator[tuple[list[State], dict[int, set[int]]]]:
    """Yield the states of each kind of record that has transitions, and source state -> destination states."""
    destinations: dict[int, set[int]] = {}
    for transition in records.get(Transition, {}).values():
        destinations.setdefault(transition.source_state, set()).add(transition.destination_state)
    states = records.get(State, {})
    kinds = {(states[id_].enum_class, states[id_].content_type) for id_ in destinations if id_ in states}
    for kind in sorted(kind for kind in kinds if kind[0] in START_VALUES):
        yield [state for state in states.values() if (state.enum_class, state.content_type) == kind], destinations


def duplicate_slugs(installation: Installation) -> Iterator[str]:
    """Yield slugs that several transitions have: a request by slug finds only the first one."""
    commands = [each for each in installation.records.get(Transition, {}).values() if each.actor == COMMAND]
    counts = Counter(each.slug for each in commands if each.slug is not OMITTED)
    for slug in (slug for slug, times in counts.items() if times > 1):
        ids = ", ".join(str(each.id) for each in commands if each.slug == slug)
        yield f"slug {slug}: used by more than one transition: {ids}"


def unknown_commands(installation: Installation) -> Iterator[str]:
    """Yield transitions with an unknown command, which only move the state."""
    states = installation.records.get(State, {})
    for each in installation.records.get(Transition, {}).values():
        source = states.get(each.source_state)
        if each.actor == COMMAND and source and not is_known_command(source.enum_class, each.command_code):
            name = format_transition(each)
            yield f"{name}: unknown command {each.command_code}; it is executed as a plain state transition"


def format_state(state: State) -> str:
    return f"state {state.id} {state.name} ({state.enum_class} {state.enum_value})"


def format_transition(transition: Transition) -> str:
    name = transition.label if transition.slug is OMITTED else transition.slug
    return f"transition {transition.id} {name}"


CHECKS: tuple[Callable[[Installation], Iterator[str]], ...] = (
    unknown_references,
    unreachable_states,
    dead_ends,
    duplicate_slugs,
    unknown_commands,
)


# --- differences ----------------------------------------------------------------------------------------------------


def diff_installations(old: Records, new: Records) -> list[str]:
    """Return a line for each removed (`-`), added (`+`) and changed (`~`) state or transition."""
    return [line for kind in FORMATTERS for line in diff_kind(old.get(kind, {}), new.get(kind, {}), FORMATTERS[kind])]


def diff_kind(old: dict[int, Record], new: dict[int, Record], format_record: Formatter) -> Iterator[str]:
    for id_ in sorted(old.keys() | new.keys()):
        if id_ not in new:
            yield f"- {format_record(old[id_])}"
        elif id_ not in old:
            yield f"+ {format_record(new[id_])}"
        else:
            yield from diff_fields(old[id_], new[id_], format_record)


def diff_fields(old: Record, new: Record, format_record: Formatter) -> Iterator[str]:
    for column in old._fields:
        before, after = getattr(old, column), getattr(new, column)
        if column not in IGNORED_COLUMNS and before != after:
            yield f"~ {format_record(old)}: {column}: {format_value(before)} -> {format_value(after)}"


def format_value(value: ColumnValue) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "absent" if value is OMITTED else str(value)


FORMATTERS: dict[RecordKind, Formatter] = {State: format_state, Transition: format_transition}
