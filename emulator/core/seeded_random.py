"""Random numbers that depend on a seed, a purpose and a number only: the same on any machine, in any order."""

from __future__ import annotations

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
