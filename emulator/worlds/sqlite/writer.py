"""The thread that writes to the file. Concurrent writes share one commit."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, count, repeat
from pathlib import Path
from typing import NamedTuple

from emulator.core.errors import PersistError
from emulator.state.clock import machine_seconds
from emulator.state.faults import ArmedFault
from emulator.state.persistence import WorldState, release_worker_slot
from emulator.worlds.sqlite.database import error_message
from emulator.worlds.sqlite.history import StoredBranch, TransactionChanges, encode_changes, first_step_key
from emulator.worlds.sqlite.stored_values import counts_text, faults_text, state_text

LOG = logging.getLogger("emulator")
FileChange = Callable[[sqlite3.Connection], None]
WAIT_FRACTION, MAX_WAIT = 0.5, 0.01
"""Time to wait for other writes, as a fraction of the last commit, and its maximum in seconds."""
MAX_DELETED_STEPS = 2_000
"""Maximum number of unused steps to delete at a time, because writes wait for it."""


class Batch:
    """Changes that are committed together (`core.persistence.CommitToken`)."""

    def __init__(self) -> None:
        self.changes: list[FileChange] = []
        self.latest_states: dict[int, FileChange] = {}
        """World -> its latest state. Earlier states of the batch are not written."""
        self.unused_branches = 0
        """Number of branches that are unused once the batch is on disk."""
        self.error: str | None = None
        self._done = threading.Event()

    def finish(self, refused: str | None = None) -> None:
        self.error = refused
        self._done.set()

    def wait(self) -> None:
        """Wait until it is on disk. Raise `PersistError` if it cannot be written."""
        with release_worker_slot():
            self._done.wait()
        if self.error is not None:
            raise PersistError(self.error)


class Writer:
    """Runs all changes in order in one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self.unused_branches: deque[int] = deque()
        """Unused branches. The garbage collector appends to it, so it must not need a lock."""
        self._batch = Batch()
        self._error: str | None = None
        self._is_closing = False
        self._expected_changes, self._max_wait = 1, 0.0
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"emulator state {path}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `PersistError` if the file is closed or failed."""
        if self._error is not None:
            raise PersistError(self._error)

    def add(self, work: FileChange | None, world: int | None = None, latest: FileChange | None = None) -> Batch:
        """Queue a change, and the state of a world after it. Return the batch that commits both."""
        with self._wake:
            self.check()
            batch = self._batch
            if work is not None:
                batch.changes.append(work)
            if world is not None and latest is not None:
                batch.latest_states[world] = latest
            self._wake.notify()
        return batch

    def close(self) -> None:
        """Write what is queued, and close the file."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            began = machine_seconds()
            refused = self._write(batch)
            self._max_wait = min((machine_seconds() - began) * WAIT_FRACTION, MAX_WAIT)
            self._expected_changes = len(batch.changes) + len(self._batch.changes)
            batch.finish(refused)
            if batch.unused_branches:
                self._delete_unused_steps()
        try:
            self._connection.close()
        except sqlite3.Error as error:
            LOG.error("%s", error_message(self.path, error))

    def _next_batch(self) -> Batch | None:
        """Wait for the next batch. None: the writer is closed."""
        with self._wake:
            while not self._batch.changes and not self._batch.latest_states:
                if self._is_closing:
                    self._error = self._error or f"state file {self.path} is closed, so nothing more is kept"
                    return None
                self._wake.wait()
            self._wait_for_others()
            batch, self._batch = self._batch, Batch()
            batch.unused_branches = len(self.unused_branches)
            return batch

    def _wait_for_others(self) -> None:
        """Wait briefly for threads that wrote in the last batch, because one commit for all costs as much as for one.

        The wait never exceeds a fraction of a commit.
        """
        until = machine_seconds() + self._max_wait
        while len(self._batch.changes) < self._expected_changes and not self._is_closing:
            if (left := until - machine_seconds()) <= 0:
                return
            self._wake.wait(left)

    def _write(self, batch: Batch) -> str | None:
        """Commit a batch. Return the reason if it fails."""
        if self._error is None:
            try:
                self._commit([*batch.changes, *batch.latest_states.values()])
            except Exception as error:  # noqa: BLE001 - the waiting threads must get any error
                why = (
                    error_message(self.path, error) if isinstance(error, sqlite3.Error) else f"state file: {error!r}"
                )
                self._error = f"{why}; nothing more is kept, so writes are refused until a restart"
                LOG.error("%s", self._error)
        return self._error

    def _commit(self, work: list[FileChange]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for each in work:
                each(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _delete_unused_steps(self) -> None:
        """Delete some steps of an unused branch."""
        if self._error is not None:
            return
        branch = self.unused_branches[0]
        some = "SELECT at FROM steps WHERE at BETWEEN ? AND ? LIMIT ?"
        limits = (first_step_key(branch), first_step_key(branch + 1) - 1, MAX_DELETED_STEPS)
        try:
            gone = self._connection.execute(f"DELETE FROM steps WHERE at IN ({some})", limits).rowcount  # noqa: S608
            if gone < MAX_DELETED_STEPS:
                self._connection.execute("DELETE FROM courses WHERE id = ?", (branch,))
                self.unused_branches.popleft()
        except sqlite3.Error as error:
            LOG.warning("%s", error_message(self.path, error))


BranchRow = tuple[int, int | None, int]
ScenarioRow = tuple[str, bytes, str | None, str]
ON_CONFLICT_UPDATE = "ON CONFLICT DO UPDATE SET"
"""An existing row keeps its position."""
WORLD_TABLES = ("snapshots", "faults", "seen")
"""Tables whose rows belong to one world each."""


class SnapshotRow(NamedTuple):
    """A named snapshot of a world."""

    name: str
    branch: int
    step_count: int
    state: WorldState
    faults: Sequence[ArmedFault]


class WorldRow(NamedTuple):
    """A new world."""

    id: int
    name: str
    scenario: str
    branch: int
    state: WorldState
    faults: Sequence[ArmedFault]
    snapshots: Sequence[SnapshotRow]


def branch_row(branch: StoredBranch) -> BranchRow:
    return branch.id, None if branch.parent is None else branch.parent.id, branch.parent_steps


def put_steps(at: int, lines: Sequence[bytes], changed: TransactionChanges, connection: sqlite3.Connection) -> None:
    """Insert the steps of one transaction, from a key on. The first step has the changed records of all."""
    changes = chain([encode_changes(changed)], repeat(b""))
    connection.executemany("INSERT INTO steps VALUES (?, ?, ?)", zip(count(at), lines, changes, strict=False))


def put_state(world: int, state: WorldState, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE worlds SET now = ? WHERE id = ?", (state_text(state), world))


def put_branch(world: int, row: BranchRow, faults: Sequence[ArmedFault], connection: sqlite3.Connection) -> None:
    """Continue a world on a new branch, with these faults."""
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", row)
    connection.execute("UPDATE worlds SET course = ? WHERE id = ?", (row[0], world))
    put_faults(world, faults, connection)


def put_faults(world: int, faults: Iterable[ArmedFault], connection: sqlite3.Connection) -> None:
    """Replace all faults of a world."""
    for table in ("faults", "seen"):
        connection.execute(f"DELETE FROM {table} WHERE world = ?", (world,))  # noqa: S608 - ours
    for fault in faults:
        put_fault(world, fault.id, counts_text(fault), connection)
        put_seen(world, [(fault.id, *seen) for seen in fault.request_counts.items()], connection)


def put_fault(world: int, fault: int, text: str, connection: sqlite3.Connection) -> None:
    insert = "INSERT INTO faults (world, id, document) VALUES (?, ?, ?)"
    connection.execute(f"{insert} {ON_CONFLICT_UPDATE} document = excluded.document", (world, fault, text))


def put_seen(world: int, seen: Iterable[tuple[int, str, int]], connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", [(world, *row) for row in seen])


def put_counts(
    world: int,
    texts: Iterable[tuple[int, str]],
    seen: Iterable[tuple[int, str, int]],
    connection: sqlite3.Connection,
) -> None:
    for fault, text in texts:
        put_fault(world, fault, text, connection)
    put_seen(world, seen, connection)


def put_snapshot(world: int, row: SnapshotRow, connection: sqlite3.Connection) -> None:
    values = (world, row.name, row.branch, row.step_count, state_text(row.state), faults_text(row.faults))
    insert = "INSERT INTO snapshots (world, name, course, upto, now, faults) VALUES (?, ?, ?, ?, ?, ?)"
    changes = ", ".join(f"{column} = excluded.{column}" for column in ("course", "upto", "now", "faults"))
    connection.execute(f"{insert} {ON_CONFLICT_UPDATE} {changes}", values)


def put_world(row: WorldRow, scenario: ScenarioRow, branch: BranchRow, connection: sqlite3.Connection) -> None:
    """Insert a new world, replacing the one of its name."""
    connection.execute("INSERT OR IGNORE INTO scenarios VALUES (?, ?, ?, ?)", scenario)
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", branch)
    delete_world(row.name, connection)
    values = (row.id, row.name, row.scenario, row.branch, state_text(row.state))
    connection.execute("INSERT INTO worlds VALUES (?, ?, ?, ?, ?)", values)
    put_faults(row.id, row.faults, connection)
    for snapshot in row.snapshots:
        put_snapshot(row.id, snapshot, connection)


def delete_world(name: str, connection: sqlite3.Connection) -> None:
    for table in WORLD_TABLES:
        its = f"DELETE FROM {table} WHERE world IN (SELECT id FROM worlds WHERE name = ?)"  # noqa: S608 - ours
        connection.execute(its, (name,))
    connection.execute("DELETE FROM worlds WHERE name = ?", (name,))
