"""`oms.clock`: the clock of a world, from Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict, Unpack

from emulator.api.control.clock import advance_clock, build_duration, parse_time, set_clock
from emulator.state.clock import ClockMode
from emulator.state.world import World


class DurationUnits(TypedDict, total=False):
    """Units of a duration besides seconds, as in `timedelta`."""

    weeks: float
    days: float
    hours: float
    minutes: float
    milliseconds: float


class WorldClock:
    """The clock of the current world. Changes that are not possible raise a `ControlError`, a `ValueError`.

    A time is a `datetime` or ISO 8601 text. A time without an offset is UTC.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    @property
    def mode(self) -> ClockMode:
        """`real`, `frozen` or `ticking`."""
        return self._world().clock.mode

    @property
    def speed(self) -> float:
        """Seconds of this clock per second of the machine, while it ticks."""
        return self._world().clock.speed

    def now(self) -> datetime:
        """Return the world's time."""
        return self._world().clock.now()

    def next_event(self) -> datetime | None:
        """Return the next due time of a background task, or None."""
        return self._world().schedule.next_due()

    def set(self, now: datetime | str, mode: ClockMode | None = None) -> datetime:
        """Set the time, forwards or back, and return it. Tasks that are due in between do not run."""
        set_clock(self._world(), mode, parse_utc(now))
        return self.now()

    def freeze(self) -> datetime:
        """Stop the clock, and return its time. Each write then advances it by a millisecond."""
        set_clock(self._world(), "frozen")
        return self.now()

    def tick(self, speed: float = 1.0) -> datetime:
        """Run the clock `speed` times as fast as the machine's, and return its time."""
        set_clock(self._world(), "ticking", speed=speed)
        return self.now()

    def advance(
        self, seconds: float = 0, *, to: datetime | str | None = None, **units: Unpack[DurationUnits]
    ) -> datetime:
        """Advance by a duration, or to a time, and return the new time. Tasks that are due on the way run in order.

        `units` are `weeks`, `days`, `hours`, `minutes` and `milliseconds`. With `to`, they have no effect.

        Example: `oms.clock.advance(days=1, hours=2)`
        """
        duration = build_duration(seconds=seconds, **units)
        advance_clock(self._world(), by=duration if to is None else None, to=None if to is None else parse_utc(to))
        return self.now()

    def to_next_event(self) -> datetime:
        """Advance to the next due time, run the tasks that are due, and return the new time."""
        advance_clock(self._world())
        return self.now()


def parse_utc(when: datetime | str) -> datetime:
    """Return a time in UTC. Raise `ControlError` for text that is not a time."""
    return parse_time(when if isinstance(when, str) else when.isoformat())
