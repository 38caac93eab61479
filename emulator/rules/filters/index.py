"""Indexes over the columns of a base: the places of the records that a comparison finds, without looking at each."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any, overload

from emulator.core.columns import Column, Cycle
from emulator.rules.filters.lookups import DAY, LOOKUPS

Places = Sequence[int]


class Periodic(Sequence[int]):
    """Places that come again in every period, and some more after them: any number of them for nothing."""

    def __init__(self, offsets: Sequence[int], period: int, times: int, rest: Sequence[int]) -> None:
        self._offsets, self._period, self._rest = offsets, period, rest
        self._whole = len(offsets) * times

    def __len__(self) -> int:
        return self._whole + len(self._rest)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        if index >= self._whole:
            return self._rest[index - self._whole]
        turn, offset = divmod(index, len(self._offsets))
        return turn * self._period + self._offsets[offset]


class CycleIndex:
    """The index of a column whose values come in a cycle."""

    def __init__(self, values: Cycle) -> None:
        self._values = values

    def find(self, lookup: str, wanted: Any) -> Places:
        meets, values = LOOKUPS[lookup], self._values
        offsets = [at for at, value in enumerate(values.period) if meets(value, wanted)]
        rest = [values.whole + at for at, value in enumerate(values.rest) if meets(value, wanted)]
        return Periodic(offsets, len(values.period), values.times, rest) if offsets else rest


class Index:
    """The entries of a column in the order of their values."""

    def __init__(self, column: Column) -> None:
        self._values, self._owners = column.values, column.owners
        self._sorted = in_order(column)

    def find(self, lookup: str, wanted: Any) -> Places:
        """Give the places of the records with such a value, ascending."""
        found = self._runs(lookup, wanted)
        if self._owners is not None:
            owners = self._owners
            return array("I", sorted({owners[entry] for entry in chain.from_iterable(found)}))
        if len(found) == 1 and (isinstance(found[0], range) or lookup == "exact"):
            return found[0]
        return array("I", heapq.merge(*found) if lookup == "in" else sorted(chain.from_iterable(found)))

    def _runs(self, lookup: str, wanted: Any) -> list[Sequence[int]]:
        """Give the entries in runs, each ascending among equal values; a lookup without a range looks at all."""
        if lookup not in RANGES:
            meets = LOOKUPS[lookup]
            return [[entry for entry in self._sorted if meets(self._values[entry], wanted)]]
        return [self._sorted[start:stop] for start, stop in RANGES[lookup](self, wanted) if start < stop]

    def left(self, wanted: Any, key: Callable[[Any], Any] = lambda value: value) -> int:
        return bisect_left(self._sorted, wanted, key=lambda entry: key(self._values[entry]))

    def right(self, wanted: Any, key: Callable[[Any], Any] = lambda value: value) -> int:
        return bisect_right(self._sorted, wanted, key=lambda entry: key(self._values[entry]))

    def between(self, low: Any, high: Any) -> tuple[int, int]:
        return self.left(low), self.right(high)

    def prefixed(self, prefix: str) -> tuple[int, int]:
        size = len(prefix)
        return self.left(prefix, lambda value: value[:size]), self.right(prefix, lambda value: value[:size])

    @property
    def size(self) -> int:
        return len(self._sorted)


def in_order(column: Column) -> Sequence[int]:
    """Give the entries that have a value, by value and then by place."""
    values, null = column.values, column.null
    if all(value != null for value in values):
        if all(one <= other for one, other in pairwise(values)):
            return range(len(values))
        return array("I", sorted(range(len(values)), key=values.__getitem__))
    return array("I", sorted((at for at, value in enumerate(values) if value != null), key=values.__getitem__))


def equal(index: Index, wanted: Any) -> list[tuple[int, int]]:
    return [index.between(wanted, wanted)]


def one_of(index: Index, wanted: frozenset[Any]) -> list[tuple[int, int]]:
    return [index.between(value, value) for value in wanted]


RANGES: dict[str, Callable[[Index, Any], list[tuple[int, int]]]] = {
    "exact": equal,
    "gt": lambda index, wanted: [(index.right(wanted), index.size)],
    "gte": lambda index, wanted: [(index.left(wanted), index.size)],
    "lt": lambda index, wanted: [(0, index.left(wanted))],
    "lte": lambda index, wanted: [(0, index.right(wanted))],
    "in": one_of,
    "startswith": lambda index, wanted: [index.prefixed(wanted)],
    "date": lambda index, wanted: [index.between(wanted, wanted + DAY - 1)],
    "date__gte": lambda index, wanted: [(index.left(wanted), index.size)],
    "date__lte": lambda index, wanted: [(0, index.left(wanted + DAY))],
}
"""Where a lookup's values lie among all, in order: the same answers as `LOOKUPS`, by halving."""


def index_of(column: Column) -> Index | CycleIndex:
    return CycleIndex(column.values) if isinstance(column.values, Cycle) else Index(column)
