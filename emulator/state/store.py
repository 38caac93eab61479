"""The records of one world: an immutable base dataset, and the world's changes on top.

All worlds of one scenario share the base dataset. A snapshot is a reader that never changes. A transaction collects
changes and then becomes the next snapshot. The changes are persistent maps. Therefore readers need no lock, and a
snapshot costs no more than a reference.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from emulator.core.records import (
    INDEXES,
    OMITTED,
    QUEUES,
    REFERENCES,
    RELATIONS,
    TALLIES,
    UNDATED,
    ColumnValue,
    Key,
    KindIndexes,
    Package,
    PackageItem,
    Record,
    RecordKind,
    TransferItem,
    TransferOrder,
    indexes_of,
    replace_columns,
)
from emulator.state.persistent_map import Ids, PersistentMap, add_id, remove_id

R = TypeVar("R")
Relation: TypeAlias = tuple[RecordKind, str]
"""A kind, and the name of one of its relations."""
RecordTables: TypeAlias = Mapping[RecordKind, Mapping[int, Record]]
"""Kind -> id -> record."""
Caches: TypeAlias = dict[Any, Any]
"""Caches of results that depend on nothing but the records, such as filter results."""


class ChangeMaps(dict[Any, Any]):
    """Changes to a base dataset. Caches refer to it weakly, so that they do not keep the records of a world.

    kind -> id -> record or `REMOVED`; (kind, relation) -> key -> ids; (kind, "tally") -> key -> difference to the
    base's count; (kind, "queue") -> `QueueHeap`; "next" -> kind -> next id.
    """

    __slots__ = ("__weakref__",)


_EMPTY: PersistentMap[Any, Any] = PersistentMap()
_NO_KEY = object()
REMOVED = object()
"""Replaces a record of the base that the world removed."""
MICROSECOND = timedelta(microseconds=1)
TO_MANY_STEPS: dict[Relation, Relation] = {
    (Package, "items"): (PackageItem, "package"),
    (TransferOrder, "items"): (TransferItem, "transfer_order"),
}
"""Steps of a path that lead to several records: kind and name -> target kind and the relation that finds them."""


class BaseDataset(Protocol):
    """A dataset that never changes after it was built."""

    def get(self, kind: type[R], id_: int) -> R | None:
        """Return the record, or None."""

    def has(self, kind: RecordKind, id_: int) -> bool:
        """Return whether the record exists. The cost does not depend on the number of records."""

    def ids(self, kind: RecordKind) -> Sequence[int]:
        """Return all ids of this kind, ascending."""

    def related(self, kind: RecordKind, relation: str, key: Key) -> tuple[int, ...]:
        """Return the ids under this key of the relation, ascending."""

    def next_id(self, kind: RecordKind) -> int:
        """Return the first free id. It is greater than all ids of this kind."""

    def tally(self, kind: RecordKind) -> Mapping[Key, int]:
        """Return the number of records for each key (`TALLIES`)."""

    def column(self, kind: RecordKind, path: str) -> Sequence[ColumnValue]:
        """Return the value at the end of a path for each record of a kind, in the order of the ids.

        The values compare as `to_comparable` returns them. A path to several records has a tuple for each record.
        """

    @property
    def caches(self) -> Caches:
        """Results that readers cache with this dataset."""


class TableDataset:
    """A dataset that holds all its records in memory: an installation, recorded responses or a file."""

    def __init__(self, records: RecordTables) -> None:
        self._records = {kind: dict(sorted(table.items())) for kind, table in records.items()}
        self._ids = {kind: tuple(table) for kind, table in self._records.items()}
        self.caches: Caches = {}

    def get(self, kind: type[R], id_: int) -> R | None:
        return self._records.get(kind, {}).get(id_)

    def has(self, kind: RecordKind, id_: int) -> bool:
        return id_ in self._records.get(kind, ())

    def ids(self, kind: RecordKind) -> Sequence[int]:
        return self._ids.get(kind, ())

    def related(self, kind: RecordKind, relation: str, key: Key) -> tuple[int, ...]:
        return self._relations.get((kind, relation), {}).get(key, ())

    def next_id(self, kind: RecordKind) -> int:
        ids = self.ids(kind)
        return ids[-1] + 1 if ids else 1

    def tally(self, kind: RecordKind) -> Mapping[Key, int]:
        return self._tallies[kind]

    def column(self, kind: RecordKind, path: str) -> Sequence[ColumnValue]:
        return read_column(self, kind, path)

    @cached_property
    def _tallies(self) -> dict[RecordKind, Counter[Key]]:
        return {kind: count_keys(self, kind) for kind in TALLIES}

    @cached_property
    def _relations(self) -> dict[Relation, dict[Key, tuple[int, ...]]]:
        return group_relations(self._records)


def group_relations(tables: RecordTables) -> dict[Relation, dict[Key, tuple[int, ...]]]:
    """Return the ids of the records for each relation and key, in the order of the tables."""
    return {
        (kind, relation): _group(table.values(), columns)
        for kind, table in tables.items()
        for relation, columns in RELATIONS.get(kind, {}).items()
    }


def _group(records: Iterable[Record], columns: tuple[str, ...]) -> dict[Key, tuple[int, ...]]:
    groups: dict[Key, list[int]] = {}
    key_of = attrgetter(*columns)
    for record in records:
        groups.setdefault(key_of(record), []).append(record.id)
    return {key: tuple(ids) for key, ids in groups.items()}


def count_keys(base: BaseDataset, kind: RecordKind) -> Counter[Key]:
    """Count the records of a kind by the columns in `TALLIES`."""
    columns = [base.column(kind, name) for name in TALLIES[kind]]
    return Counter(columns[0] if len(columns) == 1 else zip(*columns, strict=True))


def follow_path(
    reader: BaseDataset | Reader, kind: RecordKind, record: Record, path: Sequence[str]
) -> Iterator[ColumnValue]:
    """Yield the values at the end of a path of references; None where a reference is empty."""
    step, rest = path[0], path[1:]
    if (target := TO_MANY_STEPS.get((kind, step))) is not None:
        item_kind, relation = target
        for id_ in reader.related(item_kind, relation, record.id):
            yield from follow_path(reader, item_kind, reader.get(item_kind, id_), rest)
        return
    value = getattr(record, step)
    if not rest:
        yield to_comparable(value)
    elif value is None or (other := reader.get(other_kind := REFERENCES[kind][step], value)) is None:
        yield None
    else:
        yield from follow_path(reader, other_kind, other, rest)


def read_column(base: BaseDataset, kind: RecordKind, path: str) -> list[ColumnValue]:
    """Build a column by following the path from every record."""
    steps = path.split(".")
    values = (tuple(follow_path(base, kind, base.get(kind, id_), steps)) for id_ in base.ids(kind))
    return list(values) if is_to_many(kind, path) else [value for (value,) in values]


def is_to_many(kind: RecordKind, path: str) -> bool:
    """Return whether a path leads to several values of one record."""
    return (kind, path.partition(".")[0]) in TO_MANY_STEPS


def to_comparable(value: ColumnValue) -> ColumnValue:
    """Return a value as filters compare it: times as microseconds since 1970."""
    if isinstance(value, datetime):
        return to_microseconds(value)
    return None if value is OMITTED else value


def to_microseconds(time: datetime) -> int:
    """Return the microseconds since 1970."""
    return (time - UNDATED) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the time that is this many microseconds after 1970 began."""
    return UNDATED + microseconds * MICROSECOND


