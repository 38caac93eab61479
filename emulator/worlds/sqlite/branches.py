"""The branches of a file: the steps that make up a world or a snapshot, and the readers of them."""

from __future__ import annotations

import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from emulator.core.progress import track
from emulator.state.faults import Faults
from emulator.state.persistence import Branch, WorldSnapshot
from emulator.state.steps import StepLog
from emulator.state.store import Snapshot
from emulator.worlds.sqlite.history import LAST_STEP, STEP_BITS, History, LazySnapshot
from emulator.worlds.sqlite.rows import BranchRow, SnapshotRow

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
