"""Rendered JSON text, and its cache.

A cached document is valid until one of the records that it was rendered from changes. Rendered text does not contain
the caller's host and world. It contains placeholders, which are filled in when the response is sent, so that all
callers share one text.
"""

from __future__ import annotations

import json
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeAlias, TypeVar, cast

import orjson

from emulator.core.json_text import JsonValue, compact_json
from emulator.core.records import REFERENCES, Record, RecordKind
from emulator.state.persistent_map import Ids
from emulator.state.store import REMOVED, Reader
from emulator.state.world import World

R = TypeVar("R")
Reads: TypeAlias = dict[object, dict[object, object]]
"""Map of the store, and key in that map -> the world's own value that was read there; None: the base was read."""

MAX_CACHED_BYTES = 96 * 1024 * 1024
"""Bytes of rendered documents that a store holds. All documents of 36,404 packages would take more."""
READ_BYTES = 32
"""Approximate memory of the key of one read."""

DOMAIN_URL = b"\x01domain\x02"
"""Placeholder for the caller's host and world. JSON escapes these control characters, so no data can contain it."""
WORLD_PREFIX = b"\x01prefix\x02"
"""Placeholder for the path prefix of the caller's world: empty, or `/w/<name>`."""
LINK_PLACEHOLDERS = {
    b"{domain_url}": DOMAIN_URL,
    b"{cdn_url}": DOMAIN_URL + b"/cdn",
    b"{world_prefix}": WORLD_PREFIX,
}
"""Name of a host in the documentation -> placeholder in rendered text."""


def to_json(value: JsonValue) -> bytes:
    """Return compact JSON text with line separators escaped, as the framework's renderer writes it."""
    try:
        body = compact_json(value, orjson.OPT_UTC_Z)
    except TypeError:  # a lone surrogate: a client's JSON may contain it, UTF-8 may not
        return json.dumps(value, separators=(",", ":")).encode()
    if b"\xe2\x80" in body:
        body = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return body


def page_json(count: int, next_: str | None, previous: str | None, results: Iterable[bytes]) -> bytes:
    """Return the text of a page: the framework's envelope around rendered documents."""
    head = orjson.dumps({"count": count, "next": next_, "previous": previous})
    return b"".join((head[:-1], b',"results":[', b",".join(results), b"]}"))


def with_placeholders(body: bytes) -> bytes:
    """Replace the documentation's names of hosts in JSON text by placeholders."""
    for name, placeholder in LINK_PLACEHOLDERS.items():
        body = body.replace(name, placeholder)
    return body


def fill_links(body: bytes, domain_url: str, prefix: str) -> bytes:
    """Replace the placeholders in rendered text by a host and the path prefix of a world."""
    if b"\x01" not in body:
        return body
    domain, world = (orjson.dumps(text)[1:-1] for text in (domain_url, prefix))
    return body.replace(DOMAIN_URL, domain).replace(WORLD_PREFIX, world)


class TrackedReader:
    """Reads records for documents in one language, and records every read."""

    def __init__(self, source: Reader, language: str, cache: RenderCache) -> None:
        self.source, self.language, self.cache = source, language, cache
        self.reads: Reads = {}

    def get(self, kind: type[R], id_: int) -> R | None:
        """Return the record with this id, or None."""
        changed = self._read_change(kind, id_)
        if changed is None:
            return self.source.base.get(kind, id_)
        return None if changed is REMOVED else cast("R", changed)

    def get_existing(self, kind: type[R], id_: int) -> R:
        """Return the record with this id; raise `LookupError` if it does not exist."""
        changed = self._read_change(kind, id_)
        record = self.source.base.get(kind, id_) if changed is None else changed
        if record is None or record is REMOVED:
            raise LookupError(f"no {kind.__name__} has the id {id_}")
        return cast("R", record)

    def follow(self, record: Record, path: tuple[str, ...]) -> Record | None:
        """Return the record at the end of a path of references; None if one of the references is null."""
        for column in path:
            id_ = getattr(record, column)
            if id_ is None:
                return None
            record = self.get_existing(REFERENCES[type(record)][column], id_)
        return record

    def related(self, kind: RecordKind, relation: str, key: object) -> Ids:
        """Return the ids of the records that a relation finds under a key, ascending."""
        changed = self._read_change((kind, relation), key)
        return self.source.base.related(kind, relation, key) if changed is None else cast("Ids", changed)

    def embed(self, body: bytes) -> JsonValue:
        """Return JSON text as a value that `orjson` copies into the document unchanged."""
        return orjson.Fragment(body)

    def embed_shared(self, body: bytes) -> JsonValue:
        """Return the cached text of a nested document that many documents contain, as `embed` does."""
        return orjson.Fragment(body)

    def add_reads(self, reads: Reads) -> None:
        """Add the reads of a nested document that was taken from the cache."""
        for name, values in reads.items():
            if (known := self.reads.get(name)) is None:
                known = self.reads[name] = {}
            known.update(values)

    def _read_change(self, name: object, key: object) -> object:
        """Return and record what the world itself has stored there; None if only the immutable base has a value."""
        changes = self.source.maps.get(name)
        value = None if changes is None else changes.get(key)
        if (reads := self.reads.get(name)) is None:
            reads = self.reads[name] = {}
        reads[key] = value
        return value