class Reader:
    """Read access to the records of a base with changes on top."""

    base: BaseDataset
    maps: ChangeMaps

    def get(self, kind: type[R], id_: int) -> R | None:
        """Return the record, or None if there is no record with this id."""
        changed = self.maps.get(kind)
        if changed is not None and (record := changed.get(id_)) is not None:
            return None if record is REMOVED else record
        return self.base.get(kind, id_)

    def has(self, kind: RecordKind, id_: int) -> bool:
        """Return whether the record exists."""
        changed = self.maps.get(kind)
        if changed is not None and (record := changed.get(id_)) is not None:
            return record is not REMOVED
        return self.base.has(kind, id_)

    def get_existing(self, kind: type[R], id_: int) -> R:
        """Return the record that a reference points to. `LookupError` if it does not exist."""
        changed = self.maps.get(kind)
        record = None if changed is None else changed.get(id_)
        if record is None:
            record = self.base.get(kind, id_)
        if record is None or record is REMOVED:
            raise LookupError(f"no {kind.__name__} has the id {id_}")
        return record

    def ids(self, kind: RecordKind) -> Sequence[int]:
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

    def added_ids(self, kind: RecordKind) -> list[int]:
        """Return the ids of the records that are not in the base, ascending."""
        first = self.base.next_id(kind)
        return sorted(id_ for id_ in self.maps.get(kind, ()) if id_ >= first)

    def all(self, kind: type[R]) -> Iterator[R]:
        """Iterate over all records of this kind, by id."""
        return (self.get_existing(kind, id_) for id_ in self.ids(kind))

    def related(self, kind: RecordKind, relation: str, key: Key) -> Ids:
        """Return the ids under a key of a relation, ascending. `LookupError` for an unknown relation."""
        changed = self.maps.get((kind, relation))
        if changed is not None and (ids := changed.get(key)) is not None:
            return ids  # type: ignore[no-any-return]
        if relation not in RELATIONS.get(kind, ()):
            raise LookupError(f"{kind.__name__} has no relation {relation!r}")
        return self.base.related(kind, relation, key)

    def find(self, kind: type[R], relation: str, key: Key) -> list[R]:
        """Return the records under a key of a relation, by id."""
        return [self.get_existing(kind, id_) for id_ in self.related(kind, relation, key)]

    def latest(self, kind: type[R], relation: str, key: Key) -> Iterator[R]:
        """Iterate over the same records in descending order of their ids."""
        return (self.get_existing(kind, id_) for id_ in reversed(self.related(kind, relation, key)))

    def count(self, kind: RecordKind, key: Key) -> int:
        """Return the number of records of a kind with this key (`TALLIES`)."""
        return self.base.tally(kind).get(key, 0) + int(self.maps.get((kind, "tally"), _EMPTY).get(key, 0))

    def tally(self, kind: RecordKind) -> Mapping[Key, int]:
        """Return the number of records of a kind for each key."""
        counts = Counter(dict(self.base.tally(kind)))
        counts.update(dict(self.maps.get((kind, "tally"), _EMPTY)))
        return counts

    def due_items(self, kind: RecordKind) -> Iterator[tuple[datetime, int]]:
        """Yield the due time and the id of each waiting record, earliest first (`QUEUES`).

        Records of the base never wait.
        """
        for item in iterate_heap(self.maps.get((kind, "queue"))):
            if self._is_current(kind, item):
                yield item

    def _is_current(self, kind: RecordKind, item: QueueItem) -> bool:
        """Return whether a queue item still has the due time of its record."""
        record = self.get(kind, item.id)
        return record is not None and getattr(record, QUEUES[kind]) == item.due


