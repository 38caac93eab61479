"""The response cache: replies to reads, reused until the next write to their world."""

from __future__ import annotations

import threading
from typing import NamedTuple

from emulator.core.exchange import Reply
from emulator.core.store import Root
from emulator.core.world import World
from emulator.rules.filters import ListQuery
from emulator.web.context import RequestContext

CacheKey = tuple[str, bool, str, str, str, str, str]

MAX_BYTES = 32 * 1024 * 1024


class CachedResponse(NamedTuple):
    """A reply, the root that it was made from, and the filters that it applied."""

    root: Root
    reply: Reply
    list_query: ListQuery | None


class ResponseCache:
    """Replies of all worlds of a server, up to a number of bytes. The oldest reply is evicted first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._responses: dict[CacheKey, CachedResponse] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: CacheKey, world: World) -> CachedResponse | None:
        """Return the cached response unless the world was written to since."""
        cached = self._responses.get(key)
        return cached if cached is not None and cached.root is world.root else None

    def put(self, key: CacheKey, response: CachedResponse) -> None:
        """Add a response, and evict the oldest ones if there are too many bytes."""
        with self._lock:
            self._evict(key)
            self._responses[key] = response
            self._bytes += len(response.reply.body)
            while self._bytes > self.max_bytes:
                self._evict(next(iter(self._responses)))

    def _evict(self, key: CacheKey) -> None:
        if (old := self._responses.pop(key, None)) is not None:
            self._bytes -= len(old.reply.body)


def cache_key(context: RequestContext, language: str) -> CacheKey:
    """Return what a reply depends on, besides the records of the world."""
    world = context.world
    return (
        world.name, world.strict, context.base_url, context.prefix, context.path, context.query_string, language
    )  # fmt: skip
