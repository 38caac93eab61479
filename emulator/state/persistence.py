"""The interface through which a world stores its changes beyond the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from emulator.state.faults import FaultMatch, Faults
from emulator.state.snapshots import Branch, WorldSnapshot, WorldState
from emulator.state.store import Transaction


class CommitToken(Protocol):
    """A change that was handed to persistence."""

    def wait(self) -> None:
        """Block until the change is on disk. Raise `PersistError` if it cannot be stored."""


class Committed:
    """The token of a change that needs no waiting."""

    def wait(self) -> None:
        """Return at once."""


COMMITTED = Committed()


class Persistence(Protocol):
    """Stores the changes of one world. The caller holds the world's lock, and waits for the tokens without it."""

    @property
    def is_durable(self) -> bool:
        """Whether a write must be in the step log, because it is stored as a step."""

    @property
    def branch(self) -> Branch | None:
        """Where the steps of the world are stored."""

    def check(self) -> None:
        """Raise `PersistError` if nothing can be stored any more."""

    def save_write(
        self, state: WorldState, number: int, lines: Sequence[bytes], transaction: Transaction, /
    ) -> CommitToken:
        """Store the steps of one transaction, of which the first has this number."""

    def save_branch(self, state: WorldState, origin: Branch | None, steps: int, faults: Faults, /) -> CommitToken:
        """Continue after the first `steps` steps of a branch, as after an undo or a restore."""

    def save_state(self, state: WorldState, /) -> CommitToken:
        """Store the clock, the counters and the throttle windows."""

    def save_faults(self, state: WorldState, faults: Faults, /) -> CommitToken:
        """Store all armed faults."""

    def save_fault_counts(self, state: WorldState, counted: Sequence[FaultMatch], /) -> CommitToken:
        """Store the counts of some armed faults."""

    def save_snapshot(self, state: WorldState, name: str, snapshot: WorldSnapshot, /) -> CommitToken:
        """Store a snapshot of the world under a name, replacing an earlier one."""


class MemoryOnly:
    """The persistence of a world that ends with the process: it stores nothing."""

    is_durable = False

    def __init__(self, branch: Branch | None = None) -> None:
        self.branch = branch

    def check(self) -> None:
        """Accept every change."""

    def save_branch(self, _: WorldState, origin: Branch | None, *__: object) -> CommitToken:
        self.branch = origin
        return COMMITTED

    def discard(self, *_: object) -> CommitToken:
        return COMMITTED

    save_write = save_state = save_faults = save_fault_counts = save_snapshot = discard


class WorkerSlots(Protocol):
    """Says how many threads work at once; its threads put it at `OF_THREAD.turns`."""

    def release(self) -> None:
        """Let another thread work, as this one waits."""

    def acquire(self) -> None:
        """Work again."""


THREAD_LOCAL = threading.local()


@contextmanager
def release_worker_slot() -> Iterator[None]:
    """Wait within this for what other threads do: whoever hands out work reckons with it."""
    turns: WorkerSlots | None = getattr(THREAD_LOCAL, "turns", None)
    if turns is None:
        yield
        return
    turns.release()
    try:
        yield
    finally:
        turns.acquire()
