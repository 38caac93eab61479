"""A world's clock, from Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from emulator.core.sources import ClockMode
from emulator.core.world import World
from emulator.handlers.timekeeping import advance, keep_time, moment, while_of


class WorldClock:
    """The clock of whatever world an emulator has now. What cannot be done raises a `ControlError` that says why."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    @property
    def mode(self) -> ClockMode:
        """`real`, `frozen` or `ticking`."""
        return self._world().clock.mode

    def now(self) -> datetime:
        """Give the world's time."""
        return self._world().clock.now()

    def next_event(self) -> datetime | None:
        """Give when something happens by itself next, or None."""
        return self._world().next_event()

    def set(self, now: datetime | str, mode: ClockMode | None = None) -> datetime:
        """Go on from this time (one without an offset is UTC), forwards or back; nothing between happens."""
        keep_time(self._world(), mode, at(now))
        return self._world().clock.now()

    def freeze(self) -> datetime:
        """Let the time stand still; each write moves it on by a millisecond."""
        keep_time(self._world(), "frozen")
        return self._world().clock.now()

    @property
    def speed(self) -> float:
        """How many of its seconds go by in one of the machine's, while it ticks."""
        return self._world().clock.speed

    def tick(self, speed: float = 1.0) -> datetime:
        """Let the time run as fast as the machine's, or so many times faster."""
        keep_time(self._world(), "ticking", speed=speed)
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
        """Move on by a while, or to a time; what is due on the way happens, in its order. Give the new time."""
        while_ = while_of(
            weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds
        )
        advance(self._world(), by=while_ if to is None else None, to=None if to is None else at(to))
        return self._world().clock.now()

    def to_next_event(self) -> datetime:
        """Move on to when something happens by itself next, and let it happen; give the new time."""
        advance(self._world())
        return self._world().clock.now()


def at(when: datetime | str) -> datetime:
    """Give a time in UTC; `ControlError` for a text that is none."""
    return moment(when if isinstance(when, str) else when.isoformat())