class Snapshot(Reader):
    """The immutable state of all records."""

    def __init__(self, base: BaseDataset, maps: dict[Any, Any], number: int | None = None) -> None:
        self.base = base
        self.maps = ChangeMaps(maps) if type(maps) is dict else maps  # type: ignore[assignment]
        self.caches: Caches = {}
        self.step_number = number
        """Number of the step that created it, if an event refers to it."""


class Transaction(Reader):
    """Uncommitted changes. Other readers see them once they are a snapshot of the world."""

    def __init__(self, start: Snapshot, now: datetime, number: int | None = None) -> None:
        self.base, self.maps = start.base, ChangeMaps(start.maps)
        self.start = start
        self.now = now
        self.step_number = number
        """Number of the step in its world."""
        self.changed_keys: dict[tuple[RecordKind, int], None] = {}
        """The records that were added, changed or removed, in the order of their first write."""
        self.events: list[tuple[str, Record]] = []

    def new_id(self, kind: RecordKind) -> int:
        """Return the next free id of this kind."""
        next_ids: dict[RecordKind, int] = self.maps.get("next", {})
        id_ = next_ids.get(kind) or self.base.next_id(kind)
        self.maps["next"] = {**next_ids, kind: id_ + 1}
        return id_

    def add(self, record: R) -> R:
        """Add a record that has a new id, and return it."""
        self._write(type(record), record.id, None, record, INDEXES[type(record)])  # type: ignore[attr-defined]
        return record

    def change(self, record: R, **columns: ColumnValue) -> R:
        """Replace columns of the record's current version, and return the changed record."""
        kind = type(record)
        current: Record = self.get_existing(kind, record.id)  # type: ignore[attr-defined]
        changed: R = replace_columns(current, columns)
        self._write(kind, current.id, current, changed, indexes_of(kind, tuple(columns)))  # type: ignore[arg-type]
        return changed

    def remove(self, record: Record) -> None:
        """Remove a record. Its id is not used again."""
        kind = type(record)
        self._write(kind, record.id, self.get_existing(kind, record.id), None, INDEXES[kind])

    def replace(self, kind: RecordKind, id_: int, record: Record | None) -> None:
        """Add, change or remove (None) the record with this id."""
        self._write(kind, id_, self.get(kind, id_), record, INDEXES[kind])

    def queue_event(self, event_type: str, record: Record) -> None:
        """Queue an event for the hooks of this type. Its document is the record's at the commit."""
        self.events.append((event_type, record))

    def to_snapshot(self) -> Snapshot:
        """Return the snapshot that has these changes."""
        return Snapshot(self.base, self.maps)

    def _write(self, kind: RecordKind, id_: int, before: Record, after: Record, indexes: KindIndexes) -> None:
        """Store a record, and update the indexes that the change can affect. None: there is no record."""
        self._store(kind, id_, after)
        for relation, key_of in indexes.relations:
            old = _NO_KEY if before is None else key_of(before)
            new = _NO_KEY if after is None else key_of(after)
            if old != new:
                self._move(relation, id_, old, new)
        if (group_of := indexes.tally) is not None:
            self._update_tally(kind, before and group_of(before), after and group_of(after))
        if (due_of := indexes.queue) is not None:
            self._update_queue(kind, id_, before and due_of(before), after and due_of(after))

    def _store(self, kind: RecordKind, id_: int, record: Record | None) -> None:
        self.changed_keys[kind, id_] = None
        changed = self.maps.get(kind, _EMPTY)
        if record is None and id_ >= self.base.next_id(kind):
            self.maps[kind] = changed.delete(id_) if id_ in changed else changed
        else:
            self.maps[kind] = changed.put(id_, REMOVED if record is None else record)

    def _move(self, name: Relation, id_: int, old: Key, new: Key) -> None:
        """Move an id from its old key of a relation to its new key."""
        changed = self.maps.get(name, _EMPTY)
        if old is not _NO_KEY:
            left = remove_id(self.related(*name, old), id_)
            if left or self.base.related(*name, old):
                changed = changed.put(old, left)
            elif old in changed:
                changed = changed.delete(old)
        if new is not _NO_KEY:
            ids = changed.get(new)
            if ids is None:
                ids = self.base.related(*name, new)
            changed = changed.put(new, add_id(ids, id_))
        self.maps[name] = changed

    def _update_tally(self, kind: RecordKind, old: Key | None, new: Key | None) -> None:
        if old == new:
            return
        counts = self.maps.get((kind, "tally"), _EMPTY)
        if old is not None:
            counts = counts.put(old, counts.get(old, 0) - 1)
        if new is not None:
            counts = counts.put(new, counts.get(new, 0) + 1)
        self.maps[kind, "tally"] = counts

    def _update_queue(self, kind: RecordKind, id_: int, old: datetime | None, due: datetime | None) -> None:
        """Push the record's new due time, and drop outdated items from the head of the queue."""
        if old == due:
            return
        heap: QueueHeap | None = self.maps.get((kind, "queue"))
        if due is not None:
            heap = merge_heaps(heap, QueueHeap(1, QueueItem(due, id_), None, None))
        while heap is not None and not self._is_current(kind, heap.item):
            heap = merge_heaps(heap.left, heap.right)
        self.maps[kind, "queue"] = heap


def apply_changes(
    start: Snapshot, changes: Iterable[tuple[RecordKind, int, Record]], next_ids: Mapping[RecordKind, int]
) -> Snapshot:
    """Return the snapshot that has these records (kind, id, record or `REMOVED`) and these next ids."""
    transaction = Transaction(start, UNDATED)
    for kind, id_, record in changes:
        transaction.replace(kind, id_, None if record is REMOVED else record)
    if next_ids:
        transaction.maps["next"] = {**transaction.maps.get("next", {}), **next_ids}
    return transaction.to_snapshot()


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
