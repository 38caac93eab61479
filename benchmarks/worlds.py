"""What worlds cost: to choose one, to keep a moment of one, to have one on disk, to open one from there."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import servers
from benchmarks.commanding import BLOCK, CALLERS, UNBLOCK, command_rate, commands
from benchmarks.rounds import Plan, Round, interleaved
from benchmarks.servers import running
from emulator import Emulator
from emulator.core.moments import Keeper, Safe
from emulator.core.steps import Step
from emulator.core.store import Transaction
from emulator.core.world import World, at_once
from emulator.repeating import repeat_step
from emulator.web.door import addressed_world
from emulator.worlds import MOST_WORLDS, Worlds

CHOOSING_LIMIT = 15.0
"""Microseconds that it may cost to choose a world."""
MOMENT_LIMIT = 1.0
"""Milliseconds that a snapshot, a restore, a branch and an undo may each take."""
OPENING_LIMIT = 10.0
"""Seconds until a server answers that opens a file of `STEPS`."""
STEPS = 100_000
TEXTS = 4
"""How many texts are set for each command in such a file."""
FEW, MANY, MILLION = 200, 36_404, 1_000_000
TIMES = 50
COMMIT_BYTES = 1_500
"""About what one command puts into the file."""


def choosing(plan: Plan) -> Iterator[Round]:
    """Microseconds to find the world that a path names, among as many as a server has."""
    oms = Emulator("empty")
    for number in range(MOST_WORLDS - 1):
        oms.branch(f"world-{number}")
    path, times = "/w/world-500/api/v1/oms/packages/", 20_000
    for _ in range(plan.groups * plan.rounds):
        began = perf_counter()
        for _ in range(times):
            chosen(oms.worlds, path)
        yield Round((perf_counter() - began) / times * 1e6, CHOOSING_LIMIT)


def chosen(worlds: Worlds, path: str) -> None:
    worlds.named(addressed_world(path, {})[0])


def moments(packages: int) -> float:
    """The dearest of snapshot, restore, branch and undo in milliseconds: of each its usual time."""
    oms = Emulator("demo", packages=packages)
    took: dict[str, list[float]] = {}

    def time(name: str, work: Callable[[], object]) -> None:
        began = perf_counter()
        work()
        took.setdefault(name, []).append(1000 * (perf_counter() - began))

    for turn in range(TIMES):
        oms.carrier(oms.package(state="Shipped")["id"], "delivered")
        time("snapshot", partial(oms.snapshot, f"s{turn}"))
        oms.cancel_package(oms.package(state="Waiting")["id"])
        time("branch", partial(oms.branch, f"b{turn}"))
        time("undo", oms.undo)
        time("restore", partial(oms.restore, f"s{turn}"))
    return max(median(each) for each in took.values())


def moment_limit(plan: Plan) -> Iterator[Round]:
    for _ in range(plan.groups):
        for packages in (FEW, MANY, MILLION):
            yield Round(moments(packages), MOMENT_LIMIT)


def moment_size(plan: Plan) -> Iterator[Round]:
    return interleaved(plan.groups * plan.rounds, partial(moments, MILLION), partial(moments, FEW))


@contextmanager
def folder() -> Iterator[Path]:
    """A folder on the disk that this repository is on: what is in memory has nothing to wait for."""
    with tempfile.TemporaryDirectory(dir=servers.ROOT, prefix=".bench-") as name:
        yield Path(name)


def durable(plan: Plan) -> Iterator[Round]:
    """Commands per second that are on disk when they are acknowledged, beside the same in memory."""
    for _ in range(plan.groups):
        with folder() as there, running(keeping(there)) as kept, running(servers.ours()) as memory:
            ours, theirs = (partial(command_rate, each, commands(each), plan) for each in (kept, memory))
            ours(), theirs()
            yield from interleaved(plan.rounds, ours, theirs)


def keeping(there: Path) -> list[str]:
    return servers.ours("--state", str(there / "state"))


def durable_disk(plan: Plan) -> Iterator[Round]:
    """The same beside what the disk can do: a row for each caller in a commit, one commit after another."""
    for _ in range(plan.groups):
        with folder() as there, running(keeping(there)) as kept:
            ours = partial(command_rate, kept, commands(kept), plan)
            ours()
            yield from interleaved(plan.rounds, ours, partial(group_commits, there / "peer", plan))


def group_commits(file: Path, plan: Plan) -> float:
    """Rows per second that SQLite puts on this disk."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE IF NOT EXISTS rows (at INTEGER PRIMARY KEY, body BLOB)")
        began, rows = perf_counter(), 0
        while perf_counter() - began < plan.seconds:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO rows (body) VALUES (?)", [(os.urandom(COMMIT_BYTES),)] * CALLERS)
            connection.execute("COMMIT")
            rows += CALLERS
        return rows / (perf_counter() - began)


def opening(plan: Plan) -> Iterator[Round]:
    """Seconds until a server answers that opens a file of many steps."""
    with folder() as there:
        file = there / "state"
        fill(file, STEPS)
        for _ in range(plan.groups * plan.rounds):
            with running(servers.ours("--state", str(file))) as server:
                yield Round(server.ready_after, OPENING_LIMIT)


class Hasty:
    """A world's keeper for whom nobody waits: what is written goes to disk in large groups."""

    def __init__(self, kept: Keeper) -> None:
        self.kept = kept

    def check(self) -> None:
        self.kept.check()

    def keep(self, world: World, lines: Sequence[bytes], transaction: Transaction) -> Safe:
        self.kept.keep(world, lines, transaction)
        return at_once


def fill(file: Path, steps: int) -> None:
    """Make a file of so many steps, as a server writes them: texts are set, and every fifth step is a command."""
    oms = Emulator("demo", state=file)
    session = oms.session()
    found = session.get("/api/v1/oms/packages/short/?limit=100&state__enum_value=100").json()["results"]
    pks = [package["id"] for package in found]
    oms.world.keeper = Hasty(oms.world.keeper)  # type: ignore[assignment]  # of a keeper, what writes need
    for step in islice(steps_on(pks), steps):
        repeat_step(oms.world, step._replace(user="admin", request_id=oms.world.new_request_id()))
    oms.close()


def steps_on(pks: Sequence[int]) -> Iterator[Step]:
    """Give steps that packages allow, without end."""
    for turn in count():
        command = {"transition": UNBLOCK if turn % 2 else BLOCK, "input_parameters": {}}
        for pk in pks:
            for number in range(TEXTS):
                yield Step("set_package_remote_id", {"pk": pk}, body={"remote_id": f"R-{turn}-{number}"})
            yield Step("command_package", {"pk": pk}, body=command)
