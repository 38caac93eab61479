"""Find the records that a list query asks for, in the requested order.

The results for the base are cached with the base. For a world, the records that differ from the base are tested
again and merged into the base's result.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.api.filters.filter_set import LOOKUPS, Condition, Filter, ListQuery, Path
from emulator.core.records import (
    Address,
    Customer,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Record,
    RecordKind,
    Shipment,
    TransferItem,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)
from emulator.state.store import REMOVED, BaseDataset, Reader, Snapshot, follow_path, is_to_many

MAX_CACHED_RESULTS = 64
"""The number of results that are cached with one snapshot."""
MAX_CACHED_IDS = 2_000_000
"""The number of ids in the results that are cached with one base: eight bytes each."""
ASCENDING = ("id",)
NEWEST_FIRST = ("-id",)
CACHE_LOCK = threading.Lock()


def find_ids(snapshot: Snapshot, query: ListQuery) -> Sequence[int]:
    """Return the ids of the requested records, in the requested order. The result is cached with the snapshot."""
    key = (query.filters.kind, query.filters.order, query.conditions, query.sort)
    if (ids := snapshot.caches.get(key)) is None:
        ids = _find_ids(snapshot, query)
        if len(snapshot.caches) >= MAX_CACHED_RESULTS:
            snapshot.caches.clear()
        snapshot.caches[key] = ids
    return ids


def _find_ids(snapshot: Snapshot, query: ListQuery) -> Sequence[int]:
    kind, sort = query.filters.kind, query.sort or query.filters.order
    if not query.conditions and sort in (ASCENDING, NEWEST_FIRST):
        ids = snapshot.ids(kind)
        return ids if sort == ASCENDING else ids[::-1]
    return (_find_cached if kind in DEPENDENTS_BY_KIND else scan_records)(snapshot, query, sort)


def _changed_ids(snapshot: Snapshot, kind: RecordKind) -> set[int]:
    key = ("changed", kind)
    if (ids := snapshot.caches.get(key)) is None:
        ids = snapshot.caches[key] = changed_ids(snapshot, kind)
    return ids


def _find_cached(snapshot: Snapshot, query: ListQuery, sort: Sequence[str]) -> list[int]:
    """Return the base's result with the changed records replaced."""
    kind, terms = query.filters.kind, resolve_conditions(snapshot, query.conditions)
    cache, changed = query_cache_of(snapshot.base), _changed_ids(snapshot, kind)
    ids = cache.find(kind, terms, sort)
    if not changed:
        return ids
    merged = [id_ for id_ in ids if id_ not in changed]
    keys: dict[int, SortKey] = {}

    def key(id_: int) -> SortKey:
        return keys[id_] if id_ in keys else cache.key(kind, sort, id_)

    for id_ in changed:
        if (record := snapshot.get(kind, id_)) is not None and matches(snapshot, kind, record, terms):
            keys[id_] = record_key(snapshot, kind, record, sort)
            insort(merged, id_, key=key)
    return merged


def scan_records(snapshot: Snapshot, query: ListQuery, sort: Sequence[str]) -> list[int]:
    """Find the records by testing all of them. This suits lists that stay short."""
    kind, terms = query.filters.kind, resolve_conditions(snapshot, query.conditions)
    records = [record for record in snapshot.all(kind) if matches(snapshot, kind, record, terms)]
    return [record.id for record in sorted(records, key=lambda record: record_key(snapshot, kind, record, sort))]


class Comparison(NamedTuple):
    """A comparison of one column with a value."""

    column: str
    lookup: str
    value: Any


class Term(NamedTuple):
    """A condition whose values of reference data are resolved to ids."""

    comparisons: tuple[Comparison, ...]
    match_all: bool
    """Whether all comparisons must match; otherwise one must."""
    exclude: bool
    """Whether the matching records are left out."""


def resolve_conditions(reader: Reader, conditions: Sequence[Condition]) -> tuple[Term, ...]:
    """Return the conditions as terms, with the reader's reference data."""
    return tuple(
        Term(
            tuple(_comparison(reader, path, filter_, value) for path in filter_.paths),
            filter_.match_all,
            filter_.exclude,
        )
        for filter_, value in conditions
    )


