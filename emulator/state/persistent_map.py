"""A dictionary that never changes: each change returns a new one.

`docs/explanation/decisions/persistent-map.md` says why.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, TypeVar, overload

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
DefaultT = TypeVar("DefaultT")

BUCKETS = 128
"""A power of two. A change copies one bucket, and the list of all buckets."""
LAST_BUCKET = BUCKETS - 1


class PersistentMap(Mapping[KeyT, ValueT]):
    """A map that shares all buckets with its predecessor except the one that was changed."""

    __slots__ = ("_buckets",)

    def __init__(self, buckets: list[dict[KeyT, ValueT]] | None = None) -> None:
        self._buckets: list[dict[KeyT, ValueT]] = buckets or [{}] * BUCKETS

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def __bool__(self) -> bool:
        return any(self._buckets)

    def __iter__(self) -> Iterator[KeyT]:
        return (key for bucket in self._buckets for key in bucket)

    def __getitem__(self, key: KeyT) -> ValueT:
        return self._buckets[hash(key) & LAST_BUCKET][key]

    def __contains__(self, key: Any) -> bool:
        return key in self._buckets[hash(key) & LAST_BUCKET]

    @overload
    def get(self, key: KeyT, /) -> ValueT | None: ...
    @overload
    def get(self, key: KeyT, /, default: DefaultT) -> ValueT | DefaultT: ...
    def get(self, key: KeyT, /, default: Any = None) -> Any:
        return self._buckets[hash(key) & LAST_BUCKET].get(key, default)

    def set(self, key: KeyT, value: ValueT) -> PersistentMap[KeyT, ValueT]:
        """Return a map in which the key has this value."""
        buckets = self._buckets.copy()
        number = hash(key) & LAST_BUCKET
        buckets[number] = {**buckets[number], key: value}
        return PersistentMap(buckets)

    def delete(self, key: KeyT) -> PersistentMap[KeyT, ValueT]:
        """Return a map without the key. Raise `KeyError` if the key is missing."""
        buckets = self._buckets.copy()
        number = hash(key) & LAST_BUCKET
        buckets[number] = buckets[number].copy()
        del buckets[number][key]
        return PersistentMap(buckets)

    def update(self, changes: Mapping[KeyT, ValueT]) -> PersistentMap[KeyT, ValueT]:
        """Return a map in which all keys of `changes` have the values there."""
        changed = self
        for key, value in changes.items():
            changed = changed.set(key, value)
        return changed

    def differing_keys(self, other: PersistentMap[KeyT, ValueT]) -> Iterator[KeyT]:
        """Yield the keys whose values are not the same object in both maps. Shared buckets cost one comparison."""
        for bucket, before in zip(self._buckets, other._buckets, strict=True):
            if bucket is not before:
                yield from (key for key in bucket if key not in before or bucket[key] is not before[key])
                yield from before.keys() - bucket.keys()
