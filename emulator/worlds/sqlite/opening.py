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
from emulator.state.persistence import WorldSnapshot, WorldState
from emulator.state.scenario import Scenario
from emulator.state.steps import StepLog
from emulator.state.store import Snapshot
from emulator.worlds.sqlite.database import StateFileError, is_new_file, open_read_only
from emulator.worlds.sqlite.history import (
    BranchTable,
    History,
    LazySnapshot,
    StepRange,
    last_common_step,
    ranges_after,
    read_branch_table,
    read_steps,
    step_ranges,
)
from emulator.worlds.sqlite.stored_values import (
    base_digest,
    parse_faults,
    parse_scenario,
    parse_state,
    scenario_digest,
)
from emulator.worlds.sqlite.writer import SnapshotRow


class StartChangedError(ValueError):
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


def read_worlds(connection: sqlite3.Connection, start: Scenario | None = None) -> Iterator[StoredWorld]:
    """Return the worlds of a file, the oldest first. Worlds of the scenario `start` share its object."""
    usual: Mapping[str, Scenario] = {} if start is None else {scenario_digest(start): start}
    scenarios = {
        digest: usual.get(digest) or parse_scenario(text, request)
        for digest, text, request in connection.execute("SELECT digest, document, request FROM scenarios")
    }
    faults, snapshots = read_faults(connection), read_snapshots(connection)
    rows = connection.execute("SELECT id, name, scenario, course, now FROM worlds ORDER BY id")
    for id_, name, digest, branch, state in rows:
        yield StoredWorld(id_, name, scenarios[digest], branch, parse_state(state), faults[id_], snapshots[id_])


def read_faults(connection: sqlite3.Connection) -> dict[int, list[ArmedFault]]:
    """Return the armed faults by world, with the requests that each has seen."""
    seen: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for world, fault, request, times in connection.execute("SELECT world, fault, request, times FROM seen"):
        seen[world, fault][request] = int(times)
    found: dict[int, list[ArmedFault]] = defaultdict(list)
    for world, text in connection.execute("SELECT world, document FROM faults ORDER BY position"):
        (fault,) = parse_faults(f"[{text}]")
        fault.request_counts = seen[world, fault.id]
        found[world].append(fault)
    return found


def read_snapshots(connection: sqlite3.Connection) -> dict[int, list[SnapshotRow]]:
    """Return the snapshots by world."""
    found: dict[int, list[SnapshotRow]] = defaultdict(list)
    rows = "SELECT world, name, course, upto, now, faults FROM snapshots ORDER BY position"
    for world, name, branch, upto, state, faults in connection.execute(rows):
        found[world].append(SnapshotRow(name, branch, upto, parse_state(state), parse_faults(faults)))
    return found


class BranchReader:
    """Reads a sequence of steps and the records that they changed: those of a world, or of some of its snapshots."""

    def __init__(self, parts: list[StepRange], origin: BranchReader | None = None, since: int = 0) -> None:
        """Steps up to `since` are read by the reader `origin`."""
        self.ranges, self.origin, self.origin_steps = parts, origin, since
        self.logs: dict[int, StepLog] = {}
        """Step -> the log up to that step, for the steps in demand."""
        if origin is not None:
            origin.request_log(since)

    def request_log(self, number: int) -> None:
        """Demand the log up to a step."""
        self.logs[number] = StepLog()

    def read(self, connection: sqlite3.Connection, start: Snapshot, steps: StepLog) -> None:
        """Read what follows a start, and append it to the start's steps. Raise `ValueError` if a step is missing."""
        self.history = History(start, len(steps))
        if len(steps) in self.logs:
            self.logs[len(steps)] = steps.copy()
        for number, line, changes in read_steps(connection, ranges_after(len(steps), self.ranges)):
            self.history.add_changes(number, changes)
            steps.append(line)
            if number in self.logs:
                self.logs[number] = steps.copy()
        if missing := [number for number in self.logs if number > len(steps)]:
            raise ValueError(f"step {min(missing)} is not there")

    def read_after_origin(self, connection: sqlite3.Connection) -> None:
        """Read what follows the steps of the origin."""
        if self.origin is not None:
            start = LazySnapshot(self.origin.history, self.origin_steps)
            self.read(connection, start, self.origin.logs[self.origin_steps].copy())


