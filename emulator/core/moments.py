"""What a world is at one time, what it goes by, and who waits for it or keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from emulator.core.faults import Counted, Faults
from emulator.core.sources import ClockMode
from emulator.core.steps import Step, StepLog
from emulator.core.store import Root, Transaction
from emulator.core.undoing import Write

if TYPE_CHECKING:
    from emulator.core.world import World


@dataclass(frozen=True)
class Settings:
    """What a scenario says of a world beside its records."""

    scenario: str
    seed: int
    start: datetime
    installation: str = "default"
    """Name, path or text."""
    brought: str = "default"
    """The same as what holds everywhere: name or text."""
    language: str = "en-us"
    base_url: str = "http://127.0.0.1:8080"
    error_style: str = "documented"
    """How validation errors look: `documented` wraps those of commands, `wrapped` all, `plain` none."""
    request: str | None = None
    """For `documented/...`: the path whose GET gives the sample."""
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Role -> `read` or `write` -> how often its token may call: `100/min`."""
    source: Any = None
    """The scenario (`rules.scenarios`) that the world started from."""


class Pace(NamedTuple):
    """How lively a world is by itself."""

    orders_per_hour: float | None = None
    """How many orders come in an hour of its time; None: nothing happens by itself."""
    is_paused: bool = False


class Moment(NamedTuple):
    """All that a world is at one time, for snapshots and branches; it costs the same for any size."""

    root: Root
    mode: ClockMode
    now: datetime
    steps: StepLog
    undoable: tuple[Write, ...]
    calls: dict[str, list[datetime]]
    faults: Faults
    requests: int
    """How many requests had come."""
    untold: int
    """How many writes no step tells of."""
    course: Any = None
    """Where the keeper has the steps."""
    speed: float = 1.0
    pace: Pace = Pace()
    written: datetime | None = None
    """When the latest write was."""


class Agenda(Protocol):
    """What happens in a world by itself, when its time comes."""

    def next(self, world: World) -> datetime | None:
        """Give when something is due next, or None."""

    def run(self, world: World, now: datetime) -> None:
        """Do what is due by now; afterwards `next` is later, or None."""


class Settled(NamedTuple):
    """An event with which all is over in the write that it comes from."""

    event: Any
    """Its record, as it is afterwards."""
    step: Step
    """What tells of that, after the write's own step."""
    tell: Callable[[], None]
    """Tells others, once the write is kept."""


Settle = Callable[["World", Any, Any], Settled | None]
"""Takes the record of an event that comes up, and of its hook; None where it is to be sent."""
Announce = Callable[[Transaction, Callable[[Any, Any], Any]], None]
"""Turns the events that a transaction queued into records, each as what it gets makes of it and its hook."""
Safe = Callable[[], None]
"""Waits until something is on disk; `NotKept` if it never will be."""


class Keeper(Protocol):
    """Keeps worlds beyond the process. All is called with the world's lock, and waited for without it."""

    def check(self) -> None:
        """Raise `NotKept` if nothing can be kept any more."""

    def keep(self, world: World, lines: Sequence[bytes], transaction: Transaction) -> Safe:
        """Take a write's step, and those of what followed in it, in the order of the writes."""

    def rewrite(self, world: World) -> Safe:
        """Take the world as it is: its steps are those at `course`, up to their present number."""

    def keep_time(self, world: World) -> Safe:
        """Take what the world's clock says, and which limited calls were counted."""

    def keep_faults(self, world: World) -> Safe:
        """Take the faults that are armed, all of them."""

    def keep_counts(self, world: World, counted: Sequence[Counted]) -> Safe:
        """Take how often some of the armed faults were met."""

    def keep_snapshot(self, world: World, name: str, moment: Moment) -> Safe:
        """Take a moment of the world under a name, in place of an earlier one."""
