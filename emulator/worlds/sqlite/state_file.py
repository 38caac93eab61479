"""The state file of a server: stores its worlds and all their changes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import count
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import orjson

from emulator.core.errors import Conflict, PersistError
from emulator.state.faults import ArmedFault, FaultMatch, Faults
from emulator.state.persistence import Branch, Persistence, Snapshots, WorldSnapshot, WorldState
from emulator.state.scenario import Scenario, Settings
from emulator.state.store import Transaction
from emulator.state.world import World, WorldServices
from emulator.worlds.loading.scenarios import load_base, settings_of, starting_snapshot
from emulator.worlds.sqlite import history, rows
from emulator.worlds.sqlite.database import (
    Batch,
    FileChange,
    StateFileError,
    Writer,
    create_file,
    is_new_file,
    open_for_writing,
    open_read_only,
    verify_checksums,
)
from emulator.worlds.sqlite.rows import StoredWorld


class RestoredWorld(NamedTuple):
    """The state and the snapshots of a stored world, without the branches that exist in a writable file only."""

    stored: StoredWorld
    start: WorldSnapshot
    snapshots: dict[str, WorldSnapshot]


class StateFile:
    """A state file and its worlds."""

    def __init__(
        self, path: str | PathLike[str], start: Scenario, services: WorldServices, *, strict: bool = False
    ) -> None:
        """Open a file for worlds of a scenario, or create it.

        Raise `StateFileError` for a file that is foreign, damaged, in use, or was made for another scenario. Such a
        file is not changed.
        """
        self.path, self._start = Path(path), start
        self._services, self._strict = services, strict
        load_base(start)  # an invalid scenario creates no file
        if is_new_file(self.path):
            starting_snapshot(start, "frozen")
            create_file(self.path, orjson.dumps(rows.scenario_identity(start)).decode())
        with open_read_only(self.path) as connection:
            self._check_identity(connection)
            table = history.read_branch_table(connection)
            stored = list(rows.read_worlds(connection, start))
            worlds = [self._restore_world(each, connection, table) for each in stored]
            verify_checksums(connection)
        self._open_for_writing(worlds, table)
        branches: dict[int, history.StoredBranch] = {}
        self.stored_worlds = [self._open_world(each, table, branches) for each in worlds]

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'made_for'").fetchone() or ("{}",)
        if why := rows.first_difference(json.loads(text), rows.scenario_identity(self._start)):
            raise StateFileError(f"state file {self.path} {why}")

    def _restore_world(
        self, stored: StoredWorld, connection: sqlite3.Connection, table: history.BranchTable
    ) -> RestoredWorld:
        """Read a stored world. Raise `ValueError` if it is incomplete or cannot be continued."""
        start = starting_snapshot(stored.scenario, stored.state.mode)
        if not rows.has_start(connection, stored.scenario, start.records.base):
            raise StateFileError(
                f"state file {self.path}: scenario {stored.scenario.name} had other records when the file was made,"
                " with another installation or another version of oms-emulator; to keep the writes,"
                f" run `oms-emulator export --state {self.path} --with-secrets -o world.json`, and start with"
                " --import world.json"
            )
        first, steps = history.BranchReader(history.step_ranges(stored.branch, table)), start.steps.copy()
        readers, by_name = history.build_readers(first, stored.snapshots, table)
        first.read(connection, start.records, steps)
        for reader in readers[1:]:
            reader.read_after_origin(connection)
        present = start._replace(
            records=first.history.complete_snapshot(),
            state=stored.state,
            steps=steps,
            undo_entries=(),
            faults=Faults(stored.faults, stored.state.next_fault),
        )
        snapshots = {row.name: by_name[row.name].build_snapshot(row) for row in stored.snapshots}
        return RestoredWorld(stored, present, snapshots)

    def _open_for_writing(self, worlds: Sequence[RestoredWorld], table: history.BranchTable) -> None:
        """Start the writer, and delete what no world uses."""
        connection = open_for_writing(self.path)
        connection.execute("BEGIN IMMEDIATE")
        stored = [each.stored for each in worlds]
        used = [(each.branch, history.LAST_STEP) for each in stored]
        used += [(snapshot.branch, snapshot.step_count) for each in stored for snapshot in each.snapshots]
        history.delete_unused_steps(connection, used, table)
        rows.delete_orphans(connection)
        connection.execute("COMMIT")
        self._ids = count(1 + max([0, *table, *(each.id for each in stored)]))
        self.writer = Writer(self.path, connection)

    def _open_world(
        self, world: RestoredWorld, table: history.BranchTable, branches: dict[int, history.StoredBranch]
    ) -> World:
        """Build a world that continues in this file. `branches` are those of the worlds before."""
        stored = world.stored
        present = self._get_branch(stored.branch, table, branches)
        snapshots = {
            row.name: world.snapshots[row.name]._replace(branch=self._get_branch(row.branch, table, branches))
            for row in stored.snapshots
        }
        return World(
            stored.name,
            settings_of(stored.scenario),
            world.start,
            self._services,
            strict=self._strict,
            snapshots=Snapshots(snapshots),
            persistence=WorldPersistence(self, stored.id, present, stored.name),
        )

    def _get_branch(
        self, id_: int, table: history.BranchTable, known: dict[int, history.StoredBranch]
    ) -> history.StoredBranch:
        for branch in (each.branch for each in history.step_ranges(id_, table) if each.branch not in known):
            parent_id, parent_steps = table[branch]
            parent = None if parent_id is None else known[parent_id]
            known[branch] = history.StoredBranch(self, branch, parent, parent_steps, self.writer.unused_branches)
        return known[id_]

    def create(
        self, name: str, settings: Settings, start: WorldSnapshot, snapshots: Snapshots
    ) -> tuple[WorldPersistence, Batch]:
        """Store a new world, replacing the one of its name. Return its persistence and the commit token."""
        scenario = settings.source
        if start.branch is None and len(start.steps) != len(scenario.steps):
            raise self._foreign_origin(name)
        id_, branch = next(self._ids), self.new_branch(start.branch, len(start.steps), name)
        snapshot_rows = [snapshot_row(*each) for each in snapshots.items()]
        world = StoredWorld(id_, name, scenario, branch.id, start.state, start.faults.copy().armed, snapshot_rows)
        token = self.writer.add(partial(rows.put_world, world, rows.base_digest(start.records.base), branch.row()))
        return WorldPersistence(self, id_, branch, name), token

    def delete(self, name: str) -> Batch:
        """Delete a world from the file, and return the commit token."""
        return self.writer.add(partial(rows.delete_world, name))

    def new_branch(self, origin: Branch | None, steps: int, name: str) -> history.StoredBranch:
        """Return a branch that continues after the first steps of another one. `name` is the world's, for errors."""
        if origin is None:
            return history.StoredBranch(self, next(self._ids), None, steps, self.writer.unused_branches)
        if not isinstance(origin, history.StoredBranch) or origin.storage is not self:
            raise self._foreign_origin(name)
        return history.StoredBranch(self, next(self._ids), origin, steps, self.writer.unused_branches)

    def _foreign_origin(self, name: str) -> Conflict:
        return Conflict(f"world {name} continues one that is not in {self.path}, so it cannot be stored there")

    def close(self, worlds: Iterable[World]) -> None:
        """Store the clocks of these worlds, and close the file."""
        for world in worlds:
            if isinstance(world.persistence, WorldPersistence) and world.persistence.storage is self:
                with world.lock, contextlib.suppress(PersistError):
                    world.persistence.save_state(world.state())
        self.writer.close()


