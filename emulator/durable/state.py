"""The worlds of a server, kept in a file: taken from it at the start, and every change put there in its order."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import orjson

from emulator.core.refusals import Conflict, NotKept
from emulator.core.store import Transaction
from emulator.core.world import Safe, World
from emulator.durable.changes import Changed, as_text, changed_by
from emulator.durable.courses import Course, Table, forget_unused, parts_of, place_of, steps_of, table_of
from emulator.durable.file import StateProblem, is_new, looking, make, open_to_write
from emulator.durable.history import History
from emulator.durable.now import Now, now_of
from emulator.durable.starts import difference, digest_of, identity_of, scenario_of, start_of, text_of
from emulator.durable.writer import Work, Writer
from emulator.loading import load, open_world
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
        forget_unused(connection, [each.course for each in kept], table)
        connection.execute("DELETE FROM scenarios WHERE digest NOT IN (SELECT scenario FROM worlds)")
        connection.execute("COMMIT")
        self._ids = max([0, *table, *(each.id for each in kept)])
        self._lock = threading.Lock()
        self._keepers: dict[str, KeptWorld] = {}
        self.writer = Writer(self.path, connection)
        courses: dict[int, Course] = {}
        for each, world in zip(kept, self.opened, strict=True):
            world.course = self._known_course(each.course, table, courses)
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
        row = (id_, world.name, digest, course.id, now_of(world).text())
        safe = self.writer.add(partial(put_world, row, scenario, course_row(course)))
        world.course = course
        self._attach(id_, world)
        return safe

    def delete(self, name: str) -> Safe:
        """Keep a world no longer; give what waits until the file says so."""
        self._keepers.pop(name, None)
        return self.writer.add(done("DELETE FROM worlds WHERE name = ?", name))

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

    def keep(self, world: World, line: bytes, transaction: Transaction) -> Safe:
        at = place_of(world.course.id, len(world.steps))
        return self._add(world, partial(put_step, at, line, changed_by(transaction)))

    def rewrite(self, world: World) -> Safe:
        course = world.course = self._course = self.state.new_course(world)
        return self._add(world, partial(put_course, self.id, course_row(course)))

    def keep_time(self, world: World) -> Safe:
        return self._add(world, None)

    def _add(self, world: World, work: Work | None) -> Safe:
        return self.state.writer.add(work, self.id, partial(put_now, self.id, now_of(world)))


def course_row(course: Course) -> tuple[int, int | None, int]:
    return course.id, None if course.parent is None else course.parent.id, course.upto


def done(statement: str, *values: object) -> Work:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(statement, values)

    return work


def put_step(at: int, line: bytes, changed: Changed, connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO steps VALUES (?, ?, ?)", (at, line, as_text(changed)))


def put_now(world: int, now: Now, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE worlds SET now = ? WHERE id = ?", (now.text(), world))


def put_course(world: int, row: tuple[int, int | None, int], connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", row)
    connection.execute("UPDATE worlds SET course = ? WHERE id = ?", (row[0], world))


def put_world(
    row: tuple[int, str, str, int, str],
    scenario: tuple[str, bytes, str | None, str],
    course: tuple[int, int | None, int],
    connection: sqlite3.Connection,
) -> None:
    connection.execute("INSERT OR IGNORE INTO scenarios VALUES (?, ?, ?, ?)", scenario)
    connection.execute("INSERT INTO courses VALUES (?, ?, ?)", course)
    connection.execute("DELETE FROM worlds WHERE name = ?", (row[1],))
    connection.execute("INSERT INTO worlds VALUES (?, ?, ?, ?, ?)", row)


def worlds_of(connection: sqlite3.Connection, start: Scenario | None = None) -> Iterable[Kept]:
    """Give the worlds of a file, the oldest first; those of the scenario that is there already share it."""
    usual: Mapping[str, Scenario] = {} if start is None else {digest_of(start): start}
    scenarios = {
        digest: usual.get(digest) or scenario_of(text, request)
        for digest, text, request in connection.execute("SELECT digest, document, request FROM scenarios")
    }
    rows = connection.execute("SELECT id, name, scenario, course, now FROM worlds ORDER BY id")
    for id_, name, digest, course, now in rows:
        yield Kept(id_, name, scenarios[digest], course, Now.of(now))


class Told(NamedTuple):
    """What a world's export says."""

    start: Scenario
    lines: list[bytes]
    now: datetime


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
    start = kept[name].scenario
    return Told(start, [*start.steps, *lines], kept[name].now.now)


def opened(kept: Kept, connection: sqlite3.Connection, table: Table, *, strict: bool) -> World:
    """Give a world as the file has it. `ValueError` where it starts from something else now, or is not whole."""
    world = open_world(kept.scenario, kept.now.mode, kept.name, strict=strict)
    rows = connection.execute("SELECT start FROM scenarios WHERE digest = ?", (digest_of(kept.scenario),))
    if rows.fetchone() != (start_of(world.base),):
        raise StartChanged(
            f"scenario {kept.scenario.name} started otherwise when it was made:"
            " with another installation file, or another version of oms-emulator"
        )
    history = History(world.root, len(world.steps))
    for number, line, changes in steps_of(connection, parts_of(kept.course, table)):
        history.learn(number, changes)
        world.steps.append(line)
    world.root = history.root()
    world.undoable.clear()
    kept.now.put(world)
    return world
