"""The order of a list: keys that compare as the order asks for, for records of the base and for changed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import total_ordering
from typing import Any

from emulator.core.columns import follow
from emulator.core.store import View

Key = tuple[Any, ...]
Values = Callable[[str], Any]
ValueAt = Callable[[int], Any]


@total_ordering
class Down:
    """A value that comes earlier the greater it is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Down) and self.value == other.value

    def __lt__(self, other: Down) -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)


NEWEST = ("-id",)
"""Decides between records that are equal otherwise (assumed: a database leaves it open)."""


def steps(sort: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Give the columns of an order, and whether they descend."""
    for name in (*sort, *NEWEST):
        yield name.removeprefix("-"), name.startswith("-")


def key_of(sort: Sequence[str], value: Values) -> Key:
    """Give the key of one record. Without a value it comes last, descending first, as PostgreSQL has it."""
    parts: list[Any] = []
    for column, descends in steps(sort):
        found = value(column)
        part = (found is None, found)
        parts.append(Down(part) if descends else part)
    return tuple(parts)


def record_key(view: View, kind: type[Any], record: Any, sort: Sequence[str]) -> Key:
    return key_of(sort, lambda column: next(follow(view, kind, record, column.split(".")), None))


def sorted_places(places: Sequence[int], sort: Sequence[str], column: Callable[[str], ValueAt]) -> list[int]:
    """Give the places in this order, newest first among equals: one stable sort for each column."""
    found = list(reversed(places))
    for name, descends in reversed(list(steps(sort))[:-1]):
        value = column(name)
        found.sort(key=lambda place: ((one := value(place)) is None, one), reverse=descends)
    return found
