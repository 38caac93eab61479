"""What callers met of the behaviour that is emulated: counts, filled while they call."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from emulator.core.bases import Base

DIMENSIONS: dict[str, str] = {
    "operations": "operations called",
    "statuses": "statuses of each operation",
    "transitions": "transitions taken",
    "refusals": "transitions refused",
    "filters": "filters applied",
    "events": "webhook events announced",
    "credentials": "credentials used",
}
"""Dimension -> what its names are, in the order of every report."""

Met = tuple[str, str]
"""A dimension, and what was met of it."""


class Coverage:
    """Counts of one server, for all its worlds, or of several that share it. Safe to use from several threads."""

    def __init__(self) -> None:
        self.bases: dict[str, Base | None] = {}
        """Whose states and transitions could be met: by installation, the base of the first world that was asked, or
        None if that showed others."""
        self._counts: dict[Met, int] = {}
        self._lock = threading.Lock()

    def add(self, met: Iterable[Met]) -> None:
        """Count what was met once more."""
        with self._lock:
            counts = self._counts
            for each in met:
                counts[each] = counts.get(each, 0) + 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Give what was met so far: dimension -> name -> how often, names in order."""
        with self._lock:
            met = sorted(self._counts.items())
        found: dict[str, dict[str, int]] = {dimension: {} for dimension in DIMENSIONS}
        for (dimension, name), count in met:
            found[dimension][name] = count
        return found
