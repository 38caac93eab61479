"""The versions of all records that steps have changed, and the records as they were after any step.

The payload of an event shows its subject at the step that created the event. It is rendered from these versions.
"""

from __future__ import annotations

import sqlite3
import weakref
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from emulator.core.records import KINDS, RELATIONS, WebhookEvent, relation_key
from emulator.state.persistence import Branch
from emulator.state.record_codec import COLUMN_TYPES, KIND_NAMES, decode_record, encode_record
from emulator.state.store import REMOVED, Snapshot, Transaction, apply_changes

STEP_BITS = 32
"""Bits of a step's number."""
LAST_STEP = (1 << STEP_BITS) - 1


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
    """The changes of steps on top of a start, which is the state after the step `before`."""

    def __init__(self, start: Snapshot, before: int = 0) -> None:
        self.start, self.start_step = start, before
        self.versions: dict[type[Any], dict[int, RecordVersions]] = defaultdict(dict)
        self.next_ids: dict[type[Any], RecordVersions] = defaultdict(RecordVersions)
        self._relation_changes: dict[tuple[type[Any], str], dict[Any, list[tuple[int, int, bool]]]] = {}

    def add_changes(self, number: int, changes: bytes) -> None:
        """Add the changes of the next step. Raise `ValueError` for an invalid text."""
        for kind, id_, row, is_next in parse_changes(changes):
            if is_next:
                self.next_ids[kind].add(number, id_)
                continue
            versions = self.versions[kind].get(id_)
            if versions is None:
                versions = self.versions[kind][id_] = RecordVersions()
            versions.add(number, REMOVED if row is None else row)

    def root(self, number: int = LAST_STEP) -> Snapshot:
        """Return the records after a step, by default after the last one."""
        changed = (
            (kind, id_, self._decode_version(kind, versions, at))
            for kind, found in self.versions.items()
            for id_, versions in found.items()
            if (at := versions.at(number)) >= 0
        )
        next_ids = {
            kind: versions.values[at] for kind, versions in self.next_ids.items() if (at := versions.at(number)) >= 0
        }
        return apply_changes(self.start, changed, next_ids)

    def historical_snapshot(self, number: int) -> Snapshot:
        """Return the records after a step, to render documents. Each record is looked up when it is read."""
        return self._roots_before[number] if number <= self.start_step else HistoricalSnapshot(self, number)

    @cached_property
    def _roots_before(self) -> dict[int, Snapshot]:
        """The roots of the events in the start, by step."""
        events = self.start.maps.get(WebhookEvent, {}).values()
        return {event.snapshot.step_number: event.snapshot for event in events if event.snapshot is not None}

    def _decode_version(self, kind: type[Any], versions: RecordVersions, at: int) -> Any:
        value = versions.values[at]
        if isinstance(value, bytes):
            value = versions.values[at] = decode_record(kind, value, self.historical_snapshot)
        return value

    def record_at(self, kind: type[Any], id_: int, number: int) -> Any:
        """Return a record as it was after a step. None: no step until then had changed it."""
        versions = self.versions.get(kind, {}).get(id_)
        at = -1 if versions is None else versions.at(number)
        return None if versions is None or at < 0 else self._decode_version(kind, versions, at)

    def related_at(self, kind: type[Any], relation: str, key: Any, number: int) -> tuple[int, ...] | None:
        """Return the ids of a relation after a step. None: no step until then had changed them."""
        moved = [move for move in self._changes_of_relation(kind, relation).get(key, ()) if move[0] <= number]
        if not moved:
            return None
        found = set(self.start.related(kind, relation, key))
        for _, id_, is_there in moved:
            (found.add if is_there else found.discard)(id_)
        return tuple(sorted(found))

    def _changes_of_relation(self, kind: type[Any], relation: str) -> dict[Any, list[tuple[int, int, bool]]]:
        """Return for each key of a relation which records were added and removed, in the order of the steps."""
        if (known := self._relation_changes.get((kind, relation))) is not None:
            return known
        columns = RELATIONS[kind][relation]
        moves: dict[Any, list[tuple[int, int, bool]]] = defaultdict(list)
        for id_, versions in tuple(self.versions.get(kind, {}).items()):
            before = self.start.get(kind, id_)
            for at, number in enumerate(versions.numbers):
                record = self._decode_version(kind, versions, at)
                now = None if record is REMOVED else record
                if before is not None:
                    moves[relation_key(before, columns)].append((number, id_, False))
                if now is not None:
                    moves[relation_key(now, columns)].append((number, id_, True))
                before = now
        for found in moves.values():
            found.sort(key=lambda move: move[0])
        self._relation_changes[kind, relation] = moves
        return moves


class LazySnapshot(Snapshot):
    """The records after a step, which are built when they are first used."""

    def __init__(self, history: History, number: int) -> None:
        self.base, self.caches, self.step_number = history.start.base, {}, None
        self._history, self._at = history, number

    @cached_property
    def maps(self) -> dict[Any, Any]:  # type: ignore[override]  # readers use it like the attribute
        return self._history.root(self._at).maps


class HistoricalSnapshot(Snapshot):
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
            found = history.record_at(kind, key, self._number)
            before = history.start.maps.get(kind)
        else:
            found = history.related_at(kind, relation, key, self._number)
            before = history.start.maps.get((kind, relation))
        if found is None and before is not None:
            found = before.get(key)
        return default if found is None else found


NEXT_ID_MARK = "+"


class TransactionChanges(NamedTuple):
    """The records that one transaction changed, and the next ids of their kinds."""

    records: tuple[tuple[type[Any], int, Any], ...]
    next_ids: tuple[tuple[type[Any], int], ...]


