"""A dictionary that never changes: each change returns a new one.

`docs/explanation/decisions/persistent-map.md` says why.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar, overload

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
DefaultT = TypeVar("DefaultT")

SIDE = 16
"""A power of two: the number of rows, and of dictionaries in a row. A change copies one dictionary, its row and the
list of rows."""
LAST, BITS = SIDE - 1, SIDE.bit_length() - 1


class PersistentMap(Mapping[KeyT, ValueT]):
    """A map that shares all dictionaries with its predecessor except the one that was changed."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: list[list[dict[KeyT, ValueT]]] = [[{}] * SIDE] * SIDE

    def __len__(self) -> int:
        return sum(map(len, chain.from_iterable(self._rows)))

    def __bool__(self) -> bool:
        return any(map(any, self._rows))

    def __iter__(self) -> Iterator[KeyT]:
        return (key for row in self._rows for bucket in row for key in bucket)

    def __getitem__(self, key: KeyT) -> ValueT:
        number = hash(key)
        return self._rows[number & LAST][number >> BITS & LAST][key]

    def __contains__(self, key: Any) -> bool:
        number = hash(key)
        return key in self._rows[number & LAST][number >> BITS & LAST]

    @overload
    def get(self, key: KeyT, /) -> ValueT | None: ...
    @overload
    def get(self, key: KeyT, /, default: DefaultT) -> ValueT | DefaultT: ...
    def get(self, key: KeyT, /, default: Any = None) -> Any:
        number = hash(key)
        return self._rows[number & LAST][number >> BITS & LAST].get(key, default)

    def delete(self, key: KeyT) -> PersistentMap[KeyT, ValueT]:
        """Return a map without the key. Raise `KeyError` if the key is missing."""
        number, rows = hash(key), self._rows.copy()
        row = rows[number & LAST] = rows[number & LAST].copy()
        column = number >> BITS & LAST
        row[column] = row[column].copy()
        del row[column][key]
        changed: PersistentMap[KeyT, ValueT] = PersistentMap()
        changed._rows = rows
        return changed

    def put(self, key: KeyT, value: ValueT) -> PersistentMap[KeyT, ValueT]:
        """Return a map in which the key has this value."""
        number, rows = hash(key), self._rows.copy()
        at, column = number & LAST, number >> BITS & LAST
        row = rows[at] = rows[at].copy()
        row[column] = {**row[column], key: value}
        changed: PersistentMap[KeyT, ValueT] = object.__new__(PersistentMap)
        changed._rows = rows  # not by a call, because a command changes several maps
        return changed

    def differing_keys(self, other: PersistentMap[KeyT, ValueT]) -> Iterator[KeyT]:
        """Yield the keys whose values are not the same object in both maps. Shared parts cost one comparison."""
        for row, before_row in zip(self._rows, other._rows, strict=True):
            if row is not before_row:
                for bucket, before in zip(row, before_row, strict=True):
                    if bucket is not before:
                        yield from (key for key in bucket if key not in before or bucket[key] is not before[key])
                        yield from before.keys() - bucket.keys()
