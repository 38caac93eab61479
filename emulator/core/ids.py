"""Reproducible identifiers: UUIDs derived from their parts, and the numbers of requests."""

from __future__ import annotations

import hashlib
import threading
import uuid


def made_uuid(*parts: object) -> uuid.UUID:
    """Return a version 4 UUID that depends on the parts alone, so that every machine derives the same one."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return uuid.UUID(bytes=digest, version=4)


class RequestIds:
    """Numbers the requests of a world. Safe to use from several threads."""

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
