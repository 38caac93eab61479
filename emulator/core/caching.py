"""Caches whose memory is bounded, although clients choose the keys."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Generic, NamedTuple, ParamSpec, Protocol, TypeVar

ArgumentsT = ParamSpec("ArgumentsT")
ResultT = TypeVar("ResultT")
ValueT = TypeVar("ValueT")
MAX_KEY_LENGTH = 1_000
"""Longest text or bytes among the arguments of a cached call."""


def cache_short(maxsize: int) -> Callable[[Callable[ArgumentsT, ResultT]], Callable[ArgumentsT, ResultT]]:
    """Return a decorator that caches results, except those of calls with long arguments."""

    def decorate(function: Callable[ArgumentsT, ResultT]) -> Callable[ArgumentsT, ResultT]:
        cached = lru_cache(maxsize)(function)

        @wraps(function)
        def call(*args: ArgumentsT.args, **kwargs: ArgumentsT.kwargs) -> ResultT:
            for argument in args:
                if isinstance(argument, (str, bytes)) and len(argument) > MAX_KEY_LENGTH:
                    return function(*args, **kwargs)
            return cached(*args, **kwargs)  # type: ignore[arg-type]  # the arguments are hashable

        return call

    return decorate


class Entry(NamedTuple, Generic[ValueT]):
    """A value with the object that owns it, the version of the owner that it was made from, and its size in bytes."""

    owner: weakref.ref[object]
    version: weakref.ref[object]
    value: ValueT
    size: int


class VersionedCache(Generic[ValueT]):
    """Values that were made from a version of their owner, up to a number of bytes. The oldest is evicted first.

    A value is also evicted when its owner is freed. The cache keeps no owner and no version alive.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: dict[Hashable, Entry[ValueT]] = {}
        self._bytes = 0
        self._stale: deque[tuple[Hashable, weakref.ref[object]]] = deque()
        """Keys whose owner is gone. The garbage collector appends to it, so it must not need a lock."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        self._evict_stale()
        return len(self._entries)

    def get(self, key: Hashable) -> Entry[ValueT] | None:
        """Return an entry. The caller compares its version with the owner's."""
        if self._stale:
            self._evict_stale()
        return self._entries.get(key)

    def put(self, key: Hashable, owner: object, version: object, value: ValueT, size: int) -> None:
        """Add a value, and evict the oldest ones if there are too many bytes."""
        reference = weakref.ref(owner, lambda dead: self._stale.append((key, dead)))
        with self._lock:
            self._evict(key)
            self._entries[key] = Entry(reference, weakref.ref(version), value, size)
            self._bytes += size
            while self._bytes > self.max_bytes:
                self._evict(next(iter(self._entries)))

    def _evict_stale(self) -> None:
        with self._lock:
            while self._stale:
                key, owner = self._stale.popleft()
                if (entry := self._entries.get(key)) is not None and entry.owner is owner:
                    self._evict(key)

    def _evict(self, key: Hashable) -> None:
        if (old := self._entries.pop(key, None)) is not None:
            self._bytes -= old.size


class HasSize(Protocol):
    """An object that states its approximate bytes of memory."""

    @property
    def size(self) -> int: ...


SizedT = TypeVar("SizedT", bound=HasSize)


class RingBuffer(Generic[SizedT]):
    """The latest items, limited in number and in bytes. The oldest is evicted first, but the latest item stays."""

    def __init__(self, limit: int, byte_limit: int) -> None:
        self.limit, self.byte_limit = limit, byte_limit
        self.count = 0
        """Number of all items that were added, including those that were evicted or cleared."""
        self.evicted_count = 0
        """Number of items that were evicted since the buffer was cleared."""
        self._items: deque[SizedT] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: SizedT, size: int | None = None) -> None:
        """Add an item, and evict the oldest ones above a limit. `size` is its size, if the caller knows it."""
        size = item.size if size is None else size
        with self._lock:
            self.count += 1
            self._items.append(item)
            self._sizes.append(size)
            self._bytes += size
            while len(self._items) > self.limit or (self._bytes > self.byte_limit and len(self._items) > 1):
                self._items.popleft()
                self._bytes -= self._sizes.popleft()
                self.evicted_count += 1

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._sizes.clear()
            self._bytes = self.evicted_count = 0

    def numbered(self) -> list[tuple[int, SizedT]]:
        """Return the items, the oldest first, each with its number among all items from 1."""
        with self._lock:
            return list(enumerate(self._items, self.count - len(self._items) + 1))
