"""Chance that depends on a seed and a number alone: the same on any machine, at any time, in any order of asking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def roll(seed: int, what: str, number: int) -> bytes:
    """Give 64 dice of 256 faces each. Every use has its own place among them, so that none disturbs another."""
    return blake2b(f"{seed}|{what}|{number}".encode(), digest_size=64).digest()


def wide(dice: bytes, at: int) -> int:
    """Give the two dice at this place as one of 65,536 faces."""
    return dice[at] << 8 | dice[at + 1]


def widest(dice: bytes, at: int) -> int:
    """Give the four dice at this place as one of 2 ** 32 faces."""
    return int.from_bytes(dice[at : at + 4], "big")


def moment(microseconds: int) -> datetime:
    """Give the time so many microseconds after 1970 began."""
    return EPOCH + microseconds * timedelta.resolution


def microseconds(time: datetime) -> int:
    """Give the microseconds from the beginning of 1970 to the time."""
    return (time - EPOCH) // timedelta(microseconds=1)
