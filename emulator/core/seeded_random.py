"""Random numbers that depend only on a seed, a purpose and a number. They are the same on every machine."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, purpose: str, number: int) -> bytes:
    """Return 64 random bytes. Each use reads its own positions, so that the values are independent."""
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
    """Return a version 4 UUID that depends only on the parts."""
    return uuid.UUID(derive_uuid_text(*parts))


def derive_uuid_text(*parts: object) -> str:
    """Return the text of the same UUID, without the cost of an object for it."""
    text = blake2b("|".join(map(str, parts)).encode(), digest_size=16).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"
