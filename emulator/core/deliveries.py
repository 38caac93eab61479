"""Deliveries: what was sent to hooks and what came of it, the latest ones of a world; and who sends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

DELIVERIES = 1_000
"""How many deliveries a world remembers."""
REMEMBERED_BYTES = 8 * 1024 * 1024

Receiver = Callable[[Any], Any]
"""An in-process receiver: a WSGI application, or what takes a `Delivery` and gives a status, or nothing for 200."""


class Delivery(NamedTuple):
    """One request to a hook."""

    id: int
    """Its place among the world's deliveries, from 1."""
    at: datetime
    """When it was sent, by the world's clock."""
    event: int
    """Id of the webhook event."""
    event_type: str
    hook: int
    url: str
    attempt: int
    """1 for the first request for the event."""
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    """What the receiver answered; None where no answer came."""
    response: str
    """The answer's body, or why there was none."""
    delivered: bool
    disturbed: str | None = None
    """What was done to it on demand."""


class DeliveryLog:
    """The latest deliveries of a world, bounded in number and in bytes."""

    def __init__(self, limit: int = DELIVERIES, byte_limit: int = REMEMBERED_BYTES) -> None:
        self.limit, self.byte_limit = limit, byte_limit
        self._kept: deque[Delivery] = deque()
        self._bytes = self._count = 0
        self._lock = threading.Lock()

    def add(self, delivery: Delivery) -> Delivery:
        """Remember a delivery; give it with its place."""
        with self._lock:
            self._count += 1
            delivery = delivery._replace(id=self._count)
            self._kept.append(delivery)
            self._bytes += size(delivery)
            while len(self._kept) > self.limit or (self._bytes > self.byte_limit and len(self._kept) > 1):
                self._bytes -= size(self._kept.popleft())
        return delivery

    def __iter__(self) -> Iterator[Delivery]:
        """Give what is remembered, the first one first."""
        with self._lock:
            kept = list(self._kept)
        return iter(kept)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def count(self) -> int:
        """How many there were in all."""
        return self._count

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0


def size(delivery: Delivery) -> int:
    return len(delivery.body) + len(delivery.response)


class Disturbance(NamedTuple):
    """What is to be done to a delivery that comes, on demand."""

    kind: str
    event_type: str | None = None
    """Only to events of this type; None: to any."""
    times: int = 1
    seconds: float = 60
    """For how long by the world's clock, where it makes one wait."""


DISTURBANCES = ("duplicate", "delay", "reorder", "drop", "corrupt_signature")


class Flushed(NamedTuple):
    """What was sent since the last time somebody asked."""

    attempted: int
    delivered: int


class Line:
    """How far a world's events have got, by their ids; whoever sends guards it."""

    def __init__(self) -> None:
        self.on_the_way: set[int] = set()
        self.left: set[int] = set()
        """Due, but neither sent nor given up on record: something is wrong with them, or with their file."""
        self.held = 0
        """How many send one after another now, so that nobody else may."""
        self.allowed = 2
        """How many may be on the way at once."""
        self.timer: float | None = None
        """When, by the machine, somebody looks again."""


class Mailbox:
    """What a world has of its deliveries beside its records: none of it is shared with another world."""

    def __init__(self) -> None:
        self.log = DeliveryLog()
        self.line = Line()
        self.receivers: dict[str, Receiver] = {}
        """Host of a hook's address -> who receives there without a network."""
        self.disturbances: list[Disturbance] = []
        self.attempted = self.delivered = 0
        """Since the last flush."""
        self.tell: Callable[[Delivery], None] = lambda _: None
        """Told of each attempt."""
        self.lock = threading.Lock()

    def count(self, deliveries: Iterable[Delivery]) -> None:
        with self.lock:
            for delivery in deliveries:
                self.attempted += 1
                self.delivered += delivery.delivered
                self.tell(delivery)

    def take_counts(self) -> Flushed:
        with self.lock:
            flushed = Flushed(self.attempted, self.delivered)
            self.attempted = self.delivered = 0
        return flushed

    def take_disturbance(self, event_type: str, kinds: Collection[str]) -> Disturbance | None:
        """Give what of these kinds is to be done to a delivery of this type next, if anything is."""
        with self.lock:
            for place, each in enumerate(self.disturbances):
                if each.kind in kinds and each.event_type in (None, event_type):
                    self.disturbances[place : place + 1] = [each._replace(times=each.times - 1)] * (each.times > 1)
                    return each
        return None


class Courier(Protocol):
    """Sends what worlds have to tell."""

    def flush(self, world: Any) -> Flushed:
        """Send what is due in a world, wait for what is on its way; give what was sent since the last flush."""
