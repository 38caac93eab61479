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


class Clock:
    """A world's time: `real` is the machine's, `ticking` starts elsewhere and runs as fast, `frozen` stands still."""

    def __init__(self, mode: ClockMode, start: datetime) -> None:
        self.mode = mode
        self._start = start
        self._since = time.monotonic()

    def now(self) -> datetime:
        if self.mode == "real":
            return machine_now()
        if self.mode == "ticking":
            return self._start + timedelta(seconds=time.monotonic() - self._since)
        return self._start

    def set(self, now: datetime) -> None:
        """Go on from this time. A real clock is the machine's and takes no other: `ValueError`."""
        if self.mode == "real":
            raise ValueError("a real clock cannot be set; known modes that can: frozen, ticking")
        self._start, self._since = now, time.monotonic()

    def advance(self, seconds: float) -> datetime:
        """Move on by so many seconds; give the new time."""
        self.set(self.now() + timedelta(seconds=seconds))
        return self.now()

    def next_write(self) -> datetime:
        """Give the time that the next write has; `wrote` must follow when it was kept."""
        return self.now() + WRITE_STEP if self.mode == "frozen" else self.now()

    def wrote(self, at: datetime) -> None:
        """A write at this time was kept."""
        if self.mode == "frozen":
            self._start = at


def made_uuid(*parts: object) -> uuid.UUID:
    """Give the version 4 UUID that belongs to these parts: the same for the same parts, on any machine."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return uuid.UUID(bytes=digest, version=4)
