"""The versions of all records that steps have changed, and the records as they were after any step.

The payload of an event shows its subject at the step that created the event. It is rendered from these versions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from functools import cached_property
from typing import Any

from emulator.core.record_codec import COLUMN_TYPES, decode_record
from emulator.core.records import RELATIONS, WebhookEvent, relation_key
from emulator.core.store import REMOVED, Root, apply_changes
from emulator.durable.branches import LAST
from emulator.durable.changes import lines_of


class Versions:
    """The versions of one record, as texts that are parsed when they are first used."""

    __slots__ = ("numbers", "values")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.values: list[Any] = []

    def add(self, number: int, value: Any) -> None:
        self.numbers.append(number)
        self.values.append(value)

    def at(self, number: int) -> int:
        """Return the position of the version after a step, or -1."""
        return bisect_right(self.numbers, number) - 1


class History:
    """The changes of steps on top of a start, which is the state after the step `before`."""

    def __init__(self, start: Root, before: int = 0) -> None:
        self.start, self.before = start, before
        self.versions: dict[type[Any], dict[int, Versions]] = defaultdict(dict)
        self.next_ids: dict[type[Any], Versions] = defaultdict(Versions)
        self._moves: dict[tuple[type[Any], str], dict[Any, list[tuple[int, int, bool]]]] = {}

    def learn(self, number: int, changes: bytes) -> None:
        """Add the changes of the next step. Raise `ValueError` for an invalid text."""
        for kind, id_, row, is_next in lines_of(changes):
            if is_next:
                self.next_ids[kind].add(number, id_)
                continue
            versions = self.versions[kind].get(id_)
            if versions is None:
                versions = self.versions[kind][id_] = Versions()
            versions.add(number, REMOVED if row is None else row)

    def root(self, number: int = LAST) -> Root:
        """Return the records after a step, by default after the last one."""
        changed = (
            (kind, id_, self._record(kind, versions, at))
            for kind, found in self.versions.items()
            for id_, versions in found.items()
            if (at := versions.at(number)) >= 0
        )
        next_ids = {
            kind: versions.values[at] for kind, versions in self.next_ids.items() if (at := versions.at(number)) >= 0
        }
        return apply_changes(self.start, changed, next_ids)

    def as_of(self, number: int) -> Root:
        """Return the records after a step, to render documents. Each record is looked up when it is read."""
        return self._roots_before[number] if number <= self.before else HistoricalSnapshot(self, number)

    @cached_property
    def _roots_before(self) -> dict[int, Root]:
        """The roots of the events in the start, by step."""
        events = self.start.maps.get(WebhookEvent, {}).values()
        return {event.told_from.number: event.told_from for event in events if event.told_from is not None}

    def _record(self, kind: type[Any], versions: Versions, at: int) -> Any:
        value = versions.values[at]
        if isinstance(value, bytes):
            value = versions.values[at] = decode_record(kind, value, self.as_of)
        return value

    def record(self, kind: type[Any], id_: int, number: int) -> Any:
        """Return a record as it was after a step. None: no step until then had changed it."""
        versions = self.versions.get(kind, {}).get(id_)
        at = -1 if versions is None else versions.at(number)
        return None if versions is None or at < 0 else self._record(kind, versions, at)

    def related(self, kind: type[Any], relation: str, key: Any, number: int) -> tuple[int, ...] | None:
        """Return the ids of a relation after a step. None: no step until then had changed them."""
        moved = [move for move in self._moves_of(kind, relation).get(key, ()) if move[0] <= number]
        if not moved:
            return None
        found = set(self.start.related(kind, relation, key))
        for _, id_, is_there in moved:
            (found.add if is_there else found.discard)(id_)
        return tuple(sorted(found))

    def _moves_of(self, kind: type[Any], relation: str) -> dict[Any, list[tuple[int, int, bool]]]:
        """Return for each key of a relation which records were added and removed, in the order of the steps."""
        if (known := self._moves.get((kind, relation))) is not None:
            return known
        columns = RELATIONS[kind][relation]
        moves: dict[Any, list[tuple[int, int, bool]]] = defaultdict(list)
        for id_, versions in tuple(self.versions.get(kind, {}).items()):
            before = self.start.get(kind, id_)
            for at, number in enumerate(versions.numbers):
                record = self._record(kind, versions, at)
                now = None if record is REMOVED else record
                if before is not None:
                    moves[relation_key(before, columns)].append((number, id_, False))
                if now is not None:
                    moves[relation_key(now, columns)].append((number, id_, True))
                before = now
        for found in moves.values():
            found.sort(key=lambda move: move[0])
        self._moves[kind, relation] = moves
        return moves


class LazySnapshot(Root):
    """The records after a step, which are built when they are first used."""

    def __init__(self, history: History, number: int) -> None:
        self.base, self.derived, self.number = history.start.base, {}, None
        self._history, self._at = history, number

    @cached_property
    def maps(self) -> dict[Any, Any]:  # type: ignore[override]  # readers use it like the attribute
        return self._history.root(self._at).maps


class HistoricalSnapshot(Root):
    """The records after a step, for access by id and by relation only."""

    def __init__(self, history: History, number: int) -> None:
        maps: Any = HistoricalMaps(history, number)
        super().__init__(history.start.base, maps, number)


class HistoricalMaps:
    """The changes of a view, looked up in a history."""

    def __init__(self, history: History, number: int) -> None:
        self._history, self._number = history, number

    def get(self, name: Any, default: Any = None) -> Any:
        kind, relation = name if isinstance(name, tuple) else (name, None)
        known = kind in COLUMN_TYPES if relation is None else relation in RELATIONS.get(kind, ())
        return HistoricalChanges(self._history, self._number, kind, relation) if known else default


class HistoricalChanges:
    """The changes of one kind, or of one relation, looked up in a history."""

    def __init__(self, history: History, number: int, kind: type[Any], relation: str | None) -> None:
        self._history, self._number = history, number
        self._kind, self._relation = kind, relation

    def get(self, key: Any, default: Any = None) -> Any:
        history, kind, relation = self._history, self._kind, self._relation
        if relation is None:
            found = history.record(kind, key, self._number)
            before = history.start.maps.get(kind)
        else:
            found = history.related(kind, relation, key, self._number)
            before = history.start.maps.get((kind, relation))
        if found is None and before is not None:
            found = before.get(key)
        return default if found is None else found