def _comparison(reader: Reader, path: Path, filter_: Filter, value: Any) -> Comparison:
    lookup = path.lookup or filter_.lookup
    if path.kind is None:
        return Comparison(path.column, lookup, value)
    steps = path.tail.split(".")
    ids = frozenset(
        record.id
        for record in reader.all(path.kind)
        if _matches_any(follow_path(reader, path.kind, record, steps), lookup, value)
    )
    return Comparison(path.column, "in", ids)


def matches(reader: Reader, kind: RecordKind, record: Record, terms: Sequence[Term]) -> bool:
    """Return whether a record matches every term."""
    return all(_matches_term(reader, kind, record, term) for term in terms)


def _matches_term(reader: Reader, kind: RecordKind, record: Record, term: Term) -> bool:
    outcomes = (
        _matches_any(follow_path(reader, kind, record, column.split(".")), lookup, value)
        for column, lookup, value in term.comparisons
    )
    return (all(outcomes) if term.match_all else any(outcomes)) is not term.exclude


def _matches_any(candidates: Iterable[Any], lookup: str, value: Any) -> bool:
    compare = LOOKUPS[lookup]
    return any(candidate is not None and compare(candidate, value) for candidate in candidates)


SortKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Descending:
    """A value that sorts in descending order."""

    value: Any

    def __lt__(self, other: Descending) -> bool:
        return bool(other.value < self.value)


