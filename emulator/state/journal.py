"""The journal: the latest exchanges of a world, limited in number and in bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

DEFAULT_JOURNAL_SIZE = 1_000
"""Default number of exchanges in a journal."""
MAX_JOURNAL_BYTES = 16 * 1024 * 1024
"""Bytes in a journal. The oldest exchange is evicted first."""

Headers = Mapping[str, str]


@dataclass(slots=True)
class RequestInfo:
    """Facts that become known while a request is handled."""

    operation: str | None = None
    role: str | None = None
    """The role of the caller, once the credential was accepted."""
    fault: str | None = None
    """The kinds of the faults that changed the response."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Exchange:
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

    @property
    def size(self) -> int:
        headers = sum(map(len, self.request_headers.values()))
        return len(self.query) + headers + len(self.info.body) + len(self.response_body)


class RequestIds:
    """The ids of the requests of a world. Safe to use from several threads."""

    def __init__(self, first: int = 1) -> None:
        self._next = first
        self._lock = threading.Lock()

    @property
    def next_number(self) -> int:
        return self._next

    def allocate(self) -> str:
        """Return the id of the next request, which is its key in the journal."""
        with self._lock:
            number = self._next
            self._next += 1
        return f"{number:08d}"


@dataclass
class Journal:
    """A ring buffer of exchanges."""

    limit: int = DEFAULT_JOURNAL_SIZE
    byte_limit: int = MAX_JOURNAL_BYTES
    evicted_count: int = 0
    """Number of evicted exchanges."""
    _exchanges: deque[Exchange] = field(default_factory=deque)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.append(exchange)
            self._bytes += exchange.size
            while len(self._exchanges) > self.limit or (self._bytes > self.byte_limit and len(self._exchanges) > 1):
                self._bytes -= self._exchanges.popleft().size
                self.evicted_count += 1

    def clear(self) -> None:
        with self._lock:
            self._exchanges.clear()
            self._bytes = self.evicted_count = 0

    def __len__(self) -> int:
        return len(self._exchanges)

    def newest_first(self) -> Iterator[Exchange]:
        """Return the exchanges, newest first."""
        with self._lock:
            exchanges = list(self._exchanges)
        return reversed(exchanges)

    def get(self, id_: str) -> Exchange | None:
        """Return the exchange with this request id, or None."""
        return next((exchange for exchange in self.newest_first() if exchange.id == id_), None)
