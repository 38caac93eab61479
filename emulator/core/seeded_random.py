"""Random numbers that depend on a seed, a purpose and a number only: the same on any machine, in any order."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, purpose: str, number: int) -> bytes:
    """Return 64 random bytes. Each use reads its own positions, so that no use affects another."""
    return blake2b(f"{seed}|{purpose}|{number}".encode(), digest_size=64).digest()


def u16(draws: bytes, at: int) -> int:
    """Return the two bytes at this position as an unsigned integer."""
    return draws[at] << 8 | draws[at + 1]


def u32(draws: bytes, at: int) -> int:
    """Return the four bytes at this position as an unsigned integer."""
    return int.from_bytes(draws[at : at + 4], "big")


def pick(values: Sequence[T], number: int) -> T:
    """Return the value that a random number selects."""
    return values[number % len(values)]


def derive_uuid(*parts: object) -> uuid.UUID:
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