Readers = tuple[list[BranchReader], dict[str, BranchReader]]


def build_readers(first: BranchReader, snapshots: list[SnapshotRow], table: BranchTable) -> Readers:
    """Return the readers of all snapshots, each after its origin, and the reader of each snapshot by its name."""
    readers, by_name = [first], {}
    for snapshot in sorted(snapshots, key=lambda each: -each.step_count):
        parts = step_ranges(snapshot.branch, table, snapshot.step_count)
        nearest = max(readers, key=lambda reader: last_common_step(reader.ranges, parts))
        shared = last_common_step(nearest.ranges, parts)
        if shared < snapshot.step_count:
            nearest = BranchReader(parts, nearest, shared)
            readers.append(nearest)
        nearest.request_log(snapshot.step_count)
        by_name[snapshot.name] = nearest
    return readers, by_name


def build_snapshot(row: SnapshotRow, reader: BranchReader) -> WorldSnapshot:
    """Return a stored snapshot. Its undo stack is empty."""
    return WorldSnapshot(
        records=LazySnapshot(reader.history, row.step_count),
        state=row.state,
        steps=reader.logs[row.step_count],
        undo_entries=(),
        faults=Faults(row.faults, row.state.next_fault),
    )


def restore_world(stored: StoredWorld, connection: sqlite3.Connection, table: BranchTable) -> RestoredWorld:
    """Read a stored world. Raise `ValueError` if it is incomplete, and `StartChanged` if it cannot be continued."""
    start = starting_snapshot(stored.scenario, stored.state.mode)
    rows = connection.execute("SELECT start FROM scenarios WHERE digest = ?", (scenario_digest(stored.scenario),))
    if rows.fetchone() != (base_digest(start.records.base),):
        raise StartChangedError(
            f"scenario {stored.scenario.name} started otherwise when it was made:"
            " with another installation file, or another version of oms-emulator"
        )
    first, steps = BranchReader(step_ranges(stored.branch, table)), start.steps.copy()
    readers, by_name = build_readers(first, stored.snapshots, table)
    first.read(connection, start.records, steps)
    for reader in readers[1:]:
        reader.read_after_origin(connection)
    present = start._replace(
        records=first.history.root(),
        state=stored.state,
        steps=steps,
        undo_entries=(),
        faults=Faults(stored.faults, stored.state.next_fault),
    )
    snapshots = {row.name: build_snapshot(row, by_name[row.name]) for row in stored.snapshots}
    return RestoredWorld(stored, present, snapshots)


class ExportData(NamedTuple):
    """The data of a stored world that its export needs."""

    start: Scenario
    steps: list[bytes]
    state: WorldState
    faults: list[ArmedFault]


def read_export_data(path: str | PathLike[str], name: str) -> ExportData:
    """Read the export data of a stored world, without changing the file.

    Raise `StateProblem` for a file that cannot be used, or has no such world.
    """
    path = Path(path)
    if not path.exists() or is_new_file(path):
        raise StateFileError(f"there is no state file {path}")
    with open_read_only(path) as connection:
        try:
            worlds = {each.name: each for each in read_worlds(connection)}
            if name not in worlds:
                raise StateFileError(f"state file {path} has no world {name!r}; it has {', '.join(worlds)}")
            parts = step_ranges(worlds[name].branch, read_branch_table(connection))
            lines = [line for _, line, _ in read_steps(connection, parts)]
        except StateFileError:
            raise
        except (ValueError, TypeError, LookupError) as error:
            raise StateFileError(f"state file {path} is damaged: {error}") from None
    world = worlds[name]
    return ExportData(world.scenario, [*world.scenario.steps, *lines], world.state, world.faults)
