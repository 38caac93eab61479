"""Metrics of all worlds of a server since its start. Requests are only queued, and added up when they are read."""

from __future__ import annotations

import threading
from collections import Counter, deque

from emulator.core.clock import machine_seconds
from emulator.core.outbox import Delivery

NO_OPERATION = "none"
"""Label of a request that matched no operation."""
NOTED = 4_096
"""Maximum length of the queue. A full queue is added up."""

Answered = tuple[str | None, int, str | None]
"""Operation, status, and the kind of the fault that was injected."""


class Metrics:
    """Counts of requests, faults, writes and deliveries."""

    def __init__(self) -> None:
        self.began = machine_seconds()
        self._noted: deque[Answered] = deque()
        self._answered: Counter[Answered] = Counter()
        self._deliveries: Counter[str] = Counter()
        self._writes = 0
        self._lock = threading.Lock()

    def count(self, operation: str | None, status: int, fault: str | None) -> None:
        """Count an answered request. Take no lock, because this is called for each request."""
        self._noted.append((operation, status, fault))
        if len(self._noted) >= NOTED:
            self._add_up()

    def _add_up(self) -> None:
        with self._lock:
            noted = [self._noted.popleft() for _ in range(len(self._noted))]
            self._answered.update(noted)

    def requests(self) -> Counter[tuple[str, int]]:
        """Return the number of requests by operation and status."""
        found: Counter[tuple[str, int]] = Counter()
        for (operation, status, _), number in self._all().items():
            found[operation or NO_OPERATION, status] += number
        return found

    def faults(self) -> Counter[str]:
        """Return the number of injected faults by kind."""
        found: Counter[str] = Counter()
        for (_, _, fault), number in self._all().items():
            if fault is not None:
                found[fault] += number
        return found

    def _all(self) -> Counter[Answered]:
        self._add_up()
        with self._lock:
            return self._answered.copy()

    def deliveries(self) -> Counter[str]:
        """Return the number of delivery attempts by outcome."""
        with self._lock:
            return self._deliveries.copy()

    @property
    def writes(self) -> int:
        return self._writes

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return machine_seconds() - self.began

    def count_write(self) -> None:
        """Count a committed transaction of any world."""
        with self._lock:
            self._writes += 1

    def count_delivery(self, delivery: Delivery) -> None:
        """Count an attempt to deliver an event of any world."""
        outcome = "delivered" if delivery.delivered else "unanswered" if delivery.status is None else "refused"
        with self._lock:
            self._deliveries[outcome] += 1
