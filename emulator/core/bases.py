"""What lies below the worlds of a scenario: records that never change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol, TypeVar

from emulator.core.columns import Column, gathered
from emulator.core.records import RELATIONS, TALLIES, relation_key

R = TypeVar("R")


class Base(Protocol):
    """What lies below: the same for every world of a scenario, never changed after it was made."""

    def get(self, kind: type[R], id_: int) -> R | None:
        """Give the record, or None."""

    def has(self, kind: type[Any], id_: int) -> bool:
        """Tell whether there is such a record; to ask for one costs the same however many there are."""

    def ids(self, kind: type[Any]) -> Sequence[int]:
        """Give the ids of this kind, ascending."""

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        """Give the ids that the relation finds under the key, ascending."""

    def next_id(self, kind: type[Any]) -> int:
        """Give the first id that is free."""

    def tally(self, kind: type[Any]) -> Mapping[Any, int]:
        """Give how many records of a kind there are under each key (`records.TALLIES`)."""

    def column(self, kind: type[Any], path: str) -> Column:
        """Give the values that a path leads to, of all records of a kind in the order of their ids."""

    @property
    def derived(self) -> dict[Any, Any]:
        """What readers made from the base and keep with it: indexes, results."""


class TableBase:
    """A base whose records are all there: an installation, recorded answers, a file."""

    def __init__(self, records: Mapping[type[Any], Mapping[int, Any]]) -> None:
        self._records = {kind: dict(sorted(table.items())) for kind, table in records.items()}
        self._ids = {kind: tuple(table) for kind, table in self._records.items()}
        self.derived: dict[Any, Any] = {}

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

    def column(self, kind: type[Any], path: str) -> Column:
        return gathered(self, kind, self.ids(kind), path)

    @cached_property
    def _tallies(self) -> dict[type[Any], Counter[Any]]:
        return {
            kind: Counter(relation_key(record, columns) for record in self._records.get(kind, {}).values())
            for kind, columns in TALLIES.items()
        }

    @cached_property
    def _relations(self) -> dict[tuple[type[Any], str], dict[Any, tuple[int, ...]]]:
        return {
            (kind, relation): group(self._records[kind].values(), columns)
            for kind, relations in RELATIONS.items()
            if kind in self._records
            for relation, columns in relations.items()
        }


def group(records: Iterable[Any], columns: tuple[str, ...]) -> dict[Any, tuple[int, ...]]:
    """Give the ids of the records under the key of these columns, in the order given."""
    found: dict[Any, list[int]] = {}
    for record in records:
        found.setdefault(relation_key(record, columns), []).append(record.id)
    return {key: tuple(ids) for key, ids in found.items()}
