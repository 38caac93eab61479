"""The schedule of a world: tasks that run at a due time, without a request."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


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
        """Called after each write, and when the clock or the rate is set, so that timers are rescheduled."""


class Schedule:
    """The tasks of a world and the rate of its traffic."""

    def __init__(self, rate: TrafficRate) -> None:
        self.rate = rate
        self.discontinuities = 0
        """Number of changes that do not follow from the state before: undo, restore, clock or rate set. Tasks that
        became due across such a change do not run."""
        self._tasks: list[Scheduled] = []

    def add(self, *tasks: Scheduled) -> None:
        self._tasks += tasks

    def next_due(self) -> datetime | None:
        """Return the earliest due time of all tasks, or None."""
        return min((due for task in self._tasks if (due := task.next_due()) is not None), default=None)

    def run_due(self, now: datetime) -> None:
        """Run the tasks that are due by now."""
        for task in self._tasks:
            if (due := task.next_due()) is not None and due <= now:
                task.run_due(now)

    def reschedule(self) -> None:
        for task in self._tasks:
            task.reschedule()

    def record_discontinuity(self) -> None:
        """Count a discontinuity and reschedule all tasks."""
        self.discontinuities += 1
        self.reschedule()
