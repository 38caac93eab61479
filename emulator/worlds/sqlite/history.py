"""The versions of all records that steps have changed, and the records as they were after any step.

The payload of an event shows its subject at the step that created the event. It is rendered from these versions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from emulator.core.records import KINDS, RELATIONS, Record, RecordKind, WebhookEvent
from emulator.state.record_codec import COLUMN_TYPES, KIND_NAMES, decode_record, encode_record
from emulator.state.store import REMOVED, Snapshot, Transaction, apply_changes

STEP_BITS = 32
"""Bits of a step's number."""
LAST_STEP = (1 << STEP_BITS) - 1


RelationChanges = dict[Any, list[tuple[int, int, bool]]]
"""Key of a relation -> number of the step, id of a record, and whether the record was added."""


class RecordVersions:
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
    """The changes of steps on top of a start, which is the state after the step `start_step`."""

    def __init__(self, start: Snapshot, start_step: int = 0) -> None:
        self.start, self.start_step = start, start_step
        self.versions: dict[RecordKind, dict[int, RecordVersions]] = defaultdict(dict)
        self.next_ids: dict[RecordKind, RecordVersions] = defaultdict(RecordVersions)
        self._relation_changes: dict[tuple[RecordKind, str], RelationChanges] = {}

    def add_changes(self, number: int, changes: bytes) -> None:
        """Add the changes of the next step. Raise `ValueError` for an invalid text."""
        for kind, id_, row, is_next in parse_changes(changes):
            if is_next:
                self.next_ids[kind].add(number, id_)
                continue
            if id_ not in self.versions[kind]:
                self.versions[kind][id_] = RecordVersions()
            self.versions[kind][id_].add(number, REMOVED if row is None else row)

    def complete_snapshot(self, number: int = LAST_STEP) -> Snapshot:
        """Return the records after a step, by default after the last one."""
        changed = (
            (kind, id_, self._decode_version(kind, versions, at))
            for kind, table in self.versions.items()
            for id_, versions in table.items()
            if (at := versions.at(number)) >= 0
        )
        next_ids = {
            kind: versions.values[at] for kind, versions in self.next_ids.items() if (at := versions.at(number)) >= 0
        }
        return apply_changes(self.start, changed, next_ids)

    def historical_snapshot(self, number: int) -> Snapshot:
        """Return the records after a step, to render documents. Each record is looked up when it is read."""
        return self._start_snapshots[number] if number <= self.start_step else HistoricalSnapshot(self, number)

    @cached_property
    def _start_snapshots(self) -> dict[int, Snapshot]:
        """The snapshots of the events in the start, by step."""
        events = self.start.maps.get(WebhookEvent, {}).values()
        return {event.snapshot.step_number: event.snapshot for event in events if event.snapshot is not None}

    def _decode_version(self, kind: RecordKind, versions: RecordVersions, at: int) -> Record:
        value = versions.values[at]
        if isinstance(value, bytes):
            value = versions.values[at] = decode_record(kind, value, self.historical_snapshot)
        return value

    def record_at(self, kind: RecordKind, id_: int, number: int) -> Record:
        """Return a record as it was after a step. None: no step until then had changed it."""
        versions = self.versions.get(kind, {}).get(id_)
        at = -1 if versions is None else versions.at(number)
        return None if versions is None or at < 0 else self._decode_version(kind, versions, at)

    def related_at(self, kind: RecordKind, relation: str, key: Any, number: int) -> tuple[int, ...] | None:
        """Return the ids of a relation after a step. None: no step until then had changed them."""
        changes = [each for each in self._changes_of_relation(kind, relation).get(key, ()) if each[0] <= number]
        if not changes:
            return None
        ids = set(self.start.related(kind, relation, key))
        for _, id_, is_added in changes:
            (ids.add if is_added else ids.discard)(id_)
        return tuple(sorted(ids))

    def _changes_of_relation(self, kind: RecordKind, relation: str) -> RelationChanges:
        """Return for each key of a relation which records were added and removed, in the order of the steps."""
        if (known := self._relation_changes.get((kind, relation))) is not None:
            return known
        key_of = attrgetter(*RELATIONS[kind][relation])
        changes: RelationChanges = defaultdict(list)
        for id_, versions in tuple(self.versions.get(kind, {}).items()):
            before = self.start.get(kind, id_)
            for at, number in enumerate(versions.numbers):
                record = self._decode_version(kind, versions, at)
                after = None if record is REMOVED else record
                if before is not None:
                    changes[key_of(before)].append((number, id_, False))
                if after is not None:
                    changes[key_of(after)].append((number, id_, True))
                before = after
        for each in changes.values():
            each.sort(key=lambda change: change[0])
        self._relation_changes[kind, relation] = changes
        return changes


