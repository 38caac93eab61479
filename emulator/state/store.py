"""The records of one world: an immutable base dataset, and the world's changes on top.

A view reads records. A root is a view that never changes. A transaction is a view that collects changes and then
becomes the next root. The changes are persistent maps, so a reader needs no lock and a snapshot is a reference.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, TypeVar, cast

from immutables import Map

from emulator.core.records import INDEXED_COLUMNS, QUEUES, RELATIONS, TALLIES, UNDATED, relation_key
from emulator.state.datasets import BaseDataset

R = TypeVar("R")

_EMPTY: Map[Any, Any] = Map()
_NO_KEY = object()
REMOVED = object()
"""Replaces a record of the base that the world removed."""


class Reader:
    """Read access to the records of a base with changes on top."""

    def __init__(self, base: BaseDataset, maps: dict[Any, Any]) -> None:
        self.base = base
        self.maps = maps
        """The changes: kind -> id -> record or `REMOVED`; (kind, relation) -> key -> ids; (kind, "tally") -> key ->
        difference to the base's count; (kind, "queue") -> `Heap` of times and ids; "next" -> kind -> next id."""

    def get(self, kind: type[R], id_: int) -> R | None:
        """Return the record, or None if there is no record with this id."""
        changed = self.maps.get(kind)
        if changed is not None and (record := changed.get(id_)) is not None:
            return None if record is REMOVED else cast("R", record)
        return self.base.get(kind, id_)

    def has(self, kind: type[Any], id_: int) -> bool:
        """Return whether the record exists."""
        changed = self.maps.get(kind)
        if changed is not None and (record := changed.get(id_)) is not None:
            return record is not REMOVED
        return self.base.has(kind, id_)

    def get_existing(self, kind: type[R], id_: int) -> R:
        """Return the record that a reference points to. `LookupError` if it does not exist."""
        if (record := self.get(kind, id_)) is None:
            raise LookupError(f"no {kind.__name__} has the id {id_}")
        return record

    def ids(self, kind: type[Any]) -> Sequence[int]:
        """Return all ids of this kind, ascending."""
        base_ids = self.base.ids(kind)
        changed = self.maps.get(kind)
        if not changed:
            return base_ids
        added = self.added_ids(kind)
        removed = {id_ for id_, record in changed.items() if record is REMOVED}
        if removed:
            base_ids = [id_ for id_ in base_ids if id_ not in removed]
        return [*base_ids, *added] if added else base_ids

    def added_ids(self, kind: type[Any]) -> list[int]:
        """Return the ids of the records that are not in the base, ascending."""
        first = self.base.next_id(kind)
        return sorted(id_ for id_ in self.maps.get(kind, ()) if id_ >= first)

    def all(self, kind: type[R]) -> Iterator[R]:
        """Iterate over all records of this kind, by id."""
        return (self.get_existing(kind, id_) for id_ in self.ids(kind))

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        """Return the ids under a key of a relation, ascending. `LookupError` for an unknown relation."""
        if relation not in RELATIONS.get(kind, ()):
            raise LookupError(f"{kind.__name__} has no relation {relation!r}")
        changed = self.maps.get((kind, relation))
        if changed is not None and (ids := changed.get(key)) is not None:
            return cast("tuple[int, ...]", ids)
        return self.base.related(kind, relation, key)

    def find(self, kind: type[R], relation: str, key: Any) -> list[R]:
        """Return the records under a key of a relation, by id."""
        return [self.get_existing(kind, id_) for id_ in self.related(kind, relation, key)]

    def latest(self, kind: type[R], relation: str, key: Any) -> Iterator[R]:
        """Iterate over the same records in descending order of their ids."""
        return (self.get_existing(kind, id_) for id_ in reversed(self.related(kind, relation, key)))

    def count(self, kind: type[Any], key: Any) -> int:
        """Return the number of records of a kind with this key (`records.TALLIES`)."""
        return self.base.tally(kind).get(key, 0) + int(self.maps.get((kind, "tally"), _EMPTY).get(key, 0))

    def tally(self, kind: type[Any]) -> Mapping[Any, int]:
        """Return the number of records of a kind for each key."""
        counts = Counter(dict(self.base.tally(kind)))
        counts.update(dict(self.maps.get((kind, "tally"), _EMPTY)))
        return counts

    def due_items(self, kind: type[Any]) -> Iterator[tuple[datetime, int]]:
        """Yield the due time and the id of each waiting record, earliest first (`records.QUEUES`).

        Records of the base never wait.
        """
        for item in iterate_heap(self.maps.get((kind, "queue"))):
            if self._is_current(kind, item):
                yield item

    def _is_current(self, kind: type[Any], item: QueueItem) -> bool:
        """Return whether a queue item still has the due time of its record."""
        record = self.get(kind, item.id)
        return record is not None and getattr(record, QUEUES[kind]) == item.due


