"""Time and identifiers of a world: the only module that asks the machine for either."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

ClockMode = Literal["real", "frozen", "ticking"]
CLOCK_MODES: tuple[ClockMode, ...] = get_args(ClockMode)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between these a world's clock may be: what is reckoned from it stays within the calendar."""
WRITE_STEP = timedelta(milliseconds=1)
"""How far each write moves a frozen clock, so that records keep an order in time."""


def machine_now() -> datetime:
    """Give the machine's time, for logs and real clocks."""
    return datetime.now(UTC)


def machine_seconds() -> float:
    """Give seconds that only grow, to tell how long ago something was."""
    return time.monotonic()


class Clock:
    """A world's time: `real` is the machine's, `ticking` starts elsewhere and runs as fast, `frozen` stands still."""

    def __init__(self, mode: ClockMode, start: datetime) -> None:
        self.become(mode, start)

    @property
    def mode(self) -> ClockMode:
        return self._going[0]

    def now(self) -> datetime:
        mode, start, since = self._going
        if mode == "real":
            return machine_now()
        return start + timedelta(seconds=time.monotonic() - since) if mode == "ticking" else start

    def set(self, now: datetime) -> None:
        """Go on from this time. A real clock is the machine's and takes no other: `ValueError`."""
        if self.mode == "real":
            raise ValueError("a real clock cannot be set; known modes that can: frozen, ticking")
        self.become(self.mode, now)

    def become(self, mode: ClockMode, now: datetime) -> None:
        """Go on in this mode, from this time unless the machine tells it."""
        self._going = mode, now, time.monotonic()  # in one piece: readers take no lock

    def like(self) -> Clock:
        """Give another clock that goes on from here in the same mode."""
        return Clock(self.mode, self.now())

    def next_write(self) -> datetime:
        """Give the time that the next write has; `wrote` must follow when it was kept."""
        return self.now() + WRITE_STEP if self.mode == "frozen" else self.now()

    def wrote(self, at: datetime) -> None:
        """A write at this time was kept."""
        if self.mode == "frozen":
            self.set(at)


def within_calendar(at: datetime) -> datetime:
    """Give a time that a world's clock may have; `ValueError` that says which for any other."""
    if not EARLIEST <= at <= LATEST:
        raise ValueError(f"a world's time is from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}, not {at.isoformat()}")
    return at


def made_uuid(*parts: object) -> uuid.UUID:
    """Give the version 4 UUID that belongs to these parts: the same for the same parts, on any machine."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return uuid.UUID(bytes=digest, version=4)


def sleep(seconds: float) -> None:
    """Let this thread wait, where nothing else can wait for it."""
    time.sleep(seconds)