class WorldPersistence(Persistence):
    """Stores one world in the file."""

    is_durable = True
    branch: history.StoredBranch

    def __init__(self, storage: StateFile, id_: int, branch: history.StoredBranch, name: str) -> None:
        super().__init__(branch)
        self.storage, self._id, self._name = storage, id_, name

    def check(self) -> None:
        self.storage.writer.check()

    def save_write(
        self, state: WorldState, number: int, lines: Sequence[bytes], transaction: Transaction, /
    ) -> Batch:
        return self._add(
            state,
            partial(rows.put_steps, history.step_key(self.branch.id, number), lines, history.changes_of(transaction)),
        )

    def save_branch(self, state: WorldState, origin: Branch | None, steps: int, faults: Faults, /) -> Batch:
        branch = self.storage.new_branch(origin, steps, self._name)
        token = self._add(state, partial(rows.put_branch, self._id, branch.row(), faults.copy().armed))
        self.branch = branch  # after the change is queued, because the file needs the old branch until then
        return token

    def save_state(self, state: WorldState, /) -> Batch:
        return self._add(state, None)

    def save_faults(self, state: WorldState, faults: Faults, /) -> Batch:
        return self._add(state, partial(rows.put_faults, self._id, faults.copy().armed))

    def save_fault_counts(self, state: WorldState, counted: Sequence[FaultMatch], /) -> Batch:
        texts = [(fault.id, rows.counts_text(fault)) for fault, _ in counted]
        counts = [(fault, request, fault.request_counts.get(request)) for fault, request in counted]
        seen = [(fault.id, request, count) for fault, request, count in counts if count is not None]
        return self._add(state, partial(rows.put_counts, self._id, texts, seen))

    def save_snapshot(self, state: WorldState, name: str, snapshot: WorldSnapshot, /) -> Batch:
        return self._add(state, partial(rows.put_snapshot, self._id, snapshot_row(name, snapshot)))

    def _add(self, state: WorldState, change: FileChange | None) -> Batch:
        return self.storage.writer.add(change, self._id, partial(rows.put_state, self._id, state))


def snapshot_row(name: str, snapshot: WorldSnapshot) -> history.SnapshotRow:
    """Return the row of a snapshot. All snapshots of a stored world have a stored branch."""
    if not isinstance(snapshot.branch, history.StoredBranch):
        raise TypeError(f"snapshot {name} has no stored branch")
    return history.SnapshotRow(name, snapshot.branch.id, len(snapshot.steps), snapshot.state, snapshot.faults.armed)


class ExportData(NamedTuple):
    """The data of a stored world that its export needs."""

    start: Scenario
    steps: list[bytes]
    state: WorldState
    faults: Sequence[ArmedFault]


def read_export_data(path: str | PathLike[str], name: str) -> ExportData:
    """Read the export data of a stored world. Raise `StateFileError` for an invalid file or an unknown world."""
    path = Path(path)
    if not path.exists() or is_new_file(path):
        raise StateFileError(f"there is no state file {path}")
    with open_read_only(path) as connection:
        worlds = {each.name: each for each in rows.read_worlds(connection)}
        if name not in worlds:
            raise StateFileError(f"state file {path} has no world {name!r}; it has {', '.join(worlds)}")
        ranges = history.step_ranges(worlds[name].branch, history.read_branch_table(connection))
        lines = [line for _, line, _ in history.read_steps(connection, ranges)]
        verify_checksums(connection)
    world = worlds[name]
    return ExportData(world.scenario, [*world.scenario.steps, *lines], world.state, world.faults)
