"""`oms.clock`: the clock of a world, from Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from emulator.api.control.clock import advance_clock, build_duration, parse_time, set_clock
from emulator.state.clock import ClockMode
from emulator.state.world import World


class WorldClock:
    """The clock of the current world of an emulator. Changes that are not possible raise a `ControlError`."""

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
        """Set the time (one without an offset is UTC), forwards or back. Nothing that is due between happens."""
        set_clock(self._world(), mode, parse_utc(now))
        return self._world().clock.now()

    def freeze(self) -> datetime:
        """Stop the clock. Each write then advances it by a millisecond."""
        set_clock(self._world(), "frozen")
        return self._world().clock.now()

    def tick(self, speed: float = 1.0) -> datetime:
        """Run the clock at the machine's speed, or faster by this factor."""
        set_clock(self._world(), "ticking", speed=speed)
        return self._world().clock.now()

    def advance(  # noqa: PLR0913 - the units of `timedelta`, by keyword
        self,
        seconds: float = 0,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        milliseconds: float = 0,
        to: datetime | str | None = None,
    ) -> datetime:
        """Advance by a duration, or to a time, and return the new time. What is due on the way happens in order."""
        duration = build_duration(
            weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds
        )
        advance_clock(self._world(), by=duration if to is None else None, to=None if to is None else parse_utc(to))
        return self._world().clock.now()

    def to_next_event(self) -> datetime:
        """Advance to the next due time, run what is due, and return the new time."""
        advance_clock(self._world())
        return self._world().clock.now()


def parse_utc(when: datetime | str) -> datetime:
    """Return a time in UTC. Raise `ControlError` for a text that is not a time."""
    return parse_time(when if isinstance(when, str) else when.isoformat())
