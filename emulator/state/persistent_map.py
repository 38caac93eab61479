"""A dictionary and a list of ids that never change: each change returns a new one.

`docs/explanation/decisions/persistent-map.md` says why.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar, final, overload

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
DefaultT = TypeVar("DefaultT")

BITS = 4
"""Two to the power of this is the number of rows of a small map, and of dictionaries in a row. A change copies one
dictionary, its row and the list of rows."""
MAX_ENTRIES = 40
"""A map gets more dictionaries when one of them has more entries, and their mean is more than half of that."""
MAX_CHUNK = 512
"""Maximum number of ids in a chunk of an `IdList`."""

new_object = object.__new__


class PersistentMap(Mapping[KeyT, ValueT]):
    """A map that shares all dictionaries with its predecessor except the one that was changed."""

    __slots__ = ("_bits", "_last", "_rows")

    def __init__(self, bits: int = BITS) -> None:
        self._bits, self._last = bits, (1 << bits) - 1
        self._rows: list[list[dict[KeyT, ValueT]]] = [[{}] * (self._last + 1)] * (self._last + 1)

    def __len__(self) -> int:
        return sum(map(len, chain.from_iterable(self._rows)))

    def __bool__(self) -> bool:
        return any(map(any, self._rows))

    def __iter__(self) -> Iterator[KeyT]:
        return chain.from_iterable(chain.from_iterable(self._rows))

    def __getitem__(self, key: KeyT) -> ValueT:
        number, last = hash(key), self._last
        return self._rows[number & last][number >> self._bits & last][key]

    def __contains__(self, key: Any) -> bool:
        number, last = hash(key), self._last
        return key in self._rows[number & last][number >> self._bits & last]

    @overload
    def get(self, key: KeyT, /) -> ValueT | None: ...
    @overload
    def get(self, key: KeyT, /, default: DefaultT) -> ValueT | DefaultT: ...
    def get(self, key: KeyT, /, default: Any = None) -> Any:
        number, last = hash(key), self._last
        return self._rows[number & last][number >> self._bits & last].get(key, default)

    def delete(self, key: KeyT) -> PersistentMap[KeyT, ValueT]:
        """Return a map without the key. Raise `KeyError` if the key is missing."""
        number, last, rows = hash(key), self._last, self._rows.copy()
        row = rows[number & last] = rows[number & last].copy()
        column = number >> self._bits & last
        row[column] = row[column].copy()
        del row[column][key]
        changed: PersistentMap[KeyT, ValueT] = PersistentMap(self._bits)
        changed._rows = rows
        return changed

    def put(self, key: KeyT, value: ValueT) -> PersistentMap[KeyT, ValueT]:
        """Return a map in which the key has this value."""
        # Single assignments and no call of a constructor, because a command changes several maps.
        number, last = hash(key), self._last
        rows = self._rows.copy()
        row = rows[number & last] = rows[number & last].copy()
        column = number >> self._bits & last
        row[column] = bucket = {**row[column], key: value}
        changed: PersistentMap[KeyT, ValueT] = new_object(PersistentMap)
        changed._rows = rows
        changed._last = last
        changed._bits = self._bits
        return changed if len(bucket) <= MAX_ENTRIES else changed._widen()

    def _widen(self) -> PersistentMap[KeyT, ValueT]:
        """Return a map with four times as many dictionaries, or this map if most of its dictionaries are small."""
        if len(self) * 2 <= MAX_ENTRIES * 4**self._bits:
            return self
        wide: PersistentMap[KeyT, ValueT] = PersistentMap(self._bits + 1)
        wide._rows = [[{} for _ in row] for row in wide._rows]
        for key, value in self.items():
            number = hash(key)
            wide._rows[number & wide._last][number >> wide._bits & wide._last][key] = value
        return wide

    def differing_keys(self, other: PersistentMap[KeyT, ValueT]) -> Iterator[KeyT]:
        """Yield the keys whose values are not the same object in both maps. Shared parts cost one comparison."""
        is_same_size = self._bits == other._bits
        pairs = zip(self._rows, other._rows, strict=True) if is_same_size else [([dict(self)], [dict(other)])]
        for row, before_row in pairs:
            if row is not before_row:
                for bucket, before in zip(row, before_row, strict=True):
                    if bucket is not before:
                        yield from (key for key in bucket if key not in before or bucket[key] is not before[key])
                        yield from before.keys() - bucket.keys()


@final
class IdList(Sequence[int]):
    """Ascending ids in at least two chunks. A change copies one chunk and the list of chunks."""

    __slots__ = ("chunks",)

    def __init__(self, chunks: Sequence[tuple[int, ...]]) -> None:
        self.chunks = chunks

    def __len__(self) -> int:
        return sum(map(len, self.chunks))

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.chunks)

    def __reversed__(self) -> Iterator[int]:
        return chain.from_iterable(map(reversed, reversed(self.chunks)))

    def __contains__(self, id_: Any) -> bool:
        return id_ in self.chunks[self._find_chunk(id_)]

    def __getitem__(self, index: Any) -> Any:
        ends = list(accumulate(map(len, self.chunks)))
        wanted = range(ends[-1])[index]
        if isinstance(wanted, int):
            return self[wanted : wanted + 1][0]
        low, high = sorted((wanted[0], wanted[-1])) if wanted else (0, -1)
        first, last = bisect_right(ends, low), bisect_right(ends, high)
        ids, start = tuple(chain.from_iterable(self.chunks[first : last + 1])), ends[first] - len(self.chunks[first])
        return ids[low - start : high - start + 1][:: wanted.step]

    def change_chunk(self, change: Callable[[Ids, int], Ids], id_: int) -> Ids:
        """Return the ids after a change of the chunk that an id belongs to."""
        at = self._find_chunk(id_)
        ids = change(self.chunks[at], id_)
        changed = ids.chunks if type(ids) is IdList else (ids,) if ids else ()
        chunks = (*self.chunks[:at], *changed, *self.chunks[at + 1 :])
        return IdList(chunks) if len(chunks) > 1 else chunks[0]

    def _find_chunk(self, id_: int) -> int:
        return bisect_right(self.chunks, id_, 1, key=itemgetter(0)) - 1


Ids: TypeAlias = tuple[int, ...] | IdList
"""Ascending ids. A few are a tuple."""


def add_id(ids: Ids, id_: int) -> Ids:
    """Return the ids with one more."""
    if type(ids) is IdList:
        return ids.change_chunk(add_id, id_)
    if not ids or ids[-1] < id_:
        return (*ids, id_) if len(ids) < MAX_CHUNK else IdList((ids, (id_,)))
    return tuple(sorted((*ids, id_))) if len(ids) < MAX_CHUNK else halve(ids).change_chunk(add_id, id_)


def remove_id(ids: Ids, id_: int) -> Ids:
    """Return the ids without one of them."""
    if type(ids) is IdList:
        return ids.change_chunk(remove_id, id_)
    if len(ids) > MAX_CHUNK:
        return halve(ids).change_chunk(remove_id, id_)
    at = ids.index(id_)
    return (*ids[:at], *ids[at + 1 :])


def halve(ids: tuple[int, ...]) -> IdList:
    half = len(ids) // 2
    return IdList((ids[:half], ids[half:]))
