"""What is recorded of requests: the journal of a world, coverage counts, metrics and throttle windows."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote

from emulator.core.caching import RingBuffer
from emulator.state.clock import machine_seconds
from emulator.state.faults import OVERTAKEN
from emulator.state.outbox import Delivery
from emulator.state.store import BaseDataset

DEFAULT_JOURNAL_SIZE = 1_000
"""Default number of exchanges in a journal."""
MAX_JOURNAL_BYTES = 16 * 1024 * 1024
"""Bytes in a journal. The oldest exchange is evicted first."""
HEADER_BYTES = 200
"""Approximate memory of a header without its value."""

TEST_HEADER = "HTTP_X_EMULATOR_TEST"
"""WSGI variable of the header `X-Emulator-Test`: the name of a test, percent-encoded if it is not ASCII."""
Headers = Mapping[str, str]
PROVENANCES = ("documented", "observed", "framework", "assumed")
"""The evidence for a behaviour, the strongest first."""


class Basis(NamedTuple):
    """A behaviour that a response rests on."""

    part: str
    """`operation`, `status`, `shape`, `protocol`, `filter`, `transition`, `state`, `command`, …"""
    name: str
    provenance: str
    reason: str | None = None
    """Why it is assumed."""

    def __str__(self) -> str:
        return f"{self.part} {self.name}: {self.provenance}" + (f", {self.reason}" if self.reason else "")


Assumptions = tuple[Basis, ...]
"""The assumed behaviours that a test or a request rests on."""


def weakest_provenance(bases: Iterable[Basis]) -> str | None:
    """Return the weakest provenance, or None without bases."""
    return max((each.provenance for each in bases), key=PROVENANCES.index, default=None)


class ProvenanceLog:
    """The behaviours that the responses of an emulator rest on. Safe to use from several threads."""

    def __init__(self) -> None:
        self._bases: dict[Basis, None] = {}
        self._tests: dict[str, dict[Basis, None]] = {}
        self._requests: Counter[Assumptions] = Counter()
        self._lock = threading.Lock()

    def add(self, bases: Iterable[Basis], test: str | None = None) -> None:
        """Add what a response rests on, with the test that made the request, if the client sent its name."""
        rests_on = dict.fromkeys(bases)
        assumptions = tuple(each for each in rests_on if each.provenance == PROVENANCES[-1])
        with self._lock:
            self._bases.update(rests_on)
            if test is None:
                self._requests[assumptions] += 1
            else:
                self._tests.setdefault(test, {}).update(dict.fromkeys(assumptions))

    @property
    def tests(self) -> dict[str, Assumptions]:
        """Name of each test that a client sent -> the assumptions that the test rests on."""
        with self._lock:
            return {name: tuple(assumptions) for name, assumptions in self._tests.items()}

    @property
    def other_requests(self) -> Counter[Assumptions]:
        """The assumptions that a request without a test rests on -> number of such requests."""
        with self._lock:
            return self._requests.copy()

    @property
    def bases(self) -> list[Basis]:
        """The behaviours, in the order of their first use."""
        with self._lock:
            return list(self._bases)

    @property
    def weakest(self) -> str | None:
        """The weakest provenance of all behaviours. None: there was no response."""
        return weakest_provenance(self.bases)

    def weaker_than(self, minimum: str) -> list[Basis]:
        """Return the behaviours with less evidence than a provenance."""
        limit = PROVENANCES.index(minimum)
        return [each for each in self.bases if PROVENANCES.index(each.provenance) > limit]


@dataclass(slots=True)
class RequestInfo:
    """Facts that become known while a request is handled."""

    operation: str | None = None
    role: str | None = None
    """The role of the caller, once the credential was accepted."""
    fault: str | None = None
    """The kinds of the faults that changed the response."""
    body: bytes = b""
    bases: tuple[Basis, ...] | None = None
    """The behaviours that the response rests on, once somebody asked for them."""

    @property
    def is_altered(self) -> bool:
        """Whether a fault changed the response, so that it is not that of the emulated service."""
        return self.fault not in (None, OVERTAKEN)


class Exchange(NamedTuple):
    """A request and its response."""

    id: str
    at: datetime
    method: str
    path: str
    """Decoded, without the prefix of the world."""
    query: str
    status: int
    info: RequestInfo
    request_headers: Headers
    response_headers: Headers
    response_body: bytes
    seconds: float = 0.0
    """The monotonic time of the machine, for the real time between two requests."""
    sleep_replaced: bool = False
    """Whether a test in this process replaced `time.sleep` when the request was made."""
    duration: float = 0.0
    """Seconds from the request to its response, as the application measures them."""

    @property
    def test(self) -> str | None:
        """The name of the test that made the request, if the client sent it."""
        name = self.request_headers.get(TEST_HEADER)
        return unquote(name) if name else None

    @property
    def size(self) -> int:
        """The approximate bytes of memory."""
        body_bytes = len(self.info.body) + len(self.response_body)
        header_bytes = headers_size(self.request_headers) + headers_size(self.response_headers)
        return len(self.path) + len(self.query) + body_bytes + header_bytes


def headers_size(headers: Headers) -> int:
    """Return the approximate bytes of memory."""
    return HEADER_BYTES * len(headers) + len("".join(headers.values()))


class RequestIds:
    """The ids of the requests of a world. Safe to use from several threads."""

    def __init__(self, first: int = 1) -> None:
        self.next_number = first
        self._lock = threading.Lock()

    def allocate(self) -> str:
        """Return the id of the next request, which is its key in the journal."""
        with self._lock:
            number = self.next_number
            self.next_number += 1
        return f"{number:08d}"


class Journal(RingBuffer[Exchange]):
    """The latest exchanges of a world."""

    def __init__(self, limit: int = DEFAULT_JOURNAL_SIZE, byte_limit: int = MAX_JOURNAL_BYTES) -> None:
        super().__init__(limit, byte_limit)

    def newest_first(self) -> Iterator[Exchange]:
        """Return the exchanges, newest first."""
        return (exchange for _, exchange in reversed(self.numbered()))

    def get(self, id_: str) -> Exchange | None:
        """Return the exchange with this request id, or None."""
        return next((exchange for exchange in self.newest_first() if exchange.id == id_), None)


DIMENSIONS: dict[str, str] = {
    "operations": "operations called",
    "statuses": "statuses of each operation",
    "transitions": "transitions taken",
    "refusals": "transitions refused",
    "filters": "filters applied",
    "events": "webhook events announced",
    "credentials": "credentials used",
}
"""Dimension -> description of its names, in the order of the reports."""

CoverageKey = tuple[str, str]
"""A dimension, and the covered name."""


KeyT = TypeVar("KeyT")
MAX_QUEUED = 4_096
"""Maximum number of requests whose keys wait to be counted."""


class Counts(Generic[KeyT]):
    """Counts of keys, which are added up when they are read. Safe to use from several threads."""

    def __init__(self) -> None:
        self._queue: deque[tuple[KeyT, ...]] = deque()
        self._counts: Counter[KeyT] = Counter()
        self._lock = threading.Lock()

    def add(self, keys: tuple[KeyT, ...]) -> None:
        """Count each key once more. Take no lock, because this is called for each request."""
        self._queue.append(keys)
        if len(self._queue) >= MAX_QUEUED:
            self.total()

    def total(self) -> Counter[KeyT]:
        """Return a copy of the counts."""
        with self._lock:
            queued = [self._queue.popleft() for _ in range(len(self._queue))]
            self._counts.update(chain.from_iterable(queued))
            return self._counts.copy()

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
            self._counts.clear()


class Coverage:
    """Counts of one server, for all its worlds, or of several that share it. Safe to use from several threads."""

    def __init__(self) -> None:
        self.bases: dict[str, BaseDataset | None] = {}
        """Installation -> base of its first world, for the states and transitions that can be covered. None: that
        world does not show those of its installation."""
        self._counts: Counts[CoverageKey] = Counts()
        self.add = self._counts.add

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the counts: dimension -> name -> count, sorted by name."""
        by_dimension: dict[str, dict[str, int]] = {dimension: {} for dimension in DIMENSIONS}
        for (dimension, name), count in sorted(self._counts.total().items()):
            by_dimension[dimension][name] = count
        return by_dimension


