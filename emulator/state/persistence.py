"""Snapshots of worlds, and the interface through which a world stores its changes beyond the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from emulator.core.errors import Conflict, UnknownRecord
from emulator.state.clock import ClockMode, TrafficRate
from emulator.state.faults import FaultMatch, Faults
from emulator.state.steps import StepLog, UndoEntry
from emulator.state.store import Snapshot, Transaction

MAX_SNAPSHOTS = 1_000


class Branch:
    """The location of a world's steps in storage. Each kind of persistence has its subclass."""

    __slots__ = ("__weakref__",)


class WorldState(NamedTuple):
    """The clock, the counters and the throttle windows of a world."""

    mode: ClockMode
    now: datetime
    speed: float = 1.0
    rate: TrafficRate = TrafficRate()
    calls: Mapping[str, Sequence[datetime]] = {}
    """See `journal.ThrottleWindows`."""
    next_request: int = 1
    next_fault: int = 1


class WorldSnapshot(NamedTuple):
    """The complete state of a world. A snapshot of a large world costs as little as one of a small world."""

    records: Snapshot
    state: WorldState
    steps: StepLog
    undo_entries: tuple[UndoEntry, ...]
    faults: Faults
    last_write_at: datetime | None = None
    branch: Branch | None = None
    """Where the steps are stored. None: they are not stored."""

    @property
    def now(self) -> datetime:
        return self.state.now


def initial_snapshot(records: Snapshot, state: WorldState) -> WorldSnapshot:
    """Return the snapshot of a world that has no history."""
    return WorldSnapshot(records, state, StepLog(), (), Faults())


class Snapshots(dict[str, WorldSnapshot]):
    """The named snapshots of a world."""

    def __missing__(self, name: str) -> WorldSnapshot:
        """Raise `UnknownRecord`, because no snapshot has this name."""
        raise UnknownRecord(f"no snapshot with the name {name!r}", list(self), name)

    def check_room(self, name: str, world: str) -> None:
        """Raise `Conflict` if a new snapshot would exceed the limit."""
        if len(self) >= MAX_SNAPSHOTS and name not in self:
            raise Conflict(f"world {world} already has {MAX_SNAPSHOTS} snapshots, which is the maximum")


class CommitToken:
    """A change that was handed to persistence. A token of this class is for a change that is complete."""

    def wait(self) -> None:
        """Block until the change is on disk. Raise `PersistError` if it cannot be stored."""

    def on_success(self, callback: Callable[[], object], /) -> None:
        """Call a function once the change is on disk, in the order of the changes. It must not wait."""
        callback()


COMMITTED = CommitToken()


class Persistence:
    """Stores the changes of one world. The caller holds the world's lock, and waits for the tokens without it.

    This class is the persistence of a world that ends with the process: it stores nothing.
    """

    is_durable = False
    """Whether a write must be in the step log, because it is stored as a step."""

    def __init__(self, branch: Branch | None = None) -> None:
        self.branch = branch
        """Where the steps of the world are stored."""

    def check(self) -> None:
        """Raise `PersistError` if nothing can be stored any more."""

    def save_write(
        self, _state: WorldState, _number: int, _lines: Sequence[bytes], _transaction: Transaction, /
    ) -> CommitToken:
        """Store the steps of one transaction, of which the first has this number."""
        return COMMITTED

    def save_branch(self, _state: WorldState, origin: Branch | None, _steps: int, _faults: Faults, /) -> CommitToken:
        """Continue after the first steps of a branch, as after an undo or a restore."""
        self.branch = origin
        return COMMITTED

    def save_state(self, _state: WorldState, /) -> CommitToken:
        """Store the clock, the counters and the throttle windows."""
        return COMMITTED

    def save_faults(self, _state: WorldState, _faults: Faults, /) -> CommitToken:
        """Store all armed faults."""
        return COMMITTED

    def save_fault_counts(self, _state: WorldState, _counted: Sequence[FaultMatch], /) -> CommitToken:
        """Store the counts of some armed faults."""
        return COMMITTED

    def save_snapshot(self, _state: WorldState, _name: str, _snapshot: WorldSnapshot, /) -> CommitToken:
        """Store a snapshot of the world under a name, replacing an earlier one."""
        return COMMITTED


class ThreadLocal(threading.local):
    """The worker pool that the current thread belongs to."""

    release_worker_slot: Callable[[], None] | None = None
    """Allows another thread of the pool to work while this one waits. None: the thread belongs to no pool."""


THREAD_LOCAL = ThreadLocal()


def release_worker_slot() -> None:
    """Allow another thread of the pool to work, because this one is about to wait for another thread."""
    if THREAD_LOCAL.release_worker_slot is not None:
        THREAD_LOCAL.release_worker_slot()