class CachedDocument:
    """The text of one document, and the reads that it depends on."""

    __slots__ = ("_maps", "body", "is_shared", "reads", "size")

    def __init__(self, body: bytes, reader: TrackedReader) -> None:
        self.body = body
        self.reads = reader.reads
        self._maps = weakref.ref(reader.source.maps)
        self.is_shared = all(value is None for values in self.reads.values() for value in values.values())
        """Whether only the base was read, so that other worlds have the same document."""
        reads = sum(sys.getsizeof(values) + READ_BYTES * len(values) for values in self.reads.values())
        self.size = len(body) + reads
        """Bytes of the text and of the reads, approximately."""

    def is_current(self, source: Reader) -> bool:
        """Return whether every read would give the same value in this source."""
        maps = self._maps()
        if maps is source.maps:
            return True
        for name, values in self.reads.items():
            changes = source.maps.get(name)
            if (maps is None or changes is not maps.get(name)) and any(
                (None if changes is None else changes.get(key)) is not value for key, value in values.items()
            ):
                return False
        self._maps = weakref.ref(source.maps)
        return True


class DocumentStore:
    """Rendered documents of all worlds on one base, up to a number of bytes. The oldest is evicted first."""

    def __init__(self, limit: int = MAX_CACHED_BYTES) -> None:
        self.limit = limit
        self.entries: dict[tuple[Hashable, Hashable], CachedDocument] = {}
        """Owner and key -> document. The owner is the cache of a world, or the `shared_owner` of many."""
        self.size = 0
        """Bytes of the documents in the store."""
        self.hits = self.misses = 0
        self.freed: deque[RenderCache] = deque()
        """Caches of worlds that were freed without being closed. The garbage collector appends to it."""
        self._lock = threading.Lock()

    def put(self, owner: RenderCache, key: Hashable, entry: CachedDocument) -> None:
        """Store a document, unless its owner is closed. Evict the oldest documents if the store is too large."""
        with self._lock:
            while self.freed:
                self._remove_all(self.freed.popleft())
            if owner.is_closed:
                return
            self._remove((owner.shared_owner, key))
            self._remove((owner, key))
            self.entries[owner.shared_owner if entry.is_shared else owner, key] = entry
            self.size += entry.size
            while self.size > self.limit:
                self._remove(next(iter(self.entries)))

    def remove_all(self, owner: RenderCache) -> None:
        """Remove the documents of one world."""
        with self._lock:
            self._remove_all(owner)

    def _remove_all(self, owner: RenderCache) -> None:
        for key in [key for key in self.entries if key[0] is owner]:
            self._remove(key)

    def _remove(self, key: tuple[Hashable, Hashable]) -> None:
        if (old := self.entries.pop(key, None)) is not None:
            self.size -= old.size


class RenderCache:
    """The rendered documents that one world uses: those of its base, and its own."""

    def __init__(self, language: str, base_url: str, store: DocumentStore | None = None) -> None:
        self.language, self.base_url = language, base_url
        """Language and base URL of the world, for stored payloads, which do not depend on the caller."""
        self.shared_owner = language, base_url
        """Owner of the documents of the base. Worlds with the same language and base URL share them."""
        self.store = DocumentStore() if store is None else store
        self.is_closed = False

    def get(
        self, key: Hashable, source: Reader, language: str, render: Callable[[TrackedReader], bytes]
    ) -> CachedDocument:
        """Return the current document under this key; render and store it if there is none."""
        return self.find(key, source) or self.add(key, source, language, render)

    def find(self, key: Hashable, source: Reader) -> CachedDocument | None:
        """Return the current document under this key, or None."""
        for owner in (self, self.shared_owner):
            entry = self.store.entries.get((owner, key))
            if entry is not None and entry.is_current(source):
                self.store.hits += 1
                return entry
        return None

    def add(
        self, key: Hashable, source: Reader, language: str, render: Callable[[TrackedReader], bytes]
    ) -> CachedDocument:
        """Render a document, and store it under this key."""
        self.store.misses += 1
        reader = TrackedReader(source, language, self)
        entry = CachedDocument(render(reader), reader)
        self.store.put(self, key, entry)
        return entry

    def clear(self) -> None:
        """Remove the world's own documents. Each of them keeps the records alive that it was rendered from."""
        self.store.remove_all(self)

    def close(self) -> None:
        """Remove the world's own documents, and store no more of them."""
        self.is_closed = True
        self.clear()


def render_cache(world: World) -> RenderCache:
    """Return the cache of a world. Worlds of one base, language and base URL share the documents of the base."""
    cache: RenderCache | None = world.caches.get(RenderCache)
    base_url = world.base_url
    if cache is None or cache.base_url != base_url:
        if cache is not None:
            cache.close()
        language = world.settings.language
        store = world.base.caches.setdefault(DocumentStore, DocumentStore())  # one limit for all
        cache = world.caches[RenderCache] = RenderCache(language, base_url, store)
        weakref.finalize(world, store.freed.append, cache).atexit = False
        if world.is_closed:
            cache.close()
    return cache
