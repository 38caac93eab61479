"""The throttle windows of a world: when each limited caller made its latest calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

Calls = Mapping[str, Iterable[datetime]]
"""Caller (scheme, role and scope) -> times of its latest calls."""


class ThrottleWindows:
    """Sliding windows of calls. The world's lock guards them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = {caller: list(times) for caller, times in calls.items()}

    def calls(self) -> dict[str, list[datetime]]:
        """Return a copy of all windows."""
        return {caller: list(times) for caller, times in self._calls.items()}

    def count(self, caller: str, limit: int, period: timedelta, now: datetime) -> float | None:
        """Count a call, or return the seconds that the caller must wait.

        Calls later than `now` are dropped: the clock was set back.
        """
        recent = [at for at in self._calls.get(caller, []) if now - period < at <= now]
        if len(recent) >= limit:
            return (recent[0] + period - now).total_seconds()
        self._calls[caller] = [*recent, now]
        return None
