"""Reads the worlds and snapshots of a file."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from emulator.loading.worlds import starting_snapshot
from emulator.state.faults import ArmedFault, Faults
from emulator.state.scenario import Scenario
from emulator.state.snapshots import WorldSnapshot, WorldState
from emulator.state.steps import StepLog
from emulator.state.store import Root
from emulator.worlds.sqlite.database import StateProblem, is_new, looking
from emulator.worlds.sqlite.history import (
    History,
    LazySnapshot,
    Part,
    Table,
    after,
    common,
    parts_of,
    steps_of,
    table_of,
)
from emulator.worlds.sqlite.stored_values import digest_of, parse_faults, parse_state, scenario_of, start_of
from emulator.worlds.sqlite.writer import SnapshotRow


class StartChanged(ValueError):
    """The scenario of a stored world starts differently now."""


class StoredWorld(NamedTuple):
    """The rows of a world."""

    id: int
    name: str
    scenario: Scenario
    branch: int
    state: WorldState
    faults: list[ArmedFault]
    snapshots: list[SnapshotRow]


class RestoredWorld(NamedTuple):
    """The state and the snapshots of a stored world, without the branches that exist in a writable file only."""

    stored: StoredWorld
    start: WorldSnapshot
    snapshots: dict[str, WorldSnapshot]


def worlds_of(connection: sqlite3.Connection, start: Scenario | None = None) -> Iterator[StoredWorld]:
    """Return the worlds of a file, the oldest first. Worlds of the scenario `start` share its object."""
    usual: Mapping[str, Scenario] = {} if start is None else {digest_of(start): start}
    scenarios = {
        digest: usual.get(digest) or scenario_of(text, request)
        for digest, text, request in connection.execute("SELECT digest, document, request FROM scenarios")
    }
    faults, snapshots = armed_in(connection), snapshots_in(connection)
    rows = connection.execute("SELECT id, name, scenario, course, now FROM worlds ORDER BY id")
    for id_, name, digest, branch, state in rows:
        yield StoredWorld(id_, name, scenarios[digest], branch, parse_state(state), faults[id_], snapshots[id_])


def armed_in(connection: sqlite3.Connection) -> dict[int, list[ArmedFault]]:
    """Return the armed faults by world, with the requests that each has seen."""
    seen: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for world, fault, request, times in connection.execute("SELECT world, fault, request, times FROM seen"):
        seen[world, fault][request] = int(times)
    found: dict[int, list[ArmedFault]] = defaultdict(list)
    for world, text in connection.execute("SELECT world, document FROM faults ORDER BY position"):
        (fault,) = parse_faults(f"[{text}]")
        fault.seen = seen[world, fault.id]
        found[world].append(fault)
    return found


def snapshots_in(connection: sqlite3.Connection) -> dict[int, list[SnapshotRow]]:
    """Return the snapshots by world."""
    found: dict[int, list[SnapshotRow]] = defaultdict(list)
    rows = "SELECT world, name, course, upto, now, faults FROM snapshots ORDER BY position"
    for world, name, branch, upto, state, faults in connection.execute(rows):
        found[world].append(SnapshotRow(name, branch, upto, parse_state(state), parse_faults(faults)))
    return found


class BranchReader:
    """Reads a sequence of steps and the records that they changed: those of a world, or of some of its snapshots."""

    def __init__(self, parts: list[Part], origin: BranchReader | None = None, since: int = 0) -> None:
        """Steps up to `since` are read by the reader `origin`."""
        self.parts, self.origin, self.since = parts, origin, since
        self.logs: dict[int, StepLog] = {}
        """Step -> the log up to that step, for the steps in demand."""
        if origin is not None:
            origin.mark(since)

    def mark(self, number: int) -> None:
        """Demand the log up to a step."""
        self.logs[number] = StepLog()

    def read(self, connection: sqlite3.Connection, start: Root, steps: StepLog) -> None:
        """Read what follows a start, and append it to the start's steps. Raise `ValueError` if a step is missing."""
        self.history = History(start, len(steps))
        if len(steps) in self.logs:
            self.logs[len(steps)] = steps.copy()
        for number, line, changes in steps_of(connection, after(len(steps), self.parts)):
            self.history.learn(number, changes)
            steps.append(line)
            if number in self.logs:
                self.logs[number] = steps.copy()
        if missing := [number for number in self.logs if number > len(steps)]:
            raise ValueError(f"step {min(missing)} is not there")

    def read_on(self, connection: sqlite3.Connection) -> None:
        """Read what follows the steps of the origin."""
        if self.origin is not None:
            start = LazySnapshot(self.origin.history, self.since)
            self.read(connection, start, self.origin.logs[self.since].copy())