class LazySnapshot(Snapshot):
    """The records after a step, which are built when they are first used."""

    def __init__(self, history: History, number: int) -> None:
        self.base, self.caches, self.step_number = history.start.base, {}, None
        self._history, self._number = history, number

    @cached_property
    def maps(self) -> dict[Any, Any]:  # type: ignore[override]  # readers use it like the attribute
        return self._history.complete_snapshot(self._number).maps


class HistoricalSnapshot(Snapshot):
    """The records after a step, for access by id and by relation only."""

    def __init__(self, history: History, number: int) -> None:
        maps: Any = HistoricalMaps(history, number)
        super().__init__(history.start.base, maps, number)


class HistoricalMaps:
    """The maps of a historical snapshot: the changes of each kind, and of each relation."""

    def __init__(self, history: History, number: int) -> None:
        self._history, self._number = history, number

    def get(self, name: Any, default: Any = None) -> Any:
        history, number, start = self._history, self._number, self._history.start.maps.get(name, {})
        if isinstance(name, tuple):
            kind, relation = name
            if relation in RELATIONS.get(kind, ()):
                return HistoricalMap(lambda key: history.related_at(kind, relation, key, number), start)
        elif name in COLUMN_TYPES:
            return HistoricalMap(lambda id_: history.record_at(name, id_, number), start)
        return default


class HistoricalMap:
    """One map of a historical snapshot: values that are looked up in the history, or else in the start."""

    def __init__(self, lookup: Callable[[Any], Any], start: Mapping[Any, Any]) -> None:
        self._lookup, self._start = lookup, start

    def get(self, key: Any, default: Any = None) -> Any:
        value = self._lookup(key)
        return self._start.get(key, default) if value is None else value


# The text of changes

NEXT_ID_MARK = b"+"
KINDS_BY_BYTES = {name.encode(): kind for name, kind in KINDS.items()}


class TransactionChanges(NamedTuple):
    """The records that one transaction changed, and the next ids of their kinds."""

    records: tuple[tuple[RecordKind, int, Record], ...]
    next_ids: tuple[tuple[RecordKind, int], ...]


def changes_of(transaction: Transaction) -> TransactionChanges:
    """Return the changes of a transaction. They are immutable, so that another thread can write them later."""
    maps = transaction.maps
    records = tuple((kind, id_, maps[kind].get(id_, REMOVED)) for kind, id_ in transaction.changed_keys)
    before, now = transaction.start.maps.get("next"), maps.get("next")
    if now is None or now is before:
        return TransactionChanges(records, ())
    next_ids = ((kind, id_) for kind, id_ in now.items() if before is None or before.get(kind) != id_)
    return TransactionChanges(records, tuple(next_ids))


def encode_changes(changes: TransactionChanges) -> bytes:
    """Return the text of a transaction's changes: one line for each record, and for each next id."""
    lines = [
        f"{KIND_NAMES[kind]} {id_}".encode() + (b"" if record is REMOVED else b" " + encode_record(record))
        for kind, id_, record in changes.records
    ]
    lines += [b"%s %s %d" % (NEXT_ID_MARK, KIND_NAMES[kind].encode(), id_) for kind, id_ in changes.next_ids]
    return b"\n".join(lines)


class ChangeLine(NamedTuple):
    """One parsed line."""

    kind: RecordKind
    id: int
    row: bytes | None = None
    """The record's text. None: it was removed."""
    is_next: bool = False


def parse_changes(text: bytes) -> Iterator[ChangeLine]:
    """Parse the text of changes. Raise `ValueError` if it is not valid."""
    for line in text.split(b"\n") if text else ():
        first, _, rest = line.partition(b" ")
        name, _, rest = rest.partition(b" ") if first == NEXT_ID_MARK else (first, b"", rest)
        if name not in KINDS_BY_BYTES:
            raise ValueError(f"unknown kind {name.decode(errors='replace')!r}")
        id_, _, row = rest.partition(b" ")
        yield ChangeLine(KINDS_BY_BYTES[name], int(id_), row or None, is_next=first == NEXT_ID_MARK)
