"""Branches of steps. A branch continues after the first steps of its parent, and stores those that follow."""

from __future__ import annotations

import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from emulator.core.snapshots import Branch

NUMBERS = 32
"""Bits of a step's number."""


def first_at(branch: int) -> int:
    return branch << NUMBERS


def place_of(branch: int, number: int) -> int:
    """Return the key of a step in the file."""
    return branch << NUMBERS | number


class StoredBranch(Branch):
    """A branch in a file. It is deleted once no world, snapshot or other branch refers to it."""

    __slots__ = ("id", "parent", "storage", "upto")

    def __init__(
        self, storage: object, id_: int, parent: StoredBranch | None, upto: int, dropped: deque[int]
    ) -> None:
        self.storage, self.id, self.parent, self.upto = storage, id_, parent, upto
        weakref.finalize(self, dropped.append, id_).atexit = False


class Part(NamedTuple):
    """The steps of a branch that have the numbers from `first` to `last`."""

    branch: int
    first: int
    last: int


LAST = (1 << NUMBERS) - 1
Table = dict[int, tuple[int | None, int]]
"""Branch -> its parent, and the number of the parent's steps that come before its own."""


def table_of(connection: sqlite3.Connection) -> Table:
    return {id_: (parent, upto) for id_, parent, upto in connection.execute("SELECT id, parent, upto FROM courses")}


def parts_of(branch: int, table: Table, upto: int = LAST) -> list[Part]:
    """Return the parts that make up the first steps of a branch, in order.

    Raise `ValueError` if a branch is missing.
    """
    parts: list[Part] = []
    last, here = upto, branch
    while True:
        if here not in table or len(parts) > len(table):
            raise ValueError(f"course {here} is not there")
        parent, upto = table[here]
        parts.append(Part(here, upto + 1, last))
        if parent is None:
            return parts[::-1]
        here, last = parent, min(last, upto)


def common(ours: list[Part], theirs: list[Part]) -> int:
    """Return the number of the last step up to which two sequences are the same."""
    found = ours[0].first - 1
    for one, other in zip(ours, theirs, strict=False):
        if one.branch != other.branch:
            break
        found = min(one.last, other.last)
        if one.last != other.last:
            break
    return found


def after(number: int, parts: list[Part]) -> list[Part]:
    """Return the parts of a sequence after a step."""
    return [part._replace(first=max(part.first, number + 1)) for part in parts]


def steps_of(connection: sqlite3.Connection, parts: list[Part]) -> Iterator[tuple[int, bytes, bytes]]:
    """Return number, line and changes of each step. Raise `ValueError` if a step is missing."""
    number = parts[0].first
    rows = "SELECT at, line, changes FROM steps WHERE at BETWEEN ? AND ? ORDER BY at"
    for branch, first, last in parts:
        for at, line, changes in connection.execute(rows, (place_of(branch, first), place_of(branch, last))):
            if at != place_of(branch, number):
                raise ValueError(f"step {number} is not there")
            yield number, line, changes
            number += 1
        if last != LAST and first <= last and number != last + 1:
            raise ValueError(f"step {number} is not there")


def forget_unused(connection: sqlite3.Connection, used: list[tuple[int, int]], table: Table) -> None:
    """Delete the steps that none of the used branches needs up to its step, and the branches that become empty."""
    needed: dict[int, int] = {}
    for branch, upto in used:
        for part in parts_of(branch, table, upto):
            needed[part.branch] = max(part.last, needed.get(part.branch, 0))
    for branch in table:
        last = needed.get(branch, -1)
        if last < LAST:
            limits = (place_of(branch, last + 1), first_at(branch + 1) - 1)
            connection.execute("DELETE FROM steps WHERE at BETWEEN ? AND ?", limits)
        if branch not in needed:
            connection.execute("DELETE FROM courses WHERE id = ?", (branch,))