def changes_of(transaction: Transaction) -> TransactionChanges:
    """Return the changes of a transaction. They are immutable, so that another thread can write them later."""
    maps = transaction.maps
    records = tuple((kind, id_, maps[kind].get(id_, REMOVED)) for kind, id_ in transaction.changed_keys)
    before, now = transaction.start.maps.get("next"), maps.get("next")
    if now is None or now is before:
        return TransactionChanges(records, ())
    given = ((kind, id_) for kind, id_ in now.items() if before is None or before.get(kind) != id_)
    return TransactionChanges(records, tuple(given))


def encode_changes(changed: TransactionChanges) -> bytes:
    """Return the text of a step's changes."""
    lines = [
        f"{KIND_NAMES[kind]} {id_}".encode() + (b"" if record is REMOVED else b" " + encode_record(record))
        for kind, id_, record in changed.records
    ]
    lines += [f"{NEXT_ID_MARK} {KIND_NAMES[kind]} {id_}".encode() for kind, id_ in changed.next_ids]
    return b"\n".join(lines)


class ChangeLine(NamedTuple):
    """One parsed line."""

    kind: type[Any]
    id: int
    row: bytes | None = None
    """The record's text. None: it was removed."""
    is_next: bool = False


def parse_changes(text: bytes) -> Iterator[ChangeLine]:
    """Parse a text. Raise `ValueError` if it is not valid."""
    for line in text.split(b"\n") if text else ():
        first, _, rest = line.partition(b" ")
        if first == b"+":
            name, _, id_ = rest.partition(b" ")
            yield ChangeLine(kind_by_name(name), int(id_), None, is_next=True)
        else:
            id_, _, row = rest.partition(b" ")
            yield ChangeLine(kind_by_name(first), int(id_), row or None)


KINDS_BY_BYTES = {name.encode(): kind for name, kind in KINDS.items()}


def kind_by_name(name: bytes) -> type[Any]:
    try:
        return KINDS_BY_BYTES[name]
    except KeyError:
        raise ValueError(f"unknown kind {name.decode(errors='replace')!r}") from None


def first_step_key(branch: int) -> int:
    return branch << STEP_BITS


def step_key(branch: int, number: int) -> int:
    """Return the key of a step in the file."""
    return branch << STEP_BITS | number


class StoredBranch(Branch):
    """A branch in a file. It is deleted once no world, snapshot or other branch refers to it."""

    __slots__ = ("id", "parent", "parent_steps", "storage")

    def __init__(
        self, storage: object, id_: int, parent: StoredBranch | None, upto: int, dropped: deque[int]
    ) -> None:
        self.storage, self.id, self.parent, self.parent_steps = storage, id_, parent, upto
        weakref.finalize(self, dropped.append, id_).atexit = False


class StepRange(NamedTuple):
    """The steps of a branch that have the numbers from `first` to `last`."""

    branch: int
    first: int
    last: int


BranchTable = dict[int, tuple[int | None, int]]
"""Branch -> its parent, and the number of the parent's steps that come before its own."""


def read_branch_table(connection: sqlite3.Connection) -> BranchTable:
    return {id_: (parent, upto) for id_, parent, upto in connection.execute("SELECT id, parent, upto FROM courses")}


def step_ranges(branch: int, table: BranchTable, upto: int = LAST_STEP) -> list[StepRange]:
    """Return the parts that make up the first steps of a branch, in order.

    Raise `ValueError` if a branch is missing.
    """
    parts: list[StepRange] = []
    last, here = upto, branch
    while True:
        if here not in table or len(parts) > len(table):
            raise ValueError(f"course {here} is not there")
        parent, upto = table[here]
        parts.append(StepRange(here, upto + 1, last))
        if parent is None:
            return parts[::-1]
        here, last = parent, min(last, upto)


def last_common_step(ours: list[StepRange], theirs: list[StepRange]) -> int:
    """Return the number of the last step up to which two sequences are the same."""
    found = ours[0].first - 1
    for one, other in zip(ours, theirs, strict=False):
        if one.branch != other.branch:
            break
        found = min(one.last, other.last)
        if one.last != other.last:
            break
    return found


def ranges_after(number: int, parts: list[StepRange]) -> list[StepRange]:
    """Return the parts of a sequence after a step."""
    return [part._replace(first=max(part.first, number + 1)) for part in parts]


def read_steps(connection: sqlite3.Connection, parts: list[StepRange]) -> Iterator[tuple[int, bytes, bytes]]:
    """Return number, line and changes of each step. Raise `ValueError` if a step is missing."""
    number = parts[0].first
    rows = "SELECT at, line, changes FROM steps WHERE at BETWEEN ? AND ? ORDER BY at"
    for branch, first, last in parts:
        for at, line, changes in connection.execute(rows, (step_key(branch, first), step_key(branch, last))):
            if at != step_key(branch, number):
                raise ValueError(f"step {number} is not there")
            yield number, line, changes
            number += 1
        if last != LAST_STEP and first <= last and number != last + 1:
            raise ValueError(f"step {number} is not there")


def delete_unused_steps(connection: sqlite3.Connection, used: list[tuple[int, int]], table: BranchTable) -> None:
    """Delete the steps that none of the used branches needs up to its step, and the branches that become empty."""
    needed: dict[int, int] = {}
    for branch, upto in used:
        for part in step_ranges(branch, table, upto):
            needed[part.branch] = max(part.last, needed.get(part.branch, 0))
    for branch in table:
        last = needed.get(branch, -1)
        if last < LAST_STEP:
            limits = (step_key(branch, last + 1), first_step_key(branch + 1) - 1)
            connection.execute("DELETE FROM steps WHERE at BETWEEN ? AND ?", limits)
        if branch not in needed:
            connection.execute("DELETE FROM courses WHERE id = ?", (branch,))
