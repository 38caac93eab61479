"""The clock and the schedule of a world, and the only functions that read the machine's clocks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import BuiltinFunctionType
from typing import Literal, NamedTuple, Protocol, get_args

import orjson

ClockMode = Literal["real", "frozen", "ticking"]
CLOCK_MODES: tuple[ClockMode, ...] = get_args(ClockMode)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Limits of a world's clock. Times that are computed from it stay within Python's calendar."""
ClockSetting = tuple[ClockMode, datetime, float, float]
"""Mode, time and machine's seconds at which the clock was set, and speed."""
WRITE_STEP = timedelta(milliseconds=1)
"""Each write advances a frozen clock by this much, so that records have an order in time."""
MAX_SPEED = 10_000
"""Maximum speed of a ticking clock, relative to the machine's clock."""


def machine_now() -> datetime:
    """Return the machine's time, for logs and real clocks."""
    return datetime.now(UTC)


def machine_seconds() -> float:
    """Return a monotonic time in seconds, to measure durations."""
    return time.monotonic()


def is_sleep_replaced() -> bool:
    """Return whether a test replaced `time.sleep`, so that the time between two requests says nothing."""
    return not isinstance(time.sleep, BuiltinFunctionType)


class Clock:
    """The time of a world.

    A `real` clock shows the machine's time. A `ticking` clock starts at any time and runs at the machine's speed or
    faster. A `frozen` clock stands still.
    """

    def __init__(self, mode: ClockMode, start: datetime, speed: float = 1.0) -> None:
        self.start(mode, start, speed)

    @property
    def mode(self) -> ClockMode:
        return self.setting[0]

    @property
    def speed(self) -> float:
        """Seconds of this clock per second of the machine, while it ticks."""
        return self.setting[3]

    def now(self) -> datetime:
        mode, start, since, speed = self.setting
        if mode == "real":
            return machine_now()
        if mode == "frozen":
            return start
        try:
            return min(start + timedelta(0, (time.monotonic() - since) * speed), LATEST)
        except OverflowError:  # a fast clock can reach the end of the calendar
            return LATEST

    def seconds_until(self, at: datetime) -> float | None:
        """Return the machine's seconds until this clock shows a time, or None if the clock is frozen."""
        if self.mode == "frozen":
            return None
        return max((at - self.now()).total_seconds(), 0.0) / (self.speed if self.mode == "ticking" else 1.0)

    def set_time(self, now: datetime) -> None:
        """Set the time. Raise `ValueError` for a real clock, which always shows the machine's time."""
        if self.mode == "real":
            raise ValueError("a real clock cannot be set; known modes that can: frozen, ticking")
        self.start(self.mode, now, self.speed)

    def start(self, mode: ClockMode, now: datetime, speed: float = 1.0) -> None:
        """Run in a mode from a time on. A real clock ignores the time, and only a ticking clock uses the speed."""
        # One assignment, because readers take no lock.
        self.setting: ClockSetting = mode, now, time.monotonic(), speed

    def next_write_time(self) -> datetime:
        """Return the time of the next write. Call `record_write` once that write is committed."""
        mode, start, _, _ = self.setting
        return start + WRITE_STEP if mode == "frozen" else self.now()

    def record_write(self, at: datetime) -> None:
        """Advance a frozen clock to the time of a committed write."""
        if self.setting[0] == "frozen":
            self.set_time(at)


def check_calendar(at: datetime) -> datetime:
    """Return the time if a world's clock can show it, or raise `ValueError`."""
    if not EARLIEST <= at <= LATEST:
        raise ValueError(f"a world's time is from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}, not {at.isoformat()}")
    return at


def sleep(seconds: float) -> None:
    """Block the calling thread."""
    time.sleep(seconds)


@lru_cache(64)  # a write formats its time for each of its steps and attempts
def format_time(at: datetime) -> str:
    """Return a time in UTC in the format of documents. orjson formats it faster than `isoformat`."""
    return orjson.dumps(at.astimezone(UTC), option=orjson.OPT_UTC_Z)[1:-1].decode()


class TrafficRate(NamedTuple):
    """The amount of generated traffic in a world."""

    orders_per_hour: float | None = None
    """Orders per hour of the world's time. None: no traffic is generated."""
    is_paused: bool = False


class Scheduled(Protocol):
    """A task of one world that has due times."""

    def next_due(self) -> datetime | None:
        """Return the next due time, or None."""

    def run_due(self, now: datetime) -> None:
        """Run everything that is due by now. Afterwards `next_due` is later, or None."""

    def reschedule(self) -> None:
        """Reschedule timers. This is called after each write, and when the clock or the rate is set."""


class Schedule:
    """The tasks of a world and the rate of its traffic."""

    def __init__(self, rate: TrafficRate, tasks: Iterable[Scheduled] = (), traffic: Iterable[Scheduled] = ()) -> None:
        """`traffic` are the tasks that only have due times while there is a rate."""
        self.rate = rate
        self.discontinuities = 0
        """Number of changes that do not follow from the state before: undo, restore, clock or rate set. Tasks that
        became due across such a change do not run."""
        self._tasks, self._traffic = [*tasks], [*traffic]

    def add(self, *tasks: Scheduled) -> None:
        self._tasks += tasks

    @property
    def _active_tasks(self) -> list[Scheduled]:
        return self._tasks if self.rate.orders_per_hour is None else self._tasks + self._traffic

    def next_due(self) -> datetime | None:
        """Return the earliest due time of all tasks, or None."""
        return min((due for task in self._active_tasks if (due := task.next_due()) is not None), default=None)

    def run_due(self, now: datetime) -> None:
        """Run the tasks that are due by now."""
        for task in self._active_tasks:
            if (due := task.next_due()) is not None and due <= now:
                task.run_due(now)

    def reschedule(self) -> None:
        for task in self._active_tasks:
            task.reschedule()

    def record_discontinuity(self) -> None:
        """Count a discontinuity and reschedule all tasks."""
        self.discontinuities += 1
        self.reschedule()
