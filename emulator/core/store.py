"""Records of one world: a shared immutable base below, the world's own changes above.

A view reads; a root is a view that never changes; a transaction is a view that gathers changes and becomes the
next root. Reading a root needs no lock, keeping one is a snapshot, and no cost grows with the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast, overload

from immutables import Map

from emulator.core import queues
from emulator.core.bases import Base
from emulator.core.records import LOOKED_UP, QUEUES, RELATIONS, TALLIES, relation_key

R = TypeVar("R")

_NO_MAP: Map[Any, Any] = Map()
_UNTOUCHED = object()
FEW_REMOVED = 32
"""So many removed records among those added may leave a trace; beyond a quarter of them, none does."""
REMOVED = object()
"""Stands for a record that this world had and has no more."""


class Ids(Sequence[int]):
    """Ascending ids of one kind: the base's, then those added since."""

    def __init__(self, base: Sequence[int], added: Map[int, int], first: int) -> None:
        self._base, self._added, self._first = base, added, first

    def __len__(self) -> int:
        return len(self._base) + len(self._added)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(index)
        before = len(self._base)
        return self._base[position] if position < before else self._added[self._first + position - before]

    def __iter__(self) -> Iterator[int]:
        return (self[position] for position in range(len(self)))


class View:
    """Reads records of a base with changes on top."""

    def __init__(self, base: Base, maps: dict[Any, Map[Any, Any]]) -> None:
        self.base = base
        self.maps = maps
        """Changes: kind -> id -> record; (kind, relation) -> key -> ids; (kind, "added") -> position -> id;
        (kind, "removed") -> id -> True; "first" -> kind -> position of the first added one that was not forgotten;
        (kind, "tally") -> key -> more or fewer; (kind, "queue") -> see `queues`; "next" -> kind -> its next id."""

    def get(self, kind: type[R], id_: int) -> R | None:
        """Give the record, or None where there is none with this id."""
        changed = self.maps.get(kind)
        if changed is not None and (record := changed.get(id_)) is not None:
            return None if record is REMOVED else cast("R", record)
        return self.base.get(kind, id_)

    def has(self, kind: type[Any], id_: int) -> bool:
        """Tell whether there is such a record."""
        changed = self.maps.get(kind)
        if changed is not None and (record := changed.get(id_)) is not None:
            return record is not REMOVED
        return self.base.has(kind, id_)

    def one(self, kind: type[R], id_: int) -> R:
        """Give the record that a reference promises; `LookupError` if the promise is broken."""
        if (record := self.get(kind, id_)) is None:
            raise LookupError(f"no {kind.__name__} has the id {id_}")
        return record

    def ids(self, kind: type[Any]) -> Sequence[int]:
        """Give all ids of this kind, ascending."""
        added = self.maps.get((kind, "added"))
        base = self.base.ids(kind)
        ids = base if added is None else Ids(base, added, self.first_added(kind))
        removed = self.maps.get((kind, "removed"))
        return ids if not removed else [id_ for id_ in ids if id_ not in removed]

    def first_added(self, kind: type[Any]) -> int:
        """Give the position of the first added record that was not forgotten."""
        return cast("int", self.maps.get("first", _NO_MAP).get(kind, 0))

    def all(self, kind: type[R]) -> Iterator[R]:
        """Give all records of this kind, by id."""
        return (self.one(kind, id_) for id_ in self.ids(kind))

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        """Give the ids that a relation finds under a key, ascending; `LookupError` for a relation that is none."""
        if relation not in RELATIONS.get(kind, ()):
            raise LookupError(f"{kind.__name__} has no relation {relation!r}")
        changed = self.maps.get((kind, relation))
        if changed is not None and (ids := changed.get(key)) is not None:
            return cast("tuple[int, ...]", ids)
        return self.base.related(kind, relation, key)

    def find(self, kind: type[R], relation: str, key: Any) -> list[R]:
        """Give the records that a relation finds under a key, by id."""
        return [self.one(kind, id_) for id_ in self.related(kind, relation, key)]

    def latest(self, kind: type[R], relation: str, key: Any) -> Iterator[R]:
        """Give the same records the other way round, each when it is asked for."""
        return (self.one(kind, id_) for id_ in reversed(self.related(kind, relation, key)))

    def count(self, kind: type[Any], key: Any) -> int:
        """Give how many records of a kind have this key (`records.TALLIES`)."""
        return self.base.tally(kind).get(key, 0) + int(self.maps.get((kind, "tally"), _NO_MAP).get(key, 0))

    def tally(self, kind: type[Any]) -> Mapping[Any, int]:
        """Give how many records of a kind there are under each key."""
        counts = Counter(dict(self.base.tally(kind)))
        counts.update(dict(self.maps.get((kind, "tally"), _NO_MAP)))
        return counts

    def queued(self, kind: type[Any]) -> Iterator[tuple[datetime, int]]:
        """Give when each waiting record of a kind is due, and its id, earliest first (`records.QUEUES`).

        To ask for the first one costs the same however many wait. Those of the base do not wait for anything.
        """
        return queues.waiting(self.maps.get((kind, "queue"), _NO_MAP))


