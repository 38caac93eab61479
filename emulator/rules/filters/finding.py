"""Which records a caller wants, in which order.

What a query finds in the base is kept with the base; a world adds what it changed, record by record. So a query costs
in proportion to what changed, once somebody has asked it of any world of the scenario.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from emulator.core.bases import Base
from emulator.core.columns import Column
from emulator.core.store import Root
from emulator.rules.filters.changes import LEADS, changed
from emulator.rules.filters.index import CycleIndex, Index, Places, index_of
from emulator.rules.filters.order import Key, key_of, record_key, sorted_places
from emulator.rules.filters.spliced import Chosen, Spliced
from emulator.rules.filters.table import Wanted
from emulator.rules.filters.terms import Part, Term, meets_all, terms

KEPT_RESULTS = 64
"""Results kept with one root."""
KEPT_PLACES = 4_000_000
"""Places that the results kept with one base may have together: four bytes each."""
ASCENDING = ("id",)
NEWEST_FIRST = ("-id",)
SETTING_UP = threading.Lock()


def find(root: Root, wanted: Wanted) -> Sequence[int]:
    """Give the ids of what is wanted, in the order that is wanted; the same as before if the root is the same."""
    key = (wanted.filters.kind, wanted.filters.order, wanted.conditions, wanted.sort)
    if (found := root.derived.get(key)) is None:
        found = found_in(root, wanted)
        if len(root.derived) >= KEPT_RESULTS:
            root.derived.clear()
        root.derived[key] = found
    return found


def found_in(root: Root, wanted: Wanted) -> Sequence[int]:
    kind, sort = wanted.filters.kind, wanted.sort or wanted.filters.order
    if not wanted.conditions and sort in (ASCENDING, NEWEST_FIRST):
        return root.ids(kind) if sort == ASCENDING else Backwards(root.ids(kind))
    if kind not in LEADS:
        return scanned(root, wanted, sort)
    query = terms(root, wanted.conditions)
    ids = root.base.ids(kind)
    indexes = indexes_of(root.base)
    # Newest first is kept as oldest first and read backwards: the places of an index ascend.
    ascending = ASCENDING if sort == NEWEST_FIRST else sort
    places = indexes.query(kind, query, ascending)
    found = spliced(root, kind, query, ascending, Chosen(ids, places), indexes)
    return Backwards(found) if sort == NEWEST_FIRST else found


def scanned(root: Root, wanted: Wanted, sort: Sequence[str]) -> list[int]:
    """Look at every record: for lists that stay short."""
    kind = wanted.filters.kind
    query = terms(root, wanted.conditions)
    records = [record for record in root.all(kind) if meets_all(root, kind, record, query)]
    return [record.id for record in sorted(records, key=lambda record: record_key(root, kind, record, sort))]


def spliced(  # noqa: PLR0913 - a query, its base's answer, and what that is made of
    root: Root, kind: type[Any], query: Sequence[Term], sort: Sequence[str], found: Chosen, indexes: Indexes
) -> Sequence[int]:
    """Give what the base has, with what the world changed taken out or put in where it belongs now."""
    out: list[int] = []
    into: list[tuple[Key, int]] = []
    base_ids = root.base.ids(kind)
    places, base_key = found.places, indexes.keys(kind, sort)
    for id_ in changed_ids(root, kind):
        if (place := place_of(base_ids, id_)) is not None and is_at(
            places, index := bisect_left(places, base_key(place), key=base_key), place
        ):
            out.append(index)
        if (record := root.get(kind, id_)) is not None and meets_all(root, kind, record, query):
            into.append((record_key(root, kind, record, sort), id_))
    if not out and not into:
        return found
    into.sort()
    return Spliced(found, out, [(bisect_left(places, key, key=base_key), id_) for key, id_ in into])


def is_at(places: Places, index: int, place: int) -> bool:
    return index < len(places) and places[index] == place


def changed_ids(root: Root, kind: type[Any]) -> set[int]:
    """Give the ids that may have changed since the base, found once for each root."""
    key = ("changed", kind)
    if (found := root.derived.get(key)) is None:
        found = root.derived[key] = changed(root, kind)
    return found


def place_of(ids: Sequence[int], id_: int) -> int | None:
    at = bisect_left(ids, id_)
    return at if at < len(ids) and ids[at] == id_ else None


class Backwards(Sequence[int]):
    """A sequence read from its end."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.ids[len(self) - 1 - index % len(self)]


class Indexes:
    """The columns of a base, their indexes, and what queries found: made when they are first asked for."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._lock = threading.RLock()
        self._columns: dict[tuple[type[Any], str], Column] = {}
        self._indexes: dict[tuple[type[Any], str], Index | CycleIndex] = {}
        self._found: dict[Any, Places] = {}
        self._size = 0

    def query(self, kind: type[Any], query: Sequence[Term], sort: Sequence[str]) -> Places:
        """Give the places of the base's records that meet every term, in this order."""
        key = (kind, tuple(query), tuple(sort))
        if (found := self._found.get(key)) is None:
            with self._lock:
                found = self._ordered(kind, self._places(kind, query), sort)
                self._keep(key, found)
        return found

    def _places(self, kind: type[Any], query: Sequence[Term]) -> Places:
        everything = range(len(self._base.ids(kind)))
        found = sorted((self._term(kind, term, everything) for term in query), key=len)
        if len(found) <= 1:
            return found[0] if found else everything
        common = set(found[0])
        for other in found[1:]:
            common.intersection_update(other)
        return array("I", sorted(common))

    def _term(self, kind: type[Any], term: Term, everything: range) -> Places:
        parts = [self._part(kind, part) for part in term.parts]
        if len(parts) == 1:
            found = parts[0]
        elif term.all:
            found = array("I", sorted(set(parts[0]).intersection(*parts[1:])))
        else:
            found = array("I", sorted(set().union(*parts)))
        if not term.exclude:
            return found
        return array("I", sorted(set(everything).difference(found))) if found else everything

    def _part(self, kind: type[Any], part: Part) -> Places:
        key = (kind, part.column)
        if (index := self._indexes.get(key)) is None:
            index = self._indexes[key] = index_of(self.column(kind, part.column))
        return index.find(part.lookup, part.wanted)

    def _ordered(self, kind: type[Any], places: Places, sort: Sequence[str]) -> Places:
        if sort == ASCENDING:
            return places
        return array("I", sorted_places(places, sort, lambda name: self.value(kind, name)))

    def _keep(self, key: Any, found: Places) -> None:
        self._found[key] = found
        self._size += len(found)
        while self._size > KEPT_PLACES and len(self._found) > 1:
            self._size -= len(self._found.pop(next(iter(self._found))))

    def column(self, kind: type[Any], path: str) -> Column:
        key = (kind, path)
        if (column := self._columns.get(key)) is None:
            with self._lock:
                column = self._columns[key] = self._base.column(kind, path)
        return column

    def value(self, kind: type[Any], path: str) -> Callable[[int], Any]:
        """Give what gives the value at a place."""
        column = self.column(kind, path)
        values, null = column.values, column.null
        if null is None:
            return values.__getitem__
        return lambda place: None if (value := values[place]) == null else value

    def keys(self, kind: type[Any], sort: Sequence[str]) -> Callable[[int], Key]:
        """Give what gives the key of the base's record at a place."""
        return lambda place: key_of(sort, lambda path: self.value(kind, path)(place))


def indexes_of(base: Base) -> Indexes:
    """Give the indexes kept with a base."""
    found: Indexes | None = base.derived.get(Indexes)
    if found is None:
        with SETTING_UP:
            found = base.derived.setdefault(Indexes, Indexes(base))
    return found
