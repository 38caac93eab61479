"""The worlds of a server, kept in a file: taken from it at the start, and every change put there in its order."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path

import orjson

from emulator.core.faults import Counted
from emulator.core.moments import Moment
from emulator.core.refusals import Conflict, NotKept
from emulator.core.store import Transaction
from emulator.core.world import Safe, World
from emulator.durable.changes import changed_by
from emulator.durable.courses import LAST, Course, Table, forget_unused, parts_of, place_of, table_of
from emulator.durable.file import StateProblem, is_new, looking, make, open_to_write
from emulator.durable.now import counts_text, now_at, now_of
from emulator.durable.opening import Kept, StartChanged, opened, worlds_of
from emulator.durable.starts import difference, digest_of, identity_of, start_of, text_of
from emulator.durable.tables import (
    OF_WORLDS,
    SnapshotRow,
    WorldRow,
    course_row,
    delete_world,
    put_counts,
    put_course,
    put_faults,
    put_now,
    put_snapshot,
    put_steps,
    put_world,
)
from emulator.durable.writer import Work, Writer
from emulator.loading import load
from emulator.rules.scenarios import Scenario


class State:
    """A file and the worlds in it."""

    def __init__(self, path: str | PathLike[str], start: Scenario, *, strict: bool = False) -> None:
        """Open a file for worlds of a scenario, or make it.

        `StateProblem` for one that is not ours, not whole, in use, or was made for something else; it is untouched.
        """
        self.path, self.start = Path(path), start
        load(start)  # one that cannot be used makes no file
        if is_new(self.path):
            make(self.path, orjson.dumps(identity_of(start)).decode())
        with looking(self.path) as connection:
            self._refuse_another(connection)
            table = table_of(connection)
            try:
                kept = list(worlds_of(connection, start))
                self.opened = [opened(each, connection, table, strict=strict) for each in kept]
            except StartChanged as error:
                raise StateProblem(f"state file {path}: {error}") from None
            except (ValueError, TypeError, LookupError) as error:
                raise StateProblem(f"state file {path} is damaged: {error}") from None
        self._begin(kept, table)

    def _refuse_another(self, connection: sqlite3.Connection) -> None:
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'made_for'").fetchone() or ("{}",)
        if why := difference(json.loads(text), identity_of(self.start)):
            raise StateProblem(f"state file {self.path} {why}")

    def _begin(self, kept: list[Kept], table: Table) -> None:
        connection = open_to_write(self.path)
        connection.execute("BEGIN IMMEDIATE")
        used = [(each.course, LAST) for each in kept]
        used += [(snapshot.course, snapshot.upto) for each in kept for snapshot in each.snapshots]
        forget_unused(connection, used, table)
        for name in OF_WORLDS:
            connection.execute(f"DELETE FROM {name} WHERE world NOT IN (SELECT id FROM worlds)")  # noqa: S608 - ours
        connection.execute("DELETE FROM scenarios WHERE digest NOT IN (SELECT scenario FROM worlds)")
        connection.execute("COMMIT")
        self._ids = max([0, *table, *(each.id for each in kept)])
        self._lock = threading.Lock()
        self._keepers: dict[str, KeptWorld] = {}
        self.writer = Writer(self.path, connection)
        courses: dict[int, Course] = {}
        for each, world in zip(kept, self.opened, strict=True):
            world.course = self._known_course(each.course, table, courses)
            for name, course, *_ in each.snapshots:
                at = self._known_course(course, table, courses)
                world.snapshots[name] = world.snapshots[name]._replace(course=at)
            self._attach(each.id, world)

    def _known_course(self, id_: int, table: Table, known: dict[int, Course]) -> Course:
        for each in (part.course for part in parts_of(id_, table) if part.course not in known):
            parent, upto = table[each]
            before = None if parent is None else known[parent]
            known[each] = Course(self, each, before, upto, self.writer.dropped)
        return known[id_]

    def _new_id(self) -> int:
        with self._lock:
            self._ids += 1
            return self._ids

    def _attach(self, id_: int, world: World) -> None:
        world.keeper = self._keepers[world.name] = KeptWorld(self, id_, world.course)

    def check(self) -> None:
        """Raise `NotKept` if nothing can be kept any more."""
        self.writer.check()

    def put(self, world: World) -> Safe:
        """Keep a new world, in place of the one of its name; give what waits until it is on disk."""
        if world.course is None and len(world.steps) != len(world.settings.source.steps):
            raise Conflict(
                f"world {world.name} goes on from one that is not in {self.path}, so it cannot be kept there"
            )
        id_ = self._new_id()
        course = self.new_course(world)
        source: Scenario = world.settings.source
        digest = digest_of(source)
        scenario = (digest, text_of(source), source.request, start_of(world.base))
        snapshots = [snapshot_row(*each) for each in world.snapshots.items()]
        row = WorldRow(id_, world.name, digest, course.id, now_of(world), world.faults.copy().armed, snapshots)
        safe = self.writer.add(partial(put_world, row, scenario, course_row(course)))
        world.course = course
        self._attach(id_, world)
        return safe

    def delete(self, name: str) -> Safe:
        """Keep a world no longer; give what waits until the file says so."""
        safe = self.writer.add(partial(delete_world, name))
        self._keepers.pop(name, None)
        return safe

    def new_course(self, world: World) -> Course:
        """Give a course that goes on from the steps that a world has."""
        if world.course is not None and world.course.source is not self:
            raise Conflict(
                f"world {world.name} goes on from one that is not in {self.path}, so it cannot be kept there"
            )
        return Course(self, self._new_id(), world.course, len(world.steps), self.writer.dropped)

    def close(self, worlds: Iterable[World]) -> None:
        """Keep what the clocks of these worlds say, and close the file; a closed one stays so."""
        for world in worlds:
            if isinstance(world.keeper, KeptWorld) and world.keeper.state is self:
                with world.lock, contextlib.suppress(NotKept):
                    world.keeper.keep_time(world)
        self.writer.close()


class KeptWorld:
    """Keeps one world (`core.world.Keeper`)."""

    def __init__(self, state: State, id_: int, course: Course) -> None:
        self.state, self.id, self._course = state, id_, course

    def check(self) -> None:
        self.state.check()

    def keep(self, world: World, lines: Sequence[bytes], transaction: Transaction) -> Safe:
        at = place_of(world.course.id, len(world.steps) - len(lines) + 1)
        return self._add(world, partial(put_steps, at, lines, changed_by(transaction)))

    def rewrite(self, world: World) -> Safe:
        course = self.state.new_course(world)
        safe = self._add(world, partial(put_course, self.id, course_row(course), world.faults.copy().armed))
        world.course = self._course = course  # not before: the file has no use for the old one only from then on
        return safe

    def keep_time(self, world: World) -> Safe:
        return self._add(world, None)

    def keep_faults(self, world: World) -> Safe:
        return self._add(world, partial(put_faults, self.id, world.faults.copy().armed))

    def keep_counts(self, world: World, counted: Sequence[Counted]) -> Safe:
        texts = [(fault.id, counts_text(fault)) for fault, _ in counted]
        seen = [(fault.id, request, fault.seen[request]) for fault, request in counted if request in fault.seen]
        return self._add(world, partial(put_counts, self.id, texts, seen))

    def keep_snapshot(self, world: World, name: str, moment: Moment) -> Safe:
        return self._add(world, partial(put_snapshot, self.id, snapshot_row(name, moment)))

    def _add(self, world: World, work: Work | None) -> Safe:
        return self.state.writer.add(work, self.id, partial(put_now, self.id, now_of(world)))


def snapshot_row(name: str, moment: Moment) -> SnapshotRow:
    return SnapshotRow(name, moment.course.id, len(moment.steps), now_at(moment), moment.faults.armed)
