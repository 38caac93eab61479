"""Statements that change the file's tables. The writer's thread runs them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, count, repeat
from typing import NamedTuple

from emulator.core.faults import ArmedFault
from emulator.core.snapshots import WorldState
from emulator.durable.branches import StoredBranch
from emulator.durable.changes import Changed, as_text
from emulator.durable.world_state import counts_text, faults_text, state_text

BranchRow = tuple[int, int | None, int]
ScenarioRow = tuple[str, bytes, str | None, str]
OR_CHANGE = "ON CONFLICT DO UPDATE SET"
"""An existing row keeps its position."""
OF_WORLDS = ("snapshots", "faults", "seen")
"""Tables whose rows belong to one world each."""


class SnapshotRow(NamedTuple):
    """A named snapshot of a world."""

    name: str
    branch: int
    upto: int
    state: WorldState
    faults: Sequence[ArmedFault]


class WorldRow(NamedTuple):
    """A new world."""

    id: int
    name: str
    scenario: str
    branch: int
    state: WorldState
    faults: Sequence[ArmedFault]
    snapshots: Sequence[SnapshotRow]


def branch_row(branch: StoredBranch) -> BranchRow:
    return branch.id, None if branch.parent is None else branch.parent.id, branch.upto


def put_steps(at: int, lines: Sequence[bytes], changed: Changed, connection: sqlite3.Connection) -> None:
    """Insert the steps of one transaction, from a key on. The first step has the changed records of all."""
    changes = chain([as_text(changed)], repeat(b""))
    connection.executemany("INSERT INTO steps VALUES (?, ?, ?)", zip(count(at), lines, changes, strict=False))


def put_state(world: int, state: WorldState, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE worlds SET now = ? WHERE id = ?", (state_text(state), world))


def put_branch(world: int, row: BranchRow, faults: Sequence[ArmedFault], connection: sqlite3.Connection) -> None:
    """Continue a world on a new branch, with these faults."""
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", row)
    connection.execute("UPDATE worlds SET course = ? WHERE id = ?", (row[0], world))
    put_faults(world, faults, connection)


def put_faults(world: int, faults: Iterable[ArmedFault], connection: sqlite3.Connection) -> None:
    """Replace all faults of a world."""
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
    values = (world, row.name, row.branch, row.upto, state_text(row.state), faults_text(row.faults))
    insert = "INSERT INTO snapshots (world, name, course, upto, now, faults) VALUES (?, ?, ?, ?, ?, ?)"
    changes = ", ".join(f"{column} = excluded.{column}" for column in ("course", "upto", "now", "faults"))
    connection.execute(f"{insert} {OR_CHANGE} {changes}", values)


def put_world(row: WorldRow, scenario: ScenarioRow, branch: BranchRow, connection: sqlite3.Connection) -> None:
    """Insert a new world, replacing the one of its name."""
    connection.execute("INSERT OR IGNORE INTO scenarios VALUES (?, ?, ?, ?)", scenario)
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", branch)
    delete_world(row.name, connection)
    values = (row.id, row.name, row.scenario, row.branch, state_text(row.state))
    connection.execute("INSERT INTO worlds VALUES (?, ?, ?, ?, ?)", values)
    put_faults(row.id, row.faults, connection)
    for snapshot in row.snapshots:
        put_snapshot(row.id, snapshot, connection)


def delete_world(name: str, connection: sqlite3.Connection) -> None:
    for table in OF_WORLDS:
        its = f"DELETE FROM {table} WHERE world IN (SELECT id FROM worlds WHERE name = ?)"  # noqa: S608 - ours
        connection.execute(its, (name,))
    connection.execute("DELETE FROM worlds WHERE name = ?", (name,))
