"""Records read for a document, and the documents kept ready until one of those records changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import orjson

from emulator.core.store import REMOVED, View

R = TypeVar("R")

KEPT_BYTES = 96 * 1024 * 1024
"""How much rendered text one base keeps; the oldest goes first. 36,404 packages would take three times that."""


class Reading:
    """Reads a view in one language and remembers what it read."""

    def __init__(self, view: View, language: str, kept: Kept) -> None:
        self.view, self.language, self.kept = view, language, kept
        self.reads: dict[Any, dict[Any, Any]] = {}

    def get(self, kind: type[R], id_: int) -> R | None:
        changed: Any = self._own(kind, id_)
        if changed is None:
            return self.view.base.get(kind, id_)
        return None if changed is REMOVED else changed

    def one(self, kind: type[R], id_: int) -> R:
        """Give the record that a reference promises; `LookupError` if the promise is broken."""
        changed: Any = self._own(kind, id_)
        record = self.view.base.get(kind, id_) if changed is None else changed
        if record is None or record is REMOVED:
            raise LookupError(f"no {kind.__name__} has the id {id_}")
        return record

    def json(self, body: bytes) -> Any:
        """Give JSON text as a document takes it."""
        return orjson.Fragment(body)

    def shared_json(self, body: bytes) -> Any:
        """Give the text of a part that many documents share, as a document takes it."""
        return orjson.Fragment(body)

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        changed = self._own((kind, relation), key)
        return self.view.base.related(kind, relation, key) if changed is None else cast("tuple[int, ...]", changed)

    def _own(self, name: Any, key: Any) -> Any:
        """Give what the world itself has there (None: what the base has, which never changes)."""
        changes = self.view.maps.get(name)
        found = None if changes is None else changes.get(key)
        if (reads := self.reads.get(name)) is None:
            reads = self.reads[name] = {}
        reads[key] = found
        return found

    def learn(self, reads: Mapping[Any, Mapping[Any, Any]]) -> None:
        """Count what a part of this document was made from as read."""
        for name, found in reads.items():
            if (known := self.reads.get(name)) is None:
                known = self.reads[name] = {}
            known.update(found)


class Rendered:
    """One document's text and what it was made from."""

    __slots__ = ("body", "maps", "reads")

    def __init__(self, body: bytes, reading: Reading) -> None:
        self.body = body
        self.reads = reading.reads
        self.maps: Mapping[Any, Any] = reading.view.maps

    def holds(self, view: View) -> bool:
        """Tell whether this is still the document: whether all that was read is still the same."""
        if self.maps is view.maps:
            return True
        for name, found in self.reads.items():
            now = view.maps.get(name)
            if now is not self.maps.get(name) and any(
                (None if now is None else now.get(key)) is not value for key, value in found.items()
            ):
                return False
        self.maps = view.maps
        return True


class Kept:
    """Rendered documents of all worlds on one base, up to a number of bytes."""

    def __init__(self, language: str, base_url: str, limit: int = KEPT_BYTES) -> None:
        self.language, self.base_url = language, base_url
        """The scenario's own, for what is stored: payloads do not depend on who reads them."""
        self.limit = limit
        self._entries: dict[Any, Rendered] = {}
        self.size = 0
        """How many bytes are kept."""
        self.hits = self.misses = 0
        self._lock = threading.Lock()

    def get(self, key: Any, view: View, language: str, make: Callable[[Reading], bytes]) -> Rendered:
        """Give the document kept under this key, or make it and keep it."""
        entry = self._entries.get(key)
        if entry is not None and entry.holds(view):
            self.hits += 1
            return entry
        self.misses += 1
        reading = Reading(view, language, self)
        entry = Rendered(make(reading), reading)
        self._keep(key, entry)
        return entry

    def clear(self) -> None:
        """Forget all documents: each holds on to the records that it was made from."""
        with self._lock:
            self._entries.clear()
            self.size = 0

    def _keep(self, key: Any, entry: Rendered) -> None:
        with self._lock:
            if (old := self._entries.pop(key, None)) is not None:
                self.size -= len(old.body)
            self._entries[key] = entry
            self.size += len(entry.body)
            while self.size > self.limit:
                self.size -= len(self._entries.pop(next(iter(self._entries))).body)
