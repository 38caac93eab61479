"""Snapshots of worlds: the complete state at one time, to restore a world or to start another one from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from emulator.core.control_errors import Conflict, UnknownRecord
from emulator.state.clock import ClockMode
from emulator.state.faults import Faults
from emulator.state.schedule import TrafficRate
from emulator.state.steps import StepLog, UndoEntry
from emulator.state.store import Snapshot

MAX_SNAPSHOTS = 1_000


class Branch:
    """A place of steps in storage. Each kind of persistence has a subclass, which others only pass on."""

    __slots__ = ("__weakref__",)


class WorldState(NamedTuple):
    """The clock, the counters and the throttle windows of a world."""

    mode: ClockMode
    now: datetime
    speed: float = 1.0
    rate: TrafficRate = TrafficRate()
    calls: Mapping[str, Sequence[datetime]] = {}
    """See `ThrottleWindows`."""
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


def initial_snapshot(root: Snapshot, state: WorldState) -> WorldSnapshot:
    """Return the snapshot of a world that has no history."""
    return WorldSnapshot(root, state, StepLog(), (), Faults())


class Snapshots:
    """The named snapshots of a world."""

    def __init__(self, snapshots: Mapping[str, WorldSnapshot] | None = None) -> None:
        self._snapshots = dict(snapshots or {})

    def __len__(self) -> int:
        return len(self._snapshots)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._snapshots))

    def items(self) -> list[tuple[str, WorldSnapshot]]:
        return list(self._snapshots.items())

    def __getitem__(self, name: str) -> WorldSnapshot:
        """Return a snapshot by name. Raise `UnknownRecord` if there is none."""
        try:
            return self._snapshots[name]
        except KeyError:
            raise UnknownRecord(f"no snapshot with the name {name!r}", list(self._snapshots)) from None

    def check_room(self, name: str, world: str) -> None:
        """Raise `Conflict` if a new snapshot would exceed the limit."""
        if len(self._snapshots) >= MAX_SNAPSHOTS and name not in self._snapshots:
            raise Conflict(f"world {world} already has {MAX_SNAPSHOTS} snapshots, which is the maximum")

    def put(self, name: str, snapshot: WorldSnapshot) -> None:
        """Store a snapshot under a name, replacing an earlier one."""
        self._snapshots[name] = snapshot
