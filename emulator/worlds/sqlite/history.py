"""The branches of a file, the steps that make up a world or a snapshot, and the versions of the changed records.

The payload of an event shows its subject at the step that created the event. It is rendered from these versions.
"""

from __future__ import annotations

import sqlite3
import weakref
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from emulator.core.progress import track
from emulator.core.records import KINDS, RELATIONS, Record, RecordKind, WebhookEvent
from emulator.state.faults import ArmedFault, Faults
from emulator.state.persistence import Branch, WorldSnapshot, WorldState
from emulator.state.record_codec import COLUMN_TYPES, KIND_NAMES, decode_record, encode_record
from emulator.state.steps import StepLog
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


def parse_changes(text: bytes) -> Iterator[tuple[RecordKind, int, bytes | None, bool]]:
    """Yield the kind, the id and the text of each changed record (None: removed), and whether it is a next id.

    Raise `ValueError` if the text is not valid.
    """
    for line in text.split(b"\n") if text else ():
        first, _, rest = line.partition(b" ")
        name, _, rest = rest.partition(b" ") if first == NEXT_ID_MARK else (first, b"", rest)
        if name not in KINDS_BY_BYTES:
            raise ValueError(f"unknown kind {name.decode(errors='replace')!r}")
        id_, _, row = rest.partition(b" ")
        yield KINDS_BY_BYTES[name], int(id_), row or None, first == NEXT_ID_MARK


# Branches

BranchRow = tuple[int, int | None, int]
BranchTable = dict[int, tuple[int | None, int]]
"""Branch -> its parent, and the number of the parent's steps that come before its own."""


class StoredBranch(Branch):
    """A branch in a file. It is deleted once no world, snapshot or other branch refers to it."""

    __slots__ = ("id", "parent", "parent_steps", "storage")

    def __init__(
        self, storage: object, id_: int, parent: StoredBranch | None, parent_steps: int, unused: deque[int]
    ) -> None:
        """Create a branch that adds its id to `unused` when it is garbage-collected."""
        self.storage, self.id, self.parent, self.parent_steps = storage, id_, parent, parent_steps
        weakref.finalize(self, unused.append, id_).atexit = False

    def row(self) -> BranchRow:
        return self.id, None if self.parent is None else self.parent.id, self.parent_steps


class StepRange(NamedTuple):
    """The steps of a branch that have the numbers from `first` to `last`."""

    branch: int
    first: int
    last: int


def step_key(branch: int, number: int) -> int:
    return branch << STEP_BITS | number


def read_branch_table(connection: sqlite3.Connection) -> BranchTable:
    return {id_: (parent, upto) for id_, parent, upto in connection.execute("SELECT id, parent, upto FROM courses")}


def step_ranges(branch: int, table: BranchTable, last: int = LAST_STEP) -> list[StepRange]:
    """Return the ranges that make up a branch up to a step, in order. Raise `ValueError` if a branch is missing."""
    ranges: list[StepRange] = []
    ancestor: int | None = branch
    while ancestor is not None:
        if ancestor not in table or len(ranges) > len(table):
            raise ValueError(f"branch {ancestor} is missing")
        parent, parent_steps = table[ancestor]
        ranges.append(StepRange(ancestor, parent_steps + 1, last))
        ancestor, last = parent, min(last, parent_steps)
    return ranges[::-1]


def last_common_step(ours: list[StepRange], theirs: list[StepRange]) -> int:
    """Return the number of the last step up to which two sequences are the same."""
    common = ours[0].first - 1
    for one, other in zip(ours, theirs, strict=False):
        if one.branch != other.branch:
            break
        common = min(one.last, other.last)
        if one.last != other.last:
            break
    return common


def last_step(connection: sqlite3.Connection, ranges: list[StepRange]) -> int:
    """Return the number of the last step of a branch."""
    branch, first, last = ranges[-1]
    query = "SELECT max(at) FROM steps WHERE at BETWEEN ? AND ?"
    (found,) = connection.execute(query, (step_key(branch, first), step_key(branch, last))).fetchone()
    return first - 1 if found is None else int(found) & LAST_STEP


