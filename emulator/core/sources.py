"""Time and identifiers of a world: the only module that asks the machine for either."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

ClockMode = Literal["real", "frozen", "ticking"]
CLOCK_MODES: tuple[ClockMode, ...] = get_args(ClockMode)
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

    def now(self) -> datetime:
        if self.mode == "real":
            return machine_now()
        start, since = self._started
        return start + timedelta(seconds=time.monotonic() - since) if self.mode == "ticking" else start

    def set(self, now: datetime) -> None:
        """Go on from this time. A real clock is the machine's and takes no other: `ValueError`."""
        if self.mode == "real":
            raise ValueError("a real clock cannot be set; known modes that can: frozen, ticking")
        self._started = now, time.monotonic()

    def become(self, mode: ClockMode, now: datetime) -> None:
        """Go on in this mode, from this time unless the machine tells it."""
        self.mode: ClockMode = mode
        self._started = now, time.monotonic()

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


def made_uuid(*parts: object) -> uuid.UUID:
    """Give the version 4 UUID that belongs to these parts: the same for the same parts, on any machine."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return uuid.UUID(bytes=digest, version=4)


def sleep(seconds: float) -> None:
    """Let this thread wait, where nothing else can wait for it."""
    time.sleep(seconds)
