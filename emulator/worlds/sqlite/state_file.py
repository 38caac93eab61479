"""The state file of a server: stores its worlds and all their changes (`worlds.WorldStorage`)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path

import orjson

from emulator.core.control_errors import Conflict, PersistError
from emulator.loading.worlds import load, settings_of
from emulator.state.faults import Counted, Faults
from emulator.state.scenario import Scenario, Settings
from emulator.state.snapshots import Branch, Snapshots, WorldSnapshot, WorldState
from emulator.state.store import Transaction
from emulator.state.world import World, WorldServices
from emulator.worlds.sqlite.database import StateProblem, is_new, looking, make, open_to_write
from emulator.worlds.sqlite.history import (
    LAST,
    StoredBranch,
    Table,
    changed_by,
    forget_unused,
    parts_of,
    place_of,
    table_of,
)
from emulator.worlds.sqlite.opening import RestoredWorld, StartChanged, restored, worlds_of
from emulator.worlds.sqlite.stored_values import counts_text, difference, digest_of, identity_of, start_of, text_of
from emulator.worlds.sqlite.writer import (
    OF_WORLDS,
    Batch,
    SnapshotRow,
    Work,
    WorldRow,
    Writer,
    branch_row,
    delete_world,
    put_branch,
    put_counts,
    put_faults,
    put_snapshot,
    put_state,
    put_steps,
    put_world,
)


class State:
    """A state file and its worlds."""

    def __init__(
        self, path: str | PathLike[str], start: Scenario, services: WorldServices, *, strict: bool = False
    ) -> None:
        """Open a file for worlds of a scenario, or create it.

        Raise `StateProblem` for a file that is foreign, damaged, in use, or was made for another scenario. Such a
        file is not changed.
        """
        self.path, self._start = Path(path), start
        self._services, self._strict = services, strict
        load(start)  # an invalid scenario creates no file
        if is_new(self.path):
            make(self.path, orjson.dumps(identity_of(start)).decode())
        with looking(self.path) as connection:
            self._check_identity(connection)
            table = table_of(connection)
            try:
                worlds = [restored(each, connection, table) for each in list(worlds_of(connection, start))]
            except StartChanged as error:
                raise StateProblem(f"state file {path}: {error}") from None
            except (ValueError, TypeError, LookupError) as error:
                raise StateProblem(f"state file {path} is damaged: {error}") from None
        self._open_to_write(worlds, table)
        branches: dict[int, StoredBranch] = {}
        self.opened = [self._open_world(each, table, branches) for each in worlds]

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'made_for'").fetchone() or ("{}",)
        if why := difference(json.loads(text), identity_of(self._start)):
            raise StateProblem(f"state file {self.path} {why}")

    def _open_to_write(self, worlds: Sequence[RestoredWorld], table: Table) -> None:
        """Start the writer, and delete what no world uses any more."""
        connection = open_to_write(self.path)
        connection.execute("BEGIN IMMEDIATE")
        stored = [each.stored for each in worlds]
        used = [(each.branch, LAST) for each in stored]
        used += [(snapshot.branch, snapshot.upto) for each in stored for snapshot in each.snapshots]
        forget_unused(connection, used, table)
        for name in OF_WORLDS:
            connection.execute(f"DELETE FROM {name} WHERE world NOT IN (SELECT id FROM worlds)")  # noqa: S608 - ours
        connection.execute("DELETE FROM scenarios WHERE digest NOT IN (SELECT scenario FROM worlds)")
        connection.execute("COMMIT")
        self._last_id = max([0, *table, *(each.id for each in stored)])
        self._lock = threading.Lock()
        self.writer = Writer(self.path, connection)

    def _open_world(self, world: RestoredWorld, table: Table, branches: dict[int, StoredBranch]) -> World:
        """Build a world that continues in this file. `branches` are those of the worlds before."""
        stored = world.stored
        present = self._known_branch(stored.branch, table, branches)
        snapshots = {
            row.name: world.snapshots[row.name]._replace(branch=self._known_branch(row.branch, table, branches))
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

    def _known_branch(self, id_: int, table: Table, known: dict[int, StoredBranch]) -> StoredBranch:
        for each in (part.branch for part in parts_of(id_, table) if part.branch not in known):
            parent, upto = table[each]
            before = None if parent is None else known[parent]
            known[each] = StoredBranch(self, each, before, upto, self.writer.dropped)
        return known[id_]

    def _new_id(self) -> int:
        with self._lock:
            self._last_id += 1
            return self._last_id

    def check(self) -> None:
        """Raise `PersistError` if nothing can be stored any more."""
        self.writer.check()

    def create(
        self, name: str, settings: Settings, start: WorldSnapshot, snapshots: Snapshots
    ) -> tuple[WorldPersistence, Batch]:
        """Store a new world, replacing the one of its name. Return its persistence and the commit token."""
        scenario = settings.source
        if start.branch is None and len(start.steps) != len(scenario.steps):
            raise self._foreign(name)
        id_, branch = self._new_id(), self.new_branch(start.branch, len(start.steps), name)
        digest = digest_of(scenario)
        scenario_row = (digest, text_of(scenario), scenario.request, start_of(start.root.base))
        rows = [snapshot_row(*each) for each in snapshots.items()]
        row = WorldRow(id_, name, digest, branch.id, start.state, start.faults.copy().armed, rows)
        token = self.writer.add(partial(put_world, row, scenario_row, branch_row(branch)))
        return WorldPersistence(self, id_, branch, name), token

    def delete(self, name: str) -> Batch:
        """Delete a world from the file, and return the commit token."""
        return self.writer.add(partial(delete_world, name))

    def new_branch(self, origin: Branch | None, steps: int, name: str) -> StoredBranch:
        """Return a branch that continues after the first steps of another one. `name` is the world's, for errors."""
        if origin is None:
            return StoredBranch(self, self._new_id(), None, steps, self.writer.dropped)
        if not isinstance(origin, StoredBranch) or origin.storage is not self:
            raise self._foreign(name)
        return StoredBranch(self, self._new_id(), origin, steps, self.writer.dropped)

    def _foreign(self, name: str) -> Conflict:
        return Conflict(f"world {name} goes on from one that is not in {self.path}, so it cannot be kept there")

    def close(self, worlds: Iterable[World]) -> None:
        """Store the clocks of these worlds, and close the file."""
        for world in worlds:
            if isinstance(world.persistence, WorldPersistence) and world.persistence.storage is self:
                with world.lock, contextlib.suppress(PersistError):
                    world.persistence.save_state(world.state())
        self.writer.close()


