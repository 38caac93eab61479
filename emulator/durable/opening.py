"""Worlds and their snapshots as a file has them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from emulator.core.faults import Armed, Faults
from emulator.core.moments import Moment
from emulator.core.steps import StepLog
from emulator.core.store import Root
from emulator.core.world import World
from emulator.durable.courses import Part, Table, after, common, parts_of, steps_of, table_of
from emulator.durable.file import StateProblem, is_new, looking
from emulator.durable.history import History, Later
from emulator.durable.now import Now, faults_of
from emulator.durable.starts import digest_of, scenario_of, start_of
from emulator.durable.tables import SnapshotRow
from emulator.loading import open_world
from emulator.rules.scenarios import Scenario


class StartChanged(ValueError):
    """A world in a file starts from something else by now."""


class Kept(NamedTuple):
    """A world as the file has it."""

    id: int
    name: str
    scenario: Scenario
    course: int
    now: Now
    faults: list[Armed]
    snapshots: list[SnapshotRow]


def worlds_of(connection: sqlite3.Connection, start: Scenario | None = None) -> Iterator[Kept]:
    """Give the worlds of a file, the oldest first; those of the scenario that is there already share it."""
    usual: Mapping[str, Scenario] = {} if start is None else {digest_of(start): start}
    scenarios = {
        digest: usual.get(digest) or scenario_of(text, request)
        for digest, text, request in connection.execute("SELECT digest, document, request FROM scenarios")
    }
    faults, snapshots = armed_in(connection), snapshots_in(connection)
    rows = connection.execute("SELECT id, name, scenario, course, now FROM worlds ORDER BY id")
    for id_, name, digest, course, now in rows:
        yield Kept(id_, name, scenarios[digest], course, Now.of(now), faults[id_], snapshots[id_])


def armed_in(connection: sqlite3.Connection) -> dict[int, list[Armed]]:
    """Give the armed faults by world, with the requests that each has seen."""
    seen: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for world, fault, request, times in connection.execute("SELECT world, fault, request, times FROM seen"):
        seen[world, fault][request] = int(times)
    found: dict[int, list[Armed]] = defaultdict(list)
    for world, text in connection.execute("SELECT world, document FROM faults ORDER BY position"):
        (fault,) = faults_of(f"[{text}]")
        fault.seen = seen[world, fault.id]
        found[world].append(fault)
    return found


def snapshots_in(connection: sqlite3.Connection) -> dict[int, list[SnapshotRow]]:
    """Give the snapshots by world."""
    found: dict[int, list[SnapshotRow]] = defaultdict(list)
    rows = "SELECT world, name, course, upto, now, faults FROM snapshots ORDER BY position"
    for world, name, course, upto, now, faults in connection.execute(rows):
        found[world].append(SnapshotRow(name, course, upto, Now.of(now), faults_of(faults)))
    return found


class Strand:
    """Steps in their order, and what they made of the records: a world's, or those of a snapshot that it left."""

    def __init__(self, parts: list[Part], origin: Strand | None = None, since: int = 0) -> None:
        """Name where the steps are; those until `since` are another strand's too."""
        self.parts, self.origin, self.since = parts, origin, since
        self.logs: dict[int, StepLog] = {}
        """The steps until each of the numbers that somebody comes back to."""
        if origin is not None:
            origin.mark(since)

    def mark(self, number: int) -> None:
        """Say that somebody comes back to a step."""
        self.logs[number] = StepLog()

    def read(self, connection: sqlite3.Connection, start: Root, steps: StepLog) -> None:
        """Read what follows a start, which has these steps; they go on. `ValueError` if one is not there."""
        self.history = History(start, len(steps))
        if len(steps) in self.logs:
            self.logs[len(steps)] = steps.copy()
        for number, line, changes in steps_of(connection, after(len(steps), self.parts)):
            self.history.learn(number, changes)
            steps.append(line)
            if number in self.logs:
                self.logs[number] = steps.copy()
        if missing := [number for number in self.logs if number > len(steps)]:
            raise ValueError(f"step {min(missing)} is not there")

    def read_on(self, connection: sqlite3.Connection) -> None:
        """Read what follows the strand that this one leaves."""
        if self.origin is not None:
            start = Later(self.origin.history, self.since)
            self.read(connection, start, self.origin.logs[self.since].copy())


def strands_of(first: Strand, snapshots: list[SnapshotRow], table: Table) -> tuple[list[Strand], dict[str, Strand]]:
    """Give the strands that lead to snapshots, each after the one that it leaves; and which leads to which."""
    strands, leading = [first], {}
    for snapshot in sorted(snapshots, key=lambda each: -each.upto):
        parts = parts_of(snapshot.course, table, snapshot.upto)
        nearest = max(strands, key=lambda strand: common(strand.parts, parts))
        shared = common(nearest.parts, parts)
        if shared < snapshot.upto:
            nearest = Strand(parts, nearest, shared)
            strands.append(nearest)
        nearest.mark(snapshot.upto)
        leading[snapshot.name] = nearest
    return strands, leading


def moment_of(snapshot: SnapshotRow, strand: Strand) -> Moment:
    """Give a snapshot as a world keeps it; its course is known once the file is open for writing."""
    now = snapshot.now
    return Moment(
        root=Later(strand.history, snapshot.upto),
        mode=now.mode,
        now=now.now,
        steps=strand.logs[snapshot.upto],
        undoable=(),
        calls=dict(now.calls),
        faults=Faults(snapshot.faults, now.next_fault),
        requests=now.requests - 1,
        untold=0,
        speed=now.speed,
        pace=now.pace,
    )


def opened(kept: Kept, connection: sqlite3.Connection, table: Table, *, strict: bool) -> World:
    """Give a world as the file has it. `ValueError` where it starts from something else now, or is not whole."""
    world = open_world(kept.scenario, kept.now.mode, kept.name, strict=strict)
    rows = connection.execute("SELECT start FROM scenarios WHERE digest = ?", (digest_of(kept.scenario),))
    if rows.fetchone() != (start_of(world.base),):
        raise StartChanged(
            f"scenario {kept.scenario.name} started otherwise when it was made:"
            " with another installation file, or another version of oms-emulator"
        )
    first = Strand(parts_of(kept.course, table))
    strands, leading = strands_of(first, kept.snapshots, table)
    first.read(connection, world.root, world.steps)
    for strand in strands[1:]:
        strand.read_on(connection)
    world.root = first.history.root()
    world.undoable.clear()
    kept.now.put(world, kept.faults)
    world.snapshots = {each.name: moment_of(each, leading[each.name]) for each in kept.snapshots}
    return world


class Told(NamedTuple):
    """What a world's export says."""

    start: Scenario
    lines: list[bytes]
    now: Now
    faults: list[Armed]


def told(path: str | PathLike[str], name: str) -> Told:
    """Give what the export of a world in a file says; the file is only read.

    `StateProblem` for one that cannot be used, or has no such world.
    """
    path = Path(path)
    if not path.exists() or is_new(path):
        raise StateProblem(f"there is no state file {path}")
    with looking(path) as connection:
        try:
            kept = {each.name: each for each in worlds_of(connection)}
            if name not in kept:
                raise StateProblem(f"state file {path} has no world {name!r}; it has {', '.join(kept)}")
            parts = parts_of(kept[name].course, table_of(connection))
            lines = [line for _, line, _ in steps_of(connection, parts)]
        except StateProblem:
            raise
        except (ValueError, TypeError, LookupError) as error:
            raise StateProblem(f"state file {path} is damaged: {error}") from None
    one = kept[name]
    return Told(one.scenario, [*one.scenario.steps, *lines], one.now, one.faults)