def sort_columns(sort: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the columns of an order and whether they descend.

    The newest of equal records comes first (assumed: a database does not define it).
    """
    for name in (*sort, *NEWEST_FIRST):
        yield name.removeprefix("-"), name.startswith("-")


def sort_key(sort: Sequence[str], value_of: Callable[[str], Any]) -> SortKey:
    """Return the sort key of a record. An empty value comes last, or first if descending, as in PostgreSQL."""
    parts: list[Any] = []
    for column, descends in sort_columns(sort):
        value = value_of(column)
        part = (value is None, value)
        parts.append(Descending(part) if descends else part)
    return tuple(parts)


def record_key(reader: Reader, kind: RecordKind, record: Record, sort: Sequence[str]) -> SortKey:
    return sort_key(sort, lambda column: next(follow_path(reader, kind, record, column.split(".")), None))


class QueryCache:
    """The columns of a base and the results of queries on it."""

    def __init__(self, base: BaseDataset) -> None:
        self._base = base
        self._lock = threading.RLock()
        self._ids: dict[RecordKind, tuple[int, ...]] = {}
        self._columns: dict[tuple[RecordKind, str], Sequence[Any]] = {}
        self._results: dict[Any, list[int]] = {}
        self._size = 0

    def find(self, kind: RecordKind, terms: Sequence[Term], sort: Sequence[str]) -> list[int]:
        """Return the ids of the base's records that match every term, in this order."""
        key = (kind, tuple(terms), tuple(sort))
        if (result := self._results.get(key)) is None:
            with self._lock:
                result = self._ordered(kind, self._matching(kind, terms), sort)
                self._keep(key, result)
        return result

    def key(self, kind: RecordKind, sort: Sequence[str], id_: int) -> SortKey:
        """Return the sort key of the base's record with this id."""
        position = bisect_left(self.ids(kind), id_)
        return sort_key(sort, lambda path: self.column(kind, path)[position])

    def ids(self, kind: RecordKind) -> tuple[int, ...]:
        """Return all ids of a kind. The results share these objects."""
        if (ids := self._ids.get(kind)) is None:
            ids = self._ids[kind] = tuple(self._base.ids(kind))
        return ids

    def column(self, kind: RecordKind, path: str) -> Sequence[Any]:
        """Return the values of a column, in the order of the ids."""
        if (column := self._columns.get((kind, path))) is None:
            with self._lock:
                column = self._columns[kind, path] = self._base.column(kind, path)
        return column

    def _matching(self, kind: RecordKind, terms: Sequence[Term]) -> Collection[int]:
        """Return the ids of the records that match every term, in any order."""
        id_sets = [self._matching_term(kind, term) for term in terms]
        return set.intersection(*id_sets) if id_sets else self.ids(kind)

    def _matching_term(self, kind: RecordKind, term: Term) -> set[int]:
        id_sets = [self._matching_comparison(kind, comparison) for comparison in term.comparisons]
        ids = set.intersection(*id_sets) if term.match_all else set[int]().union(*id_sets)
        return set(self.ids(kind)) - ids if term.exclude else ids

    def _matching_comparison(self, kind: RecordKind, comparison: Comparison) -> set[int]:
        path, lookup, expected = comparison
        compare, rows = LOOKUPS[lookup], zip(self.ids(kind), self.column(kind, path), strict=True)
        if is_to_many(kind, path):
            return {id_ for id_, values in rows if _matches_any(values, lookup, expected)}
        return {id_ for id_, value in rows if value is not None and compare(value, expected)}

    def _ordered(self, kind: RecordKind, ids: Collection[int], sort: Sequence[str]) -> list[int]:
        """Return the ids in this order: one stable sort for each column, the last one first."""
        if sort in (ASCENDING, NEWEST_FIRST):
            return sorted(ids, reverse=sort == NEWEST_FIRST)
        result = sorted(ids, reverse=True)
        for path, descends in reversed(list(sort_columns(sort))[:-1]):
            values = dict(zip(self.ids(kind), self.column(kind, path), strict=True))
            result.sort(key=lambda id_: ((value := values[id_]) is None, value), reverse=descends)
        return result

    def _keep(self, key: Any, result: list[int]) -> None:
        self._results[key] = result
        self._size += len(result)
        while self._size > MAX_CACHED_IDS and len(self._results) > 1:
            self._size -= len(self._results.pop(next(iter(self._results))))


def query_cache_of(base: BaseDataset) -> QueryCache:
    """Return the query cache that is kept with a base."""
    cache: QueryCache | None = base.caches.get(QueryCache)
    if cache is None:
        with CACHE_LOCK:
            cache = base.caches.setdefault(QueryCache, QueryCache(base))
    return cache


Dependents = Callable[[Reader, Record], Iterable[int]]


def own_id(_reader: Reader, record: Record) -> Iterable[int]:
    return (record.id,)


def package_ids(_reader: Reader, record: Record) -> Iterable[int]:
    return () if record.package is None else (record.package,)


def packages_of_order(reader: Reader, order: int) -> Iterable[int]:
    return reader.related(Package, "order", order)


PACKAGE_DEPENDENTS: dict[RecordKind, Dependents] = {
    Package: own_id,
    PackageItem: package_ids,
    Shipment: package_ids,
    Order: lambda reader, order: packages_of_order(reader, order.id),
    OrderItem: lambda reader, item: packages_of_order(reader, item.order),
    Customer: lambda reader, customer: [
        id_ for order in reader.related(Order, "customer", customer.id) for id_ in packages_of_order(reader, order)
    ],
    Address: lambda reader, address: reader.related(Package, "shipping_address", address.id),
}


def transfers_of_packages(dependents: Dependents) -> Dependents:
    """Return a function that finds the transfer orders of the dependent packages."""

    def transfers(reader: Reader, record: Record) -> Iterable[int]:
        packages = dependents(reader, record)
        return [id_ for package in packages for id_ in reader.related(TransferOrder, "package", package)]

    return transfers


def transfers_of_shipment(reader: Reader, shipment: Shipment) -> Iterable[int]:
    if shipment.transfer_order is not None:
        return (shipment.transfer_order,)
    return transfers_of_packages(package_ids)(reader, shipment)


TRANSFER_DEPENDENTS: dict[RecordKind, Dependents] = {
    **{kind: transfers_of_packages(PACKAGE_DEPENDENTS[kind]) for kind in (Package, Order, Customer)},
    TransferOrder: own_id,
    TransferItem: lambda _, item: (item.transfer_order,),
    Shipment: transfers_of_shipment,
}

DEPENDENTS_BY_KIND: dict[RecordKind, dict[RecordKind, Dependents]] = {
    Package: PACKAGE_DEPENDENTS,
    TransferOrder: TRANSFER_DEPENDENTS,
    PackageItem: {PackageItem: own_id},
    TransitionLog: {TransitionLog: own_id},
    WebhookEvent: {WebhookEvent: own_id},
}
"""Listed kind -> changed kind -> the dependent records. Reference data is not here: each query resolves its
conditions on reference data to a set of ids."""


def changed_ids(reader: Reader, kind: RecordKind) -> set[int]:
    """Return the ids of listed records whose values may differ from the base's."""
    ids: set[int] = set()
    for changed_kind, dependents in DEPENDENTS_BY_KIND[kind].items():
        for id_, record in reader.maps.get(changed_kind, {}).items():
            if record is not REMOVED:
                ids.update(dependents(reader, record))
            if dependents is not own_id and (before := reader.base.get(changed_kind, id_)) is not None:
                ids.update(dependents(reader, before))
    return ids
