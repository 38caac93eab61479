"""The types of rpds that `referencing` and `jsonschema` use, on the standard library."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["HashTrieMap", "HashTrieSet", "List"]


class HashTrieMap(Mapping[Any, Any]):
    """An immutable mapping. A change copies it."""

    __slots__ = ("_items",)

    def __init__(self, value: Any = (), **items: Any) -> None:
        self._items: dict[Any, Any] = dict(value, **items)

    @classmethod
    def convert(cls, value: Any) -> HashTrieMap:
        return value if isinstance(value, cls) else cls(value)

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None) -> HashTrieMap:
        return cls(dict.fromkeys(keys, value))

    def __getitem__(self, key: Hashable) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def get(self, key: Hashable, default: Any = None) -> Any:
        return self._items.get(key, default)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"HashTrieMap({self._items!r})"

    def insert(self, key: Hashable, value: Any) -> HashTrieMap:
        return HashTrieMap({**self._items, key: value})

    def remove(self, key: Hashable) -> HashTrieMap:
        items = dict(self._items)
        del items[key]
        return HashTrieMap(items)

    def discard(self, key: Hashable) -> HashTrieMap:
        return self.remove(key) if key in self._items else self

    def update(self, *maps: Any, **items: Any) -> HashTrieMap:
        merged = dict(self._items)
        for each in maps:
            merged.update(each)
        return HashTrieMap({**merged, **items})


class HashTrieSet(frozenset[Any]):
    """An immutable set."""

    __slots__ = ()

    def insert(self, value: Hashable) -> HashTrieSet:
        return HashTrieSet([*self, value])

    def remove(self, value: Hashable) -> HashTrieSet:
        if value not in self:
            raise KeyError(value)
        return self.discard(value)

    def discard(self, value: Hashable) -> HashTrieSet:
        return HashTrieSet(each for each in self if each != value)

    def update(self, *values: Iterable[Any]) -> HashTrieSet:
        return HashTrieSet(self.union(*values))

    def __repr__(self) -> str:
        return f"HashTrieSet({{{', '.join(map(repr, self))}}})"


class List(tuple[Any, ...]):
    """An immutable list that grows at its front."""

    __slots__ = ()

    def __new__(cls, *values: Any) -> List:
        return super().__new__(cls, values[0] if len(values) == 1 else values)

    @property
    def first(self) -> Any:
        if not self:
            raise IndexError("empty list has no first element")
        return self[0]

    @property
    def rest(self) -> List:
        return List(self[1:])

    def push_front(self, value: Any) -> List:
        return List((value, *self))

    def drop_first(self) -> List:
        if not self:
            raise IndexError("empty list has no first element")
        return List(self[1:])

    def __repr__(self) -> str:
        return f"List([{', '.join(map(repr, self))}])"
