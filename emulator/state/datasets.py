"""Immutable base datasets: the records that all worlds of one scenario share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol, TypeVar

from emulator.core.records import (
    OMITTED,
    REFERENCES,
    RELATIONS,
    TALLIES,
    Package,
    PackageItem,
    TransferItem,
    TransferOrder,
    relation_key,
)

R = TypeVar("R")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TO_MANY_STEPS: dict[tuple[type[Any], str], tuple[type[Any], str]] = {
    (Package, "items"): (PackageItem, "package"),
    (TransferOrder, "items"): (TransferItem, "transfer_order"),
}
"""Steps of a path that lead to several records: kind and name -> target kind and the relation that finds them."""


class BaseDataset(Protocol):
    """A dataset that never changes after it was built."""

    def get(self, kind: type[R], id_: int) -> R | None:
        """Return the record, or None."""

    def has(self, kind: type[Any], id_: int) -> bool:
        """Return whether the record exists. The cost does not depend on the number of records."""

    def ids(self, kind: type[Any]) -> Sequence[int]:
        """Return all ids of this kind, ascending."""

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        """Return the ids under this key of the relation, ascending."""

    def next_id(self, kind: type[Any]) -> int:
        """Return the first free id. It is greater than all ids of this kind."""

    def tally(self, kind: type[Any]) -> Mapping[Any, int]:
        """Return the number of records for each key (`records.TALLIES`)."""

    def column(self, kind: type[Any], path: str) -> Sequence[Any]:
        """Return the value at the end of a path for each record of a kind, in the order of the ids.

        The values compare as `comparable` returns them. A path to several records has a tuple for each record.
        """

    @property
    def caches(self) -> dict[Any, Any]:
        """Caches that readers keep with this dataset."""


class TableDataset:
    """A dataset that holds all its records in memory: an installation, recorded responses or a file."""

    def __init__(self, records: Mapping[type[Any], Mapping[int, Any]]) -> None:
        self._records = {kind: dict(sorted(table.items())) for kind, table in records.items()}
        self._ids = {kind: tuple(table) for kind, table in self._records.items()}
        self.caches: dict[Any, Any] = {}

    def get(self, kind: type[R], id_: int) -> R | None:
        table = self._records.get(kind)
        return None if table is None else table.get(id_)

    def has(self, kind: type[Any], id_: int) -> bool:
        return id_ in self._records.get(kind, ())

    def ids(self, kind: type[Any]) -> Sequence[int]:
        return self._ids.get(kind, ())

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        return self._relations.get((kind, relation), {}).get(key, ())

    def next_id(self, kind: type[Any]) -> int:
        ids = self.ids(kind)
        return ids[-1] + 1 if ids else 1

    def tally(self, kind: type[Any]) -> Mapping[Any, int]:
        return self._tallies[kind]

    def column(self, kind: type[Any], path: str) -> Sequence[Any]:
        return read_column(self, kind, path)

    @cached_property
    def _tallies(self) -> dict[type[Any], Counter[Any]]:
        return {kind: count_keys(self, kind) for kind in TALLIES}

    @cached_property
    def _relations(self) -> dict[tuple[type[Any], str], dict[Any, tuple[int, ...]]]:
        return group_relations(self._records)


def group_relations(
    tables: Mapping[type[Any], Mapping[int, Any]],
) -> dict[tuple[type[Any], str], dict[Any, tuple[int, ...]]]:
    """Return the ids of the records for each relation and key, in the order of the tables."""
    return {
        (kind, relation): _group(table.values(), columns)
        for kind, table in tables.items()
        for relation, columns in RELATIONS.get(kind, {}).items()
    }


def _group(records: Iterable[Any], columns: tuple[str, ...]) -> dict[Any, tuple[int, ...]]:
    groups: dict[Any, list[int]] = {}
    for record in records:
        groups.setdefault(relation_key(record, columns), []).append(record.id)
    return {key: tuple(ids) for key, ids in groups.items()}


def count_keys(base: BaseDataset, kind: type[Any]) -> Counter[Any]:
    """Count the records of a kind by the columns in `TALLIES`."""
    columns = [base.column(kind, name) for name in TALLIES[kind]]
    return Counter(columns[0] if len(columns) == 1 else zip(*columns, strict=True))


# --- values along a path ------------------------------------------------------------------------------------------


class RecordSource(Protocol):
    """A source of records: a base or a view."""

    def get(self, kind: type[R], id_: int) -> R | None: ...
    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]: ...


def follow_path(reader: RecordSource, kind: type[Any], record: Any, path: Sequence[str]) -> Iterator[Any]:
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


def read_column(base: BaseDataset, kind: type[Any], path: str) -> list[Any]:
    """Build a column by following the path from every record."""
    steps = path.split(".")
    values = (tuple(follow_path(base, kind, base.get(kind, id_), steps)) for id_ in base.ids(kind))
    return list(values) if is_to_many(kind, path) else [value for (value,) in values]


def is_to_many(kind: type[Any], path: str) -> bool:
    """Return whether a path leads to several values of one record."""
    return (kind, path.partition(".")[0]) in TO_MANY_STEPS


def to_comparable(value: Any) -> Any:
    """Return a value as filters compare it: times as microseconds since 1970."""
    if isinstance(value, datetime):
        return to_microseconds(value)
    return None if value is OMITTED else value


def to_microseconds(time: datetime) -> int:
    """Return the microseconds since 1970."""
    return (time - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the time that is this many microseconds after 1970 began."""
    return EPOCH + microseconds * MICROSECOND
