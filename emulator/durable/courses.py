"""Courses of steps: each goes on from another one's first steps, and holds those that follow."""

from __future__ import annotations

import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

NUMBERS = 32
"""Bits of a step's number."""


def first_at(course: int) -> int:
    return course << NUMBERS


def place_of(course: int, number: int) -> int:
    """Give where a step of a course is kept."""
    return course << NUMBERS | number


class Course:
    """A course of steps in a file. It is dropped from there when no world, snapshot or other course needs it."""

    __slots__ = ("__weakref__", "id", "parent", "source", "upto")

    def __init__(self, source: object, id_: int, parent: Course | None, upto: int, dropped: deque[int]) -> None:
        self.source, self.id, self.parent, self.upto = source, id_, parent, upto
        weakref.finalize(self, dropped.append, id_).atexit = False


class Part(NamedTuple):
    """Steps of one course that another goes on from: those with numbers from `first` to `last`."""

    course: int
    first: int
    last: int


LAST = (1 << NUMBERS) - 1
Table = dict[int, tuple[int | None, int]]
"""Course -> its parent, and how many of the parent's steps come before its own."""


def table_of(connection: sqlite3.Connection) -> Table:
    return {id_: (parent, upto) for id_, parent, upto in connection.execute("SELECT id, parent, upto FROM courses")}


def parts_of(course: int, table: Table, upto: int = LAST) -> list[Part]:
    """Give where the steps of a course are, or the first of them, the first steps first.

    `ValueError` if part of it is not there.
    """
    parts: list[Part] = []
    last, here = upto, course
    while True:
        if here not in table or len(parts) > len(table):
            raise ValueError(f"course {here} is not there")
        parent, upto = table[here]
        parts.append(Part(here, upto + 1, last))
        if parent is None:
            return parts[::-1]
        here, last = parent, min(last, upto)


def common(ours: list[Part], theirs: list[Part]) -> int:
    """Give the number of the last step that two sequences share from the first step on."""
    found = ours[0].first - 1
    for one, other in zip(ours, theirs, strict=False):
        if one.course != other.course:
            break
        found = min(one.last, other.last)
        if one.last != other.last:
            break
    return found


def after(number: int, parts: list[Part]) -> list[Part]:
    """Give where the steps are that follow one."""
    return [part._replace(first=max(part.first, number + 1)) for part in parts]


def steps_of(connection: sqlite3.Connection, parts: list[Part]) -> Iterator[tuple[int, bytes, bytes]]:
    """Give the steps of a course: number, line and changes. `ValueError` if one between them is not there."""
    number = parts[0].first
    rows = "SELECT at, line, changes FROM steps WHERE at BETWEEN ? AND ? ORDER BY at"
    for course, first, last in parts:
        for at, line, changes in connection.execute(rows, (place_of(course, first), place_of(course, last))):
            if at != place_of(course, number):
                raise ValueError(f"step {number} is not there")
            yield number, line, changes
            number += 1
        if last != LAST and first <= last and number != last + 1:
            raise ValueError(f"step {number} is not there")


def forget_unused(connection: sqlite3.Connection, used: list[tuple[int, int]], table: Table) -> None:
    """Delete the steps that none of these courses has up to a step, and the courses that have none left."""
    needed: dict[int, int] = {}
    for course, upto in used:
        for part in parts_of(course, table, upto):
            needed[part.course] = max(part.last, needed.get(part.course, 0))
    for course in table:
        last = needed.get(course, -1)
        if last < LAST:
            limits = (place_of(course, last + 1), first_at(course + 1) - 1)
            connection.execute("DELETE FROM steps WHERE at BETWEEN ? AND ?", limits)
        if course not in needed:
            connection.execute("DELETE FROM courses WHERE id = ?", (course,))