class WorldPersistence:
    """Stores one world (`core.persistence.Persistence`)."""

    is_durable = True

    def __init__(self, storage: State, id_: int, branch: StoredBranch, name: str) -> None:
        self.storage, self.branch = storage, branch
        self._id, self._name = id_, name

    def check(self) -> None:
        self.storage.check()

    def save_write(
        self, state: WorldState, number: int, lines: Sequence[bytes], transaction: Transaction, /
    ) -> Batch:
        return self._add(state, partial(put_steps, place_of(self.branch.id, number), lines, changed_by(transaction)))

    def save_branch(self, state: WorldState, origin: Branch | None, steps: int, faults: Faults, /) -> Batch:
        branch = self.storage.new_branch(origin, steps, self._name)
        token = self._add(state, partial(put_branch, self._id, branch_row(branch), faults.copy().armed))
        self.branch = branch  # after the change is queued, because the file needs the old branch until then
        return token

    def save_state(self, state: WorldState, /) -> Batch:
        return self._add(state, None)

    def save_faults(self, state: WorldState, faults: Faults, /) -> Batch:
        return self._add(state, partial(put_faults, self._id, faults.copy().armed))

    def save_fault_counts(self, state: WorldState, counted: Sequence[Counted], /) -> Batch:
        texts = [(fault.id, counts_text(fault)) for fault, _ in counted]
        seen = [(fault.id, request, fault.seen[request]) for fault, request in counted if request in fault.seen]
        return self._add(state, partial(put_counts, self._id, texts, seen))

    def save_snapshot(self, state: WorldState, name: str, snapshot: WorldSnapshot, /) -> Batch:
        return self._add(state, partial(put_snapshot, self._id, snapshot_row(name, snapshot)))

    def _add(self, state: WorldState, work: Work | None) -> Batch:
        return self.storage.writer.add(work, self._id, partial(put_state, self._id, state))


def snapshot_row(name: str, snapshot: WorldSnapshot) -> SnapshotRow:
    """Return the row of a snapshot. All snapshots of a stored world have a stored branch."""
    if not isinstance(snapshot.branch, StoredBranch):
        raise TypeError(f"snapshot {name} has no stored branch")
    return SnapshotRow(name, snapshot.branch.id, len(snapshot.steps), snapshot.state, snapshot.faults.armed)