Readers = tuple[list[BranchReader], dict[str, BranchReader]]


def readers_of(first: BranchReader, snapshots: list[SnapshotRow], table: Table) -> Readers:
    """Return the readers of all snapshots, each after its origin, and the reader of each snapshot by its name."""
    readers, by_name = [first], {}
    for snapshot in sorted(snapshots, key=lambda each: -each.upto):
        parts = parts_of(snapshot.branch, table, snapshot.upto)
        nearest = max(readers, key=lambda reader: common(reader.parts, parts))
        shared = common(nearest.parts, parts)
        if shared < snapshot.upto:
            nearest = BranchReader(parts, nearest, shared)
            readers.append(nearest)
        nearest.mark(snapshot.upto)
        by_name[snapshot.name] = nearest
    return readers, by_name


def snapshot_of(row: SnapshotRow, reader: BranchReader) -> WorldSnapshot:
    """Return a stored snapshot. Its undo stack is empty."""
    return WorldSnapshot(
        root=LazySnapshot(reader.history, row.upto),
        state=row.state,
        steps=reader.logs[row.upto],
        undo_entries=(),
        faults=Faults(row.faults, row.state.next_fault),
    )


def restored(stored: StoredWorld, connection: sqlite3.Connection, table: Table) -> RestoredWorld:
    """Read a stored world. Raise `ValueError` if it is incomplete, and `StartChanged` if it cannot be continued."""
    start = starting_snapshot(stored.scenario, stored.state.mode)
    rows = connection.execute("SELECT start FROM scenarios WHERE digest = ?", (digest_of(stored.scenario),))
    if rows.fetchone() != (start_of(start.root.base),):
        raise StartChanged(
            f"scenario {stored.scenario.name} started otherwise when it was made:"
            " with another installation file, or another version of oms-emulator"
        )
    first, steps = BranchReader(parts_of(stored.branch, table)), start.steps.copy()
    readers, by_name = readers_of(first, stored.snapshots, table)
    first.read(connection, start.root, steps)
    for reader in readers[1:]:
        reader.read_on(connection)
    present = start._replace(
        root=first.history.root(),
        state=stored.state,
        steps=steps,
        undo_entries=(),
        faults=Faults(stored.faults, stored.state.next_fault),
    )
    snapshots = {row.name: snapshot_of(row, by_name[row.name]) for row in stored.snapshots}
    return RestoredWorld(stored, present, snapshots)


class ExportData(NamedTuple):
    """The data of a stored world that its export needs."""

    start: Scenario
    lines: list[bytes]
    state: WorldState
    faults: list[ArmedFault]


def export_data(path: str | PathLike[str], name: str) -> ExportData:
    """Read the export data of a stored world, without changing the file.

    Raise `StateProblem` for a file that cannot be used, or has no such world.
    """
    path = Path(path)
    if not path.exists() or is_new(path):
        raise StateProblem(f"there is no state file {path}")
    with looking(path) as connection:
        try:
            worlds = {each.name: each for each in worlds_of(connection)}
            if name not in worlds:
                raise StateProblem(f"state file {path} has no world {name!r}; it has {', '.join(worlds)}")
            parts = parts_of(worlds[name].branch, table_of(connection))
            lines = [line for _, line, _ in steps_of(connection, parts)]
        except StateProblem:
            raise
        except (ValueError, TypeError, LookupError) as error:
            raise StateProblem(f"state file {path} is damaged: {error}") from None
    world = worlds[name]
    return ExportData(world.scenario, [*world.scenario.steps, *lines], world.state, world.faults)
