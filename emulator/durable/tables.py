"""What is put into the file's tables, each as work for the thread that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, count, repeat
from typing import NamedTuple

from emulator.core.faults import Armed
from emulator.durable.changes import Changed, as_text
from emulator.durable.courses import Course
from emulator.durable.now import Now, counts_text, faults_text

CourseRow = tuple[int, int | None, int]
ScenarioRow = tuple[str, bytes, str | None, str]
OR_CHANGE = "ON CONFLICT DO UPDATE SET"
"""What is there already keeps its position."""
OF_WORLDS = ("snapshots", "faults", "seen")
"""Tables whose rows belong to a world each."""


class SnapshotRow(NamedTuple):
    """A moment that a world keeps under a name."""

    name: str
    course: int
    upto: int
    now: Now
    faults: Sequence[Armed]


class WorldRow(NamedTuple):
    """A world that is new in the file."""

    id: int
    name: str
    scenario: str
    course: int
    now: Now
    faults: Sequence[Armed]
    snapshots: Sequence[SnapshotRow]


def course_row(course: Course) -> CourseRow:
    return course.id, None if course.parent is None else course.parent.id, course.upto


def put_steps(at: int, lines: Sequence[bytes], changed: Changed, connection: sqlite3.Connection) -> None:
    """Put the steps of one write, from a place on; what it changed is told with the first."""
    changes = chain([as_text(changed)], repeat(b""))
    connection.executemany("INSERT INTO steps VALUES (?, ?, ?)", zip(count(at), lines, changes, strict=False))


def put_now(world: int, now: Now, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE worlds SET now = ? WHERE id = ?", (now.text(), world))


def put_course(world: int, row: CourseRow, faults: Sequence[Armed], connection: sqlite3.Connection) -> None:
    """Let a world go on with a new course, and with these faults."""
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", row)
    connection.execute("UPDATE worlds SET course = ? WHERE id = ?", (row[0], world))
    put_faults(world, faults, connection)


def put_faults(world: int, faults: Iterable[Armed], connection: sqlite3.Connection) -> None:
    """Put faults in place of all that a world had."""
    for table in ("faults", "seen"):
        connection.execute(f"DELETE FROM {table} WHERE world = ?", (world,))  # noqa: S608 - ours
    for fault in faults:
        put_fault(world, fault.id, counts_text(fault), connection)
        put_seen(world, [(fault.id, *seen) for seen in fault.seen.items()], connection)


def put_fault(world: int, fault: int, text: str, connection: sqlite3.Connection) -> None:
    insert = "INSERT INTO faults (world, id, document) VALUES (?, ?, ?)"
    connection.execute(f"{insert} {OR_CHANGE} document = excluded.document", (world, fault, text))


def put_seen(world: int, seen: Iterable[tuple[int, str, int]], connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", [(world, *row) for row in seen])


def put_counts(
    world: int,
    texts: Iterable[tuple[int, str]],
    seen: Iterable[tuple[int, str, int]],
    connection: sqlite3.Connection,
) -> None:
    for fault, text in texts:
        put_fault(world, fault, text, connection)
    put_seen(world, seen, connection)


def put_snapshot(world: int, row: SnapshotRow, connection: sqlite3.Connection) -> None:
    values = (world, row.name, row.course, row.upto, row.now.text(), faults_text(row.faults))
    insert = "INSERT INTO snapshots (world, name, course, upto, now, faults) VALUES (?, ?, ?, ?, ?, ?)"
    changes = ", ".join(f"{column} = excluded.{column}" for column in ("course", "upto", "now", "faults"))
    connection.execute(f"{insert} {OR_CHANGE} {changes}", values)


def put_world(row: WorldRow, scenario: ScenarioRow, course: CourseRow, connection: sqlite3.Connection) -> None:
    """Put a new world in place of the one of its name."""
    connection.execute("INSERT OR IGNORE INTO scenarios VALUES (?, ?, ?, ?)", scenario)
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", course)
    delete_world(row.name, connection)
    values = (row.id, row.name, row.scenario, row.course, row.now.text())
    connection.execute("INSERT INTO worlds VALUES (?, ?, ?, ?, ?)", values)
    put_faults(row.id, row.faults, connection)
    for snapshot in row.snapshots:
        put_snapshot(row.id, snapshot, connection)


def delete_world(name: str, connection: sqlite3.Connection) -> None:
    for table in OF_WORLDS:
        its = f"DELETE FROM {table} WHERE world IN (SELECT id FROM worlds WHERE name = ?)"  # noqa: S608 - ours
        connection.execute(its, (name,))
    connection.execute("DELETE FROM worlds WHERE name = ?", (name,))
