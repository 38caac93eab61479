"""The cost of worlds: selection, snapshots, state files, and opening a state file."""

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
from unittest import mock

from benchmarks import servers
from benchmarks.commands import BLOCK, CALLERS, UNBLOCK, command_rate, command_requests
from benchmarks.rounds import Plan, Round, interleave
from benchmarks.servers import running
from emulator import Emulator
from emulator.state.persistence import COMMITTED, CommitToken
from emulator.state.steps import Step
from emulator.web.app import split_world
from emulator.worlds.loading.scenarios import replay_step
from emulator.worlds.registry import MAX_WORLDS, WorldRegistry

LOOKUP_LIMIT = 15.0
"""Limit in microseconds for the selection of a world."""
SNAPSHOT_LIMIT = 1.0
"""Limit in milliseconds for a snapshot, a restore, a branch and an undo, each."""
CHANGES_LIMIT = 1.0
"""Limit in milliseconds for an assertion about all changes of a command."""
OPENING_LIMIT = 10.0
"""Limit in seconds for a server to open a file of `STEPS` steps."""
STEPS = 100_000
TEXTS = 4
"""Text changes for each command in such a file."""
FEW, MANY = 200, 36_404
TIMES = 50
COMMIT_BYTES = 1_500
"""Approximate bytes of a command in the file."""


def world_lookup(plan: Plan) -> Iterator[Round]:
    """Measure the microseconds to find the world of a path, in a full server."""
    oms = Emulator("empty")
    for number in range(MAX_WORLDS - 1):
        oms.branch(f"world-{number}")
    path, times = "/w/world-500/api/v1/oms/packages/", 20_000
    for _ in range(plan.groups * plan.rounds):
        began = perf_counter()
        for _ in range(times):
            look_up_world(oms.worlds, path)
        yield Round((perf_counter() - began) / times * 1e6, LOOKUP_LIMIT)


def look_up_world(worlds: WorldRegistry, path: str) -> None:
    worlds.get(split_world(path, {})[0])


def snapshot_milliseconds(packages: int) -> float:
    """Return the slowest of snapshot, restore, branch and undo, in milliseconds (medians)."""
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


def snapshot_limit(plan: Plan) -> Iterator[Round]:
    for _ in range(plan.groups):
        for packages in (FEW, MANY):
            yield Round(snapshot_milliseconds(packages), SNAPSHOT_LIMIT)


def changes_milliseconds(packages: int) -> float:
    """Return the median of the time to record the changes of a packing command and to assert all of them."""
    oms, took = Emulator("demo", packages=packages), []
    session, pack = oms.session(), {"transition": 3, "input_parameters": {}}
    for _ in range(TIMES):
        pk = oms.package(state="Waiting")["id"]
        began = perf_counter()
        changes = oms.changes()
        took.append(perf_counter() - began)
        session.post(f"/api/v1/oms/packages/{pk}/command/", json=pack)
        expected = changes.by_kind()
        began = perf_counter()
        changes.__exit__(None, None, None)
        changes.only(**expected)
        took[-1] += perf_counter() - began
    return 1000 * median(took)


def changes_limit(plan: Plan) -> Iterator[Round]:
    for _ in range(plan.groups):
        yield Round(changes_milliseconds(MANY), CHANGES_LIMIT)


def snapshot_size(plan: Plan) -> Iterator[Round]:
    return interleave(
        plan.groups * plan.rounds, partial(snapshot_milliseconds, MANY), partial(snapshot_milliseconds, FEW)
    )


@contextmanager
def folder() -> Iterator[Path]:
    """Create a folder on the disk of this repository, because a folder in memory would not measure the disk."""
    with tempfile.TemporaryDirectory(dir=servers.ROOT, prefix=".bench-") as name:
        yield Path(name)


def durable(plan: Plan) -> Iterator[Round]:
    """Compare the commands per second with a state file and in memory."""
    for _ in range(plan.groups):
        with folder() as there, running(state_file_command(there)) as kept, running(servers.ours()) as memory:
            ours, theirs = (partial(command_rate, each, command_requests(each), plan) for each in (kept, memory))
            ours(), theirs()
            yield from interleave(plan.rounds, ours, theirs)


def state_file_command(there: Path) -> list[str]:
    return servers.ours("--state", str(there / "state"))


def durable_disk(plan: Plan) -> Iterator[Round]:
    """Compare it with the disk's own commits: one row for each caller in each commit."""
    for _ in range(plan.groups):
        with folder() as there, running(state_file_command(there)) as kept:
            ours = partial(command_rate, kept, command_requests(kept), plan)
            ours()
            yield from interleave(plan.rounds, ours, partial(group_commits, there / "peer", plan))


def group_commits(file: Path, plan: Plan) -> float:
    """Return the rows per second that SQLite commits on this disk."""
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
    """Measure the seconds until a server with a file of many steps is ready."""
    with folder() as there:
        file = there / "state"
        fill(file, STEPS)
        for _ in range(plan.groups * plan.rounds):
            with running(servers.ours("--state", str(file))) as server:
                yield Round(server.ready_after, OPENING_LIMIT)


def without_waiting(save: Callable[..., object]) -> Callable[..., CommitToken]:
    """Return a `save` that does not wait for the disk, so that steps are written in large groups."""

    def saved(*arguments: object) -> CommitToken:
        save(*arguments)
        return COMMITTED

    return saved


def fill(file: Path, steps: int) -> None:
    """Write a state file with this number of steps: text changes, and every fifth step is a command."""
    oms = Emulator("demo", state=file)
    session = oms.session()
    found = session.get("/api/v1/oms/packages/short/?limit=100&state__enum_value=100").json()["results"]
    pks = [package["id"] for package in found]
    persistence = oms.world.persistence
    with mock.patch.object(persistence, "save_write", without_waiting(persistence.save_write)):
        for step in islice(steps_on(pks), steps):
            replay_step(oms.world, step._replace(user="admin", request_id=oms.world.new_request_id()))
    oms.close()


def steps_on(pks: Sequence[int]) -> Iterator[Step]:
    """Yield valid steps for the packages, without end."""
    for turn in count():
        command = {"transition": UNBLOCK if turn % 2 else BLOCK, "input_parameters": {}}
        for pk in pks:
            for number in range(TEXTS):
                yield Step("set_package_remote_id", {"pk": pk}, body={"remote_id": f"R-{turn}-{number}"})
            yield Step("command_package", {"pk": pk}, body=command)
