"""The journal: the latest exchanges of a world, bounded in number and in bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

EXCHANGES = 1_000
"""How many exchanges a journal keeps, unless told otherwise."""
KEPT_BYTES = 16 * 1024 * 1024
"""How much text a journal keeps; the oldest exchange goes first."""

Headers = Mapping[str, str]


@dataclass(slots=True)
class Seen:
    """What becomes known of a request on its way through: filled in by whoever learns it."""

    operation: str | None = None
    token: str | None = None
    """The role of whoever calls, once that is known."""
    hint: str | None = None
    fault: str | None = None
    """The kind of the fault that disturbed the answer."""
    body: bytes = b""
    """What was sent, once it was read."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer."""

    id: str
    at: datetime
    method: str
    path: str
    """Decoded, without the world's prefix."""
    query: str
    status: int
    seen: Seen
    request_headers: Headers
    response_headers: Headers
    response_body: bytes
    seconds: float = 0.0
    """The machine's, which only grow: how long clients really waited."""

    @property
    def size(self) -> int:
        headers = sum(map(len, self.request_headers.values()))
        return len(self.query) + headers + len(self.seen.body) + len(self.response_body)


@dataclass
class Journal:
    """A ring of exchanges."""

    limit: int = EXCHANGES
    byte_limit: int = KEPT_BYTES
    forgot: int = 0
    """How many exchanges had to go for later ones."""
    _kept: deque[Exchange] = field(default_factory=deque)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._kept.append(exchange)
            self._bytes += exchange.size
            while len(self._kept) > self.limit or (self._bytes > self.byte_limit and len(self._kept) > 1):
                self._bytes -= self._kept.popleft().size
                self.forgot += 1

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = self.forgot = 0

    def __len__(self) -> int:
        return len(self._kept)

    def newest_first(self) -> Iterator[Exchange]:
        """Give what is kept now, the latest exchange first."""
        with self._lock:
            kept = list(self._kept)
        return reversed(kept)

    def get(self, id_: str) -> Exchange | None:
        """Give the exchange with this request id, or None if it is not kept."""
        return next((exchange for exchange in self.newest_first() if exchange.id == id_), None)