NO_OPERATION = "none"
"""Label of a request that matched no operation."""


class Metrics:
    """Counts of requests, faults, writes and deliveries."""

    def __init__(self) -> None:
        self.started_at = machine_seconds()
        self._requests: Counts[tuple[str, int]] = Counts()
        self._faults: Counts[str] = Counts()
        self._deliveries: Counts[str] = Counts()
        self._writes: Counts[str] = Counts()

    def count(self, operation: str | None, status: int, fault: str | None) -> None:
        """Count an answered request, and the fault that was injected."""
        self._requests.add(((operation or NO_OPERATION, status),))
        if fault is not None:
            self._faults.add((fault,))

    def requests(self) -> Counter[tuple[str, int]]:
        """Return the number of requests by operation and status."""
        return self._requests.total()

    def faults(self) -> Counter[str]:
        """Return the number of injected faults by kind."""
        return self._faults.total()

    def deliveries(self) -> Counter[str]:
        """Return the number of delivery attempts by outcome."""
        return self._deliveries.total()

    @property
    def writes(self) -> int:
        return self._writes.total().total()

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return machine_seconds() - self.started_at

    def count_write(self) -> None:
        """Count a committed transaction of any world."""
        self._writes.add(("write",))

    def count_delivery(self, delivery: Delivery) -> None:
        """Count an attempt to deliver an event of any world."""
        outcome = "delivered" if delivery.delivered else "unanswered" if delivery.status is None else "refused"
        self._deliveries.add((outcome,))


CallTimes = Mapping[str, Iterable[datetime]]
"""Caller (scheme, role and scope) -> times of its latest calls."""


class ThrottleWindows:
    """Sliding windows of calls. The world's lock guards them."""

    def __init__(self, calls: CallTimes) -> None:
        self._calls = {caller: list(times) for caller, times in calls.items()}

    def copy_calls(self) -> dict[str, list[datetime]]:
        """Return a copy of all windows."""
        return {caller: list(times) for caller, times in self._calls.items()}

    def count_call(self, caller: str, limit: int, period: timedelta, now: datetime) -> float | None:
        """Count a call, or return the seconds that the caller must wait.

        Calls later than `now` are dropped: the clock was set back.
        """
        recent = [at for at in self._calls.get(caller, []) if now - period < at <= now]
        if len(recent) >= limit:
            return (recent[0] + period - now).total_seconds()
        self._calls[caller] = [*recent, now]
        return None