class Root(View):
    """A view that never changes."""

    def __init__(self, base: Base, maps: dict[Any, Map[Any, Any]], number: int | None = None) -> None:
        super().__init__(base, maps)
        self.derived: dict[Any, Any] = {}
        """What readers made from this root and keep with it: results of filters."""
        self.number = number
        """The step that it belongs to, where somebody comes back to it: an event that tells of it."""


class Transaction(View):
    """Changes in the making: visible to itself, to others only after they became a root."""

    def __init__(self, root: Root, now: datetime, number: int | None = None) -> None:
        super().__init__(root.base, dict(root.maps))
        self.start = root
        self.now = now
        self.number = number
        """Which of its world's steps this is."""
        self.touched: dict[tuple[type[Any], int], None] = {}
        """The records that were added, changed or removed, in the order of the first time."""
        self.events: list[tuple[str, type[Any], int]] = []

    def new_id(self, kind: type[Any]) -> int:
        """Give the next free id of this kind."""
        taken = self.maps.get("next", _NO_MAP)
        id_ = taken.get(kind) or self.base.next_id(kind)
        self.maps["next"] = taken.set(kind, id_ + 1)
        return cast("int", id_)

    def add(self, record: R) -> R:
        """Put a record with a new id; give it back."""
        kind = type(record)
        name = (kind, "added")
        added = self.maps.get(name, _NO_MAP)
        self.maps[name] = added.set(self.first_added(kind) + len(added), record.id)  # type: ignore[attr-defined]
        self._put(kind, None, record)
        return record

    def change(self, record: R, **columns: Any) -> R:
        """Replace columns of a record as this transaction has it; give the changed record."""
        kind = type(record)
        current: Any = self.one(kind, record.id)  # type: ignore[attr-defined]
        changed: R = current._replace(**columns)
        if LOOKED_UP[kind].isdisjoint(columns):
            self._keep(kind, changed)
        else:
            self._put(kind, current, changed)
        return changed

    def remove(self, record: Any) -> None:
        """Take a record away. Only kinds that no list pages through are ever removed."""
        kind = type(record)
        current: Any = self.one(kind, record.id)
        self.touched[kind, record.id] = None
        self.maps[kind] = self.maps.get(kind, _NO_MAP).set(record.id, REMOVED)
        name = (kind, "removed")
        self.maps[name] = self.maps.get(name, _NO_MAP).set(record.id, True)
        for relation, columns in RELATIONS.get(kind, {}).items():
            self._move(kind, relation, record.id, relation_key(current, columns), _UNTOUCHED)
        self._recount(kind, current, None)
        self._requeue(kind, current, None)

    def forget(self, record: Any) -> None:
        """Take a record of this world's own away without a trace, so that a world that runs for long does not grow.

        Nothing that stays may refer to it. `ValueError` for one of the base.
        """
        kind = type(record)
        if self.base.has(kind, record.id):
            raise ValueError(f"{kind.__name__} {record.id} is in the scenario's base")
        self.remove(record)
        added, removed = self.maps[kind, "added"], self.maps[kind, "removed"]
        first = self.first_added(kind)
        while (id_ := added.get(first)) is not None and id_ in removed:
            added, removed = added.delete(first), removed.delete(id_)
            self.maps[kind] = self.maps[kind].delete(id_)
            first += 1
        if len(removed) > FEW_REMOVED and 4 * len(removed) > len(added):
            added = self._closed_up(kind, added, removed, first)
            removed = Map({id_: True for id_ in removed if self.base.has(kind, id_)})
        self.maps[kind, "added"], self.maps[kind, "removed"] = added, removed
        self.maps["first"] = self.maps.get("first", _NO_MAP).set(kind, first)

    def _closed_up(self, kind: type[Any], added: Map[int, int], removed: Map[int, bool], first: int) -> Map[int, int]:
        """Give the added ids without the removed ones among them, of which no trace is left."""
        gone = [id_ for id_ in added.values() if id_ in removed]
        with self.maps[kind].mutate() as records:
            for id_ in gone:
                del records[id_]
            self.maps[kind] = records.finish()
        left = sorted(set(added.values()).difference(gone))
        return Map(enumerate(left, first))

    def queue(self, event_type: str, record: Any) -> None:
        """Tell the hooks of this event type, with the record's document as it is at the commit."""
        self.events.append((event_type, type(record), record.id))

    def root(self) -> Root:
        """Give the root that these changes make."""
        return Root(self.base, self.maps)

    def _keep(self, kind: type[Any], record: Any) -> None:
        self.touched[kind, record.id] = None
        self.maps[kind] = self.maps.get(kind, _NO_MAP).set(record.id, record)

    def _put(self, kind: type[Any], before: Any | None, after: Any) -> None:
        self._keep(kind, after)
        for relation, columns in RELATIONS.get(kind, {}).items():
            old = _UNTOUCHED if before is None else relation_key(before, columns)
            new = relation_key(after, columns)
            if old != new:
                self._move(kind, relation, after.id, old, new)
        self._recount(kind, before, after)
        self._requeue(kind, before, after)

    def _requeue(self, kind: type[Any], before: Any | None, after: Any | None) -> None:
        if (column := QUEUES.get(kind)) is None:
            return
        old, new = (None if record is None else getattr(record, column) for record in (before, after))
        if old == new:
            return
        queue = self.maps.get((kind, "queue"), _NO_MAP)
        if old is not None:
            queue = queues.without(queue, old, before.id)  # type: ignore[union-attr]  # it has a time
        if new is not None:
            queue = queues.having(queue, new, after.id)  # type: ignore[union-attr]  # likewise
        self.maps[kind, "queue"] = queue

    def _recount(self, kind: type[Any], before: Any | None, after: Any | None) -> None:
        if (columns := TALLIES.get(kind)) is None:
            return
        old, new = (None if record is None else relation_key(record, columns) for record in (before, after))
        if old == new:
            return
        counts = self.maps.get((kind, "tally"), _NO_MAP)
        for key, more in ((old, -1), (new, 1)):
            if key is not None:
                counts = counts.set(key, counts.get(key, 0) + more)
        self.maps[kind, "tally"] = counts

    def _move(self, kind: type[Any], relation: str, id_: int, old: Any, new: Any) -> None:
        name = (kind, relation)
        changed = self.maps.get(name, _NO_MAP)
        if old is not _UNTOUCHED:
            left = tuple(i for i in self.related(kind, relation, old) if i != id_)
            if left or self.base.related(kind, relation, old):
                changed = changed.set(old, left)
            elif old in changed:
                changed = changed.delete(old)
        if new is not _UNTOUCHED:
            known = self.related(kind, relation, new)
            is_last = not known or known[-1] < id_
            changed = changed.set(new, (*known, id_) if is_last else tuple(sorted((*known, id_))))
        self.maps[name] = changed
