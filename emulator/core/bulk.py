"""Many changes put on a root at once: what thousands of transactions would come to, without going through them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from immutables import Map

from emulator.core import queues
from emulator.core.records import QUEUES, RELATIONS, TALLIES, relation_key
from emulator.core.store import REMOVED, Root

Changes = Mapping[type[Any], Mapping[int, Any]]
"""Kind -> id -> the record as it is now, or `REMOVED`."""
NO_MAP: Map[Any, Any] = Map()


def with_changes(start: Root, changes: Changes, next_ids: Mapping[type[Any], int]) -> Root:
    """Give the root that has these records in place of the start's, and goes on counting ids from there."""
    maps = dict(start.maps)
    for kind, records in changes.items():
        maps[kind] = updated(maps, kind, records)
        added = [id_ for id_ in sorted(records) if records[id_] is not REMOVED and not start.has(kind, id_)]
        removed = [id_ for id_, record in records.items() if record is REMOVED]
        if added:
            first = start.first_added(kind) + len(maps.get((kind, "added"), NO_MAP))
            maps[kind, "added"] = updated(maps, (kind, "added"), dict(enumerate(added, first)))
        if removed:
            maps[kind, "removed"] = updated(maps, (kind, "removed"), dict.fromkeys(removed, True))
        for relation, columns in RELATIONS.get(kind, {}).items():
            if moved := regrouped(start, kind, relation, columns, records):
                maps[kind, relation] = updated(maps, (kind, relation), moved)
        if (columns := TALLIES.get(kind, ())) and (counts := recounted(start, kind, columns, records)):
            maps[kind, "tally"] = updated(maps, (kind, "tally"), counts)
        if kind in QUEUES:
            maps[kind, "queue"] = requeued(start, kind, records)
    if next_ids:
        maps["next"] = updated(maps, "next", next_ids)
    return Root(start.base, maps)


def updated(maps: Mapping[Any, Map[Any, Any]], name: Any, entries: Mapping[Any, Any]) -> Map[Any, Any]:
    changed = maps.get(name, NO_MAP).mutate()
    for key, value in entries.items():
        changed[key] = value
    return changed.finish()


def moves(
    start: Root, kind: type[Any], columns: tuple[str, ...], records: Mapping[int, Any]
) -> Iterable[tuple[int, Any, Any]]:
    """Give the records whose key changed: id, the key before and the key now, each in a tuple of its own or none."""
    for id_, record in records.items():
        before = start.get(kind, id_)
        old = () if before is None else (relation_key(before, columns),)
        new = () if record is REMOVED else (relation_key(record, columns),)
        if old != new:
            yield id_, old, new


def regrouped(
    start: Root, kind: type[Any], relation: str, columns: tuple[str, ...], records: Mapping[int, Any]
) -> dict[Any, tuple[int, ...]]:
    """Give what a relation finds now, under each key for which that changed."""
    found: dict[Any, set[int]] = {}
    for id_, old, new in moves(start, kind, columns, records):
        for key in (*old, *new):
            if key not in found:
                found[key] = set(start.related(kind, relation, key))
        for key in old:
            found[key].discard(id_)
        for key in new:
            found[key].add(id_)
    return {key: tuple(sorted(ids)) for key, ids in found.items()}


def recounted(start: Root, kind: type[Any], columns: tuple[str, ...], records: Mapping[int, Any]) -> dict[Any, int]:
    """Give how many more or fewer there are than in the base, under each key for which that changed."""
    more: Counter[Any] = Counter()
    for _, old, new in moves(start, kind, columns, records):
        more.subtract(old)
        more.update(new)
    before = start.maps.get((kind, "tally"), NO_MAP)
    return {key: before.get(key, 0) + count for key, count in more.items()}


def requeued(start: Root, kind: type[Any], records: Mapping[int, Any]) -> queues.Queue:
    """Give what waits for its time now."""
    queue: queues.Queue = start.maps.get((kind, "queue"), NO_MAP)
    for id_, old, new in moves(start, kind, (QUEUES[kind],), records):
        for due in old:
            queue = queue if due is None else queues.without(queue, due, id_)
        for due in new:
            queue = queue if due is None else queues.having(queue, due, id_)
    return queue


def by_kind(records: Iterable[tuple[type[Any], int, Any]]) -> dict[type[Any], dict[int, Any]]:
    """Give records by kind and id."""
    found: dict[type[Any], dict[int, Any]] = defaultdict(dict)
    for kind, id_, record in records:
        found[kind][id_] = record
    return dict(found)
