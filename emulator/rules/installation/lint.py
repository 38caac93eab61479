"""What is odd about an installation, one line each: it may be meant, and mostly is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from emulator.core.records import ABSENT, REFERENCES, State, Transition
from emulator.core.schemas import problems
from emulator.rules.commands import command_known
from emulator.rules.installation.completing import COMMAND
from emulator.rules.installation.reading import (
    Installation,
    InvalidInstallation,
    Records,
    broken_references,
    document_of,
    files,
    read,
)

STARTS = {"PackageStatus": ("100", "300"), "TransferStatus": ("waiting",)}
"""Where records of an enum class begin: a package waits, for packing or for its transfers."""
FINAL = {"PackageStatus": ("800", "900", "910", "920", "1100"), "TransferStatus": ("transferred", "cancelled")}
"""Where they may end by nature: delivered, cancelled, planned anew, or kept for a refund."""


def lint(path: Path) -> list[str]:
    """Give the findings of an installation's file or folder; `InvalidInstallation` if it cannot be read as JSON."""
    if broken := list(wrong_entries(path)):
        return broken
    try:
        found = read(path)
    except InvalidInstallation as error:
        return [str(error)]
    return [finding for check in CHECKS for finding in check(found)]


def wrong_entries(path: Path) -> Iterator[str]:
    """Give everything that the schema of installations forbids, an assumed entry without a reason included."""
    for file in files(path):
        for problem in problems("installation", document_of(file)):
            yield f"{file}: {problem}"


def unknown_references(found: Installation) -> Iterator[str]:
    """References of the file's own entries that lead nowhere, in kinds that the file has."""
    for kind, where, what, other in references(found.records):
        if other in found.records or kind is Transition:
            yield f"{where}: {what}"


def references(records: Records) -> Iterator[tuple[type[Any], str, str, type[Any]]]:
    for where, what in broken_references(records):
        kind = next(each for each in records if where.startswith(f"/{each.__name__} "))
        yield kind, where, what, REFERENCES[kind][where.rpartition("/")[2]]


def unreachable(found: Installation) -> Iterator[str]:
    """States to which no path leads from where records begin."""
    for states, moves in graphs(found.records):
        reached = [each.id for each in states if each.enum_value in STARTS[each.enum_class]]
        for id_ in reached:  # grows as it goes
            reached += [new for new in sorted(moves.get(id_, ())) if new not in reached]
        yield from (f"{said(state)}: not reachable from a start state" for state in states if state.id not in reached)


def dead_ends(found: Installation) -> Iterator[str]:
    """States that nothing leads out of, and that are no end by nature."""
    for states, moves in graphs(found.records):
        for state in states:
            if state.id not in moves and state.enum_value not in FINAL[state.enum_class]:
                yield f"{said(state)}: has no outgoing transition and is not a final state"


def graphs(records: Records) -> Iterator[tuple[list[State], dict[int, set[int]]]]:
    """Give the states of each kind of record that has transitions, and where these lead."""
    moves: dict[int, set[int]] = {}
    for transition in records.get(Transition, {}).values():
        moves.setdefault(transition.source_state, set()).add(transition.destination_state)
    states = records.get(State, {})
    kinds = {(states[id_].enum_class, states[id_].content_type) for id_ in moves if id_ in states}
    for kind in sorted(kind for kind in kinds if kind[0] in STARTS):
        yield [state for state in states.values() if (state.enum_class, state.content_type) == kind], moves


def clashing_slugs(found: Installation) -> Iterator[str]:
    """Slugs that several commands bear: only the first could be asked for by it."""
    asked = [each for each in found.records.get(Transition, {}).values() if each.actor == COMMAND]
    counts = Counter(each.slug for each in asked if each.slug is not ABSENT)
    for slug in (slug for slug, times in counts.items() if times > 1):
        ids = ", ".join(str(each.id) for each in asked if each.slug == slug)
        yield f"slug {slug}: used by more than one transition: {ids}"


def without_command(found: Installation) -> Iterator[str]:
    """Transitions whose command nobody knows: the state alone moves."""
    states = found.records.get(State, {})
    for each in found.records.get(Transition, {}).values():
        source = states.get(each.source_state)
        if each.actor == COMMAND and source and not command_known(source.enum_class, each.command_code):
            yield f"{named(each)}: unknown command {each.command_code}; it is executed as a plain state transition"


def said(state: State) -> str:
    return f"state {state.id} {state.name} ({state.enum_class} {state.enum_value})"


def named(transition: Transition) -> str:
    name = transition.label if transition.slug is ABSENT else transition.slug
    return f"transition {transition.id} {name}"


CHECKS: tuple[Callable[[Installation], Iterator[str]], ...] = (
    unknown_references,
    unreachable,
    dead_ends,
    clashing_slugs,
    without_command,
)
