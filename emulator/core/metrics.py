"""What is counted of all worlds of an emulator since it began: who answers only notes it, who reads adds up."""

from __future__ import annotations

import threading
from collections import Counter, deque

from emulator.core.deliveries import Delivery
from emulator.core.sources import machine_seconds
from emulator.core.world import World

NO_OPERATION = "none"
"""Stands for the operation of a request that reached none."""
NOTED = 4_096
"""So many notes are added up at once, without anybody who reads."""

Answered = tuple[str | None, int, str | None]
"""Operation, status, and the kind of the fault that disturbed the answer."""


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
        """Count an answered request; without a lock, as this is done for each."""
        self._noted.append((operation, status, fault))
        if len(self._noted) >= NOTED:
            self._add_up()

    def _add_up(self) -> None:
        with self._lock:
            noted = [self._noted.popleft() for _ in range(len(self._noted))]
            self._answered.update(noted)

    def requests(self) -> Counter[tuple[str, int]]:
        """Give how many requests were answered, by operation and status."""
        found: Counter[tuple[str, int]] = Counter()
        for (operation, status, _), number in self._all().items():
            found[operation or NO_OPERATION, status] += number
        return found

    def faults(self) -> Counter[str]:
        """Give how many answers a fault disturbed, by its kind."""
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
        """Give how many attempts to tell a hook there were, by outcome."""
        with self._lock:
            return self._deliveries.copy()

    @property
    def writes(self) -> int:
        return self._writes

    @property
    def uptime(self) -> float:
        """Seconds since this began to count."""
        return machine_seconds() - self.began

    def watch(self, world: World) -> None:
        """Count what is written in a world, and what is sent from it, from now on."""
        world.mailbox.tell = self._sent
        world.after_write.append(self._wrote)

    def _wrote(self, _: World) -> None:
        with self._lock:
            self._writes += 1

    def _sent(self, delivery: Delivery) -> None:
        outcome = "delivered" if delivery.delivered else "unanswered" if delivery.status is None else "refused"
        with self._lock:
            self._deliveries[outcome] += 1