class Snapshot(Reader):
    """A view that never changes."""

    def __init__(self, base: BaseDataset, maps: dict[Any, Any], number: int | None = None) -> None:
        super().__init__(base, maps)
        self.caches: dict[Any, Any] = {}
        """Caches that readers keep with this root, such as filter results."""
        self.step_number = number
        """The number of the step that made it, if an event refers to it."""


class Transaction(Reader):
    """Uncommitted changes. They become visible to others as a root."""

    def __init__(self, root: Snapshot, now: datetime, number: int | None = None) -> None:
        super().__init__(root.base, dict(root.maps))
        self.start = root
        self.now = now
        self.step_number = number
        """The number of the step in its world."""
        self.changed_keys: dict[tuple[type[Any], int], None] = {}
        """The records that were added, changed or removed, in the order of their first write."""
        self.events: list[tuple[str, type[Any], int]] = []

    def new_id(self, kind: type[Any]) -> int:
        """Return the next free id of this kind."""
        next_ids = self.maps.get("next", _EMPTY)
        id_ = next_ids.get(kind) or self.base.next_id(kind)
        self.maps["next"] = next_ids.set(kind, id_ + 1)
        return cast("int", id_)

    def add(self, record: R) -> R:
        """Add a record that has a new id, and return it."""
        self._write(type(record), record.id, None, record)  # type: ignore[attr-defined]
        return record

    def change(self, record: R, **columns: Any) -> R:
        """Replace columns of the record's current version, and return the changed record."""
        kind = type(record)
        current: Any = self.get_existing(kind, record.id)  # type: ignore[attr-defined]
        changed: R = current._replace(**columns)
        if INDEXED_COLUMNS[kind].isdisjoint(columns):
            self._store(kind, current.id, changed)
        else:
            self._write(kind, current.id, current, changed)
        return changed

    def remove(self, record: Any) -> None:
        """Remove a record. Its id is not used again."""
        kind = type(record)
        self._write(kind, record.id, self.get_existing(kind, record.id), None)

    def replace(self, kind: type[Any], id_: int, record: Any | None) -> None:
        """Add, change or remove (None) the record with this id."""
        self._write(kind, id_, self.get(kind, id_), record)

    def queue_event(self, event_type: str, record: Any) -> None:
        """Queue an event for the hooks of this type. Its document is the record's at the commit."""
        self.events.append((event_type, type(record), record.id))

    def to_snapshot(self) -> Snapshot:
        """Return the root that these changes make."""
        return Snapshot(self.base, self.maps)

    def _write(self, kind: type[Any], id_: int, before: Any | None, after: Any | None) -> None:
        self._store(kind, id_, after)
        for relation, columns in RELATIONS.get(kind, {}).items():
            old, new = (_NO_KEY if record is None else relation_key(record, columns) for record in (before, after))
            if old != new:
                self._move(kind, relation, id_, old, new)
        self._update_tally(kind, before, after)
        self._update_queue(kind, before, after)

    def _store(self, kind: type[Any], id_: int, record: Any | None) -> None:
        self.changed_keys[kind, id_] = None
        changed = self.maps.get(kind, _EMPTY)
        if record is None and id_ >= self.base.next_id(kind):
            self.maps[kind] = changed.delete(id_) if id_ in changed else changed
        else:
            self.maps[kind] = changed.set(id_, REMOVED if record is None else record)

    def _move(self, kind: type[Any], relation: str, id_: int, old: Any, new: Any) -> None:
        """Move an id from its old key of a relation to its new key."""
        name = (kind, relation)
        changed = self.maps.get(name, _EMPTY)
        if old is not _NO_KEY:
            left = tuple(other for other in self.related(kind, relation, old) if other != id_)
            if left or self.base.related(kind, relation, old):
                changed = changed.set(old, left)
            elif old in changed:
                changed = changed.delete(old)
        if new is not _NO_KEY:
            ids = self.related(kind, relation, new)
            is_last = not ids or ids[-1] < id_
            changed = changed.set(new, (*ids, id_) if is_last else tuple(sorted((*ids, id_))))
        self.maps[name] = changed

    def _update_tally(self, kind: type[Any], before: Any | None, after: Any | None) -> None:
        if (columns := TALLIES.get(kind)) is None:
            return
        old, new = (None if record is None else relation_key(record, columns) for record in (before, after))
        if old == new:
            return
        counts = self.maps.get((kind, "tally"), _EMPTY)
        for key, difference in ((old, -1), (new, 1)):
            if key is not None:
                counts = counts.set(key, counts.get(key, 0) + difference)
        self.maps[kind, "tally"] = counts

    def _update_queue(self, kind: type[Any], before: Any | None, after: Any | None) -> None:
        """Push the record's new due time, and drop outdated items from the head of the queue."""
        if (column := QUEUES.get(kind)) is None:
            return
        old, due = (None if record is None else getattr(record, column) for record in (before, after))
        if old == due:
            return
        heap: QueueHeap | None = self.maps.get((kind, "queue"))
        if due is not None and after is not None:
            heap = merge_heaps(heap, QueueHeap(1, QueueItem(due, after.id), None, None))
        while heap is not None and not self._is_current(kind, heap.item):
            heap = merge_heaps(heap.left, heap.right)
        self.maps[kind, "queue"] = heap