def read_steps(
    connection: sqlite3.Connection, ranges: list[StepRange], after: int = 0
) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, line and changes of each step after a number. Raise `ValueError` if a step is missing."""
    ranges = [each._replace(first=max(each.first, after + 1)) for each in ranges]
    number = ranges[0].first
    query = "SELECT at, line, changes FROM steps WHERE at BETWEEN ? AND ? ORDER BY at"
    for branch, first, last in ranges:
        for key, line, changes in connection.execute(query, (step_key(branch, first), step_key(branch, last))):
            if key != step_key(branch, number):
                raise ValueError(f"step {number} is missing")
            yield number, line, changes
            number += 1
        if last != LAST_STEP and first <= last and number != last + 1:
            raise ValueError(f"step {number} is missing")


def delete_unused_steps(connection: sqlite3.Connection, used: list[tuple[int, int]], table: BranchTable) -> None:
    """Delete the steps that none of the used branches needs up to its step, and the branches that become empty."""
    needed: dict[int, int] = {}
    for branch, last in used:
        for each in step_ranges(branch, table, last):
            needed[each.branch] = max(each.last, needed.get(each.branch, 0))
    for branch in table:
        if (last := needed.get(branch, -1)) < LAST_STEP:
            delete_steps(connection, branch, last + 1)
        if branch not in needed:
            delete_branch(connection, branch)


def delete_steps(connection: sqlite3.Connection, branch: int, first: int = 0, limit: int = -1) -> int:
    """Delete the steps of a branch from a number on, up to a limit. Return their count."""
    delete = "DELETE FROM steps WHERE at IN (SELECT at FROM steps WHERE at BETWEEN ? AND ? LIMIT ?)"
    return connection.execute(delete, (step_key(branch, first), step_key(branch, LAST_STEP), limit)).rowcount


def delete_branch(connection: sqlite3.Connection, branch: int) -> None:
    connection.execute("DELETE FROM courses WHERE id = ?", (branch,))


class SnapshotRow(NamedTuple):
    """A named snapshot of a world: the first steps of a branch."""

    name: str
    branch: int
    step_count: int
    state: WorldState
    faults: Sequence[ArmedFault]


class BranchReader:
    """Reads a sequence of steps and the records that they changed: those of a world, or of some of its snapshots."""

    def __init__(self, ranges: list[StepRange], origin: BranchReader | None = None, origin_steps: int = 0) -> None:
        """Create a reader. `origin` reads the first `origin_steps` steps."""
        self.ranges, self.origin, self.origin_steps = ranges, origin, origin_steps
        self.logs: dict[int, StepLog] = {}
        """Step -> the log up to that step, for the requested steps."""
        if origin is not None:
            origin.request_log(origin_steps)

    def request_log(self, number: int) -> None:
        self.logs[number] = StepLog()

    def read(self, connection: sqlite3.Connection, start: Snapshot, steps: StepLog) -> None:
        """Read what follows a start, and append it to the start's steps. Raise `ValueError` if a step is missing."""
        self.history = History(start, len(steps))
        if len(steps) in self.logs:
            self.logs[len(steps)] = steps.copy()
        length = max(last_step(connection, self.ranges) - len(steps), 0)
        for number, line, changes in track(read_steps(connection, self.ranges, len(steps)), length):
            self.history.add_changes(number, changes)
            steps.append(line)
            if number in self.logs:
                self.logs[number] = steps.copy()
        if missing := [number for number in self.logs if number > len(steps)]:
            raise ValueError(f"step {min(missing)} is missing")

    def read_after_origin(self, connection: sqlite3.Connection) -> None:
        """Read what follows the steps of the origin."""
        if self.origin is not None:
            start = LazySnapshot(self.origin.history, self.origin_steps)
            self.read(connection, start, self.origin.logs[self.origin_steps].copy())

    def build_snapshot(self, row: SnapshotRow) -> WorldSnapshot:
        """Return a stored snapshot. Its undo stack is empty."""
        return WorldSnapshot(
            records=LazySnapshot(self.history, row.step_count),
            state=row.state,
            steps=self.logs[row.step_count],
            undo_entries=(),
            faults=Faults(row.faults, row.state.next_fault),
        )


def build_readers(
    first: BranchReader, snapshots: list[SnapshotRow], table: BranchTable
) -> tuple[list[BranchReader], dict[str, BranchReader]]:
    """Return the readers of all snapshots, each after its origin, and the reader of each snapshot by its name."""
    readers, by_name = [first], {}
    for snapshot in sorted(snapshots, key=lambda each: -each.step_count):
        ranges = step_ranges(snapshot.branch, table, snapshot.step_count)
        nearest = max(readers, key=lambda reader: last_common_step(reader.ranges, ranges))
        common = last_common_step(nearest.ranges, ranges)
        if common < snapshot.step_count:
            nearest = BranchReader(ranges, nearest, common)
            readers.append(nearest)
        nearest.request_log(snapshot.step_count)
        by_name[snapshot.name] = nearest
    return readers, by_name