def apply_changes(
    start: Snapshot, changes: Iterable[tuple[type[Any], int, Any]], next_ids: Mapping[type[Any], int]
) -> Snapshot:
    """Return the root that has these records (kind, id, record or `REMOVED`) and these next ids."""
    transaction = Transaction(start, UNDATED)
    for kind, id_, record in changes:
        transaction.replace(kind, id_, None if record is REMOVED else record)
    if next_ids:
        transaction.maps["next"] = transaction.maps.get("next", _EMPTY).update(next_ids)
    return transaction.to_snapshot()


# --- a persistent priority queue: a leftist heap ------------------------------------------------------------------


class QueueItem(NamedTuple):
    """A record that waits for its due time."""

    due: datetime
    id: int


class QueueHeap(NamedTuple):
    """A node of a leftist heap: its item is the smallest below it, and its right spine is the shortest."""

    rank: int
    item: QueueItem
    left: QueueHeap | None
    right: QueueHeap | None


def merge_heaps(one: QueueHeap | None, other: QueueHeap | None) -> QueueHeap | None:
    """Return a heap with the items of both, in logarithmic time. Neither of them changes."""
    if one is None or other is None:
        return one or other
    if other.item < one.item:
        one, other = other, one
    left, right = one.left, merge_heaps(one.right, other)
    if _rank(left) < _rank(right):
        left, right = right, left
    return QueueHeap(_rank(right) + 1, one.item, left, right)


def _rank(heap: QueueHeap | None) -> int:
    return 0 if heap is None else heap.rank


def iterate_heap(heap: QueueHeap | None) -> Iterator[QueueItem]:
    """Yield the items in ascending order, each distinct item once."""
    numbers = count()
    nodes = [] if heap is None else [(heap.item, next(numbers), heap)]
    last = None
    while nodes:
        item, _, node = heapq.heappop(nodes)
        if item != last:
            yield item
        last = item
        for child in (node.left, node.right):
            if child is not None:
                heapq.heappush(nodes, (child.item, next(numbers), child))
