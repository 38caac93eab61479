"""What is state but no record comes back with a state file: snapshots, faults, throttle windows, limits, pace."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from emulator import Emulator
from emulator.cli.export import from_file
from emulator.core.ids import RequestIds
from emulator.core.records import Package
from emulator.core.world import World
from emulator.exporting import as_file
from emulator.inworld import InWorld
from tests.durable.test_state import EVERY_KIND, PACKAGES, as_after_a_kill, stock
from tests.support.reads import everything, in_process
from tests.support.traffic import SKU, Traffic

LIMITS = {"full-access": {"write": "3/min"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "worlds.db"


@pytest.fixture
def closing_all() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(file: Path, stack: ExitStack, scenario: str = "demo", **options: Any) -> Emulator:
    size = {"packages": PACKAGES} if scenario == "demo" else {}
    oms = Emulator(scenario, state=file, **size, **options)
    stack.callback(oms.close)
    return oms


def as_restored(oms: InWorld, name: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Give all that a world is once a snapshot is restored, its export included."""
    oms.restore(name)
    return everything(oms), oms.export()


@pytest.mark.parametrize("seed", range(4))
def test_every_snapshot_of_a_killed_server_is_restored_as_it_was(
    seed: int, file: Path, closing_all: ExitStack
) -> None:
    """Taken amid random traffic, undo, restore and reset; on the way to what the world is, and off it."""
    oms, dice = opened(file, closing_all), Random(seed)
    traffic = Traffic(oms, in_process(oms), seed)
    for name in "abcdefgh":
        traffic.run(4, EVERY_KIND)
        oms.snapshot(name)
        if dice.random() < 0.5:
            oms.restore(dice.choice(list(oms.world.snapshots)))
        if dice.random() < 0.2:
            oms.reset()
    before = everything(oms)
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    names = list(oms.world.snapshots)
    assert list(killed.world.snapshots) == names
    assert everything(killed) == before
    dice.shuffle(names)
    for name in names:
        assert as_restored(killed, name) == as_restored(oms, name), name
    again = opened(as_after_a_kill(file.with_name("killed.db"), "again.db"), closing_all)
    for name in reversed(names):
        assert as_restored(again, name) == as_restored(oms, name), name


def test_a_restored_snapshot_goes_on_like_one_that_never_left_memory(file: Path, closing_all: ExitStack) -> None:
    """Also from a snapshot off the world's way, and as a branch."""
    oms = opened(file, closing_all)
    for quantity in (1, 2):
        stock(oms, quantity)
    oms.snapshot("off-the-way")
    oms.undo()
    stock(oms, 3)
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    for one in (oms, killed):
        one.worlds.branch("branch", one.world, one.world.snapshots["off-the-way"])
        one.restore("off-the-way")
        for world in (one, one.in_world("branch")):
            world.world.request_ids = RequestIds(500)
            Traffic(world, in_process(world), 5).run(20, EVERY_KIND)
    for name in ("default", "branch"):
        assert everything(killed.in_world(name)) == everything(oms.in_world(name))
    later = opened(as_after_a_kill(file.with_name("killed.db"), "later.db"), closing_all)
    assert everything(later.in_world("branch")) == everything(oms.in_world("branch"))


def test_what_a_snapshot_needs_stays_and_goes_with_its_world(file: Path, closing_all: ExitStack) -> None:
    """Steps that only a snapshot has outlive restarts; a deleted or replaced world leaves none of them."""
    oms = opened(file, closing_all)
    other = oms.in_world("other", seed=2)
    for world in (oms, other):
        for quantity in range(1, 4):
            stock(world, quantity)
        world.snapshot("three")
        world.reset()
    oms.close()
    for _ in range(2):
        again = opened(file, closing_all)
        assert [len(again.in_world(name).world.snapshots["three"].steps) for name in ("default", "other")] == [3, 3]
        again.close()
    again = opened(file, closing_all)
    again.worlds.delete("other")
    again.worlds.put("default")
    again.close()
    opened(file, closing_all).close()
    with closing(sqlite3.connect(file)) as connection:
        counts = connection.execute("SELECT (SELECT count(*) FROM snapshots), (SELECT count(*) FROM steps)")
        assert counts.fetchone() == (0, 0)


def test_a_snapshot_costs_no_copy_of_the_data(file: Path, closing_all: ExitStack) -> None:
    """Its row has a place among the steps, and grows neither with the records nor with the steps."""
    oms = opened(file, closing_all)
    for name in ("early", "late"):
        oms.snapshot(name)
        for quantity in range(1, 60):
            stock(oms, quantity)
    oms.close()
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT upto, length(now) + length(faults) FROM snapshots ORDER BY position")
        sizes = rows.fetchall()
    assert [upto for upto, _ in sizes] == [0, 59]
    assert all(size < 300 for _, size in sizes)


def called(oms: InWorld, method: str = "GET", path: str = "packages/?limit=1", **options: Any) -> int:
    return oms.session().request(method, f"/api/v1/oms/{path}", **options).status_code


def armed(world: World) -> list[Any]:
    return [(each, each.seen) for each in world.faults.copy().armed]


def test_armed_faults_come_back_with_their_counts(file: Path, closing_all: ExitStack) -> None:
    """The next call fails whether or not the server was killed before it; so do the same calls of a rate."""
    oms = opened(file, closing_all)
    oms.faults.add("list_packages", status=503, nth=2, times=2)
    oms.faults.add(method="POST", status=500)
    oms.faults.add("get_package", status=502, rate=0.5)
    oms.faults.remove(2)
    pks = list(oms.world.root.ids(Package))
    for pk in pks:
        called(oms, path=f"packages/{pk}/")
    assert called(oms) == 200
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    assert armed(killed.world) == armed(oms.world)
    calls = [None, None, None, *pks * 3]
    answers = [
        [called(each, path="packages/?limit=1" if pk is None else f"packages/{pk}/") for pk in calls]
        for each in (oms, killed)
    ]
    assert answers[0] == answers[1]
    assert answers[0][:3] == [503, 503, 200]
    assert {200, 502} <= set(answers[0])
    assert killed.faults.add(status=500)["id"] == 4
    oms.faults.clear()
    assert opened(as_after_a_kill(file, "later.db"), closing_all).faults.list() == []


def test_a_snapshot_s_faults_and_windows_come_back_with_it(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all, limits=LIMITS)
    oms.faults.add("list_packages", status=503, nth=3)
    called(oms)
    called(oms, "POST", "packages/1/command/")
    oms.snapshot("armed")
    oms.faults.clear()
    oms.clock.advance(hours=1)
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all, limits=LIMITS)
    assert killed.faults.list() == []
    killed.restore("armed")
    oms.restore("armed")
    again = opened(as_after_a_kill(file.with_name("killed.db"), "again.db"), closing_all, limits=LIMITS)
    assert armed(again.world) == armed(killed.world) == armed(oms.world)
    assert again.world.throttle.calls() == killed.world.throttle.calls() == oms.world.throttle.calls()
    assert [called(again) for _ in range(3)] == [200, 503, 200]


@pytest.mark.parametrize("scenario", ["flaky", "rate-limited"])
def test_a_scenario_s_own_faults_and_limits_outlive_a_reset_after_a_restart(
    scenario: str, file: Path, closing_all: ExitStack
) -> None:
    """The world of another scenario starts with them again, though the server was started with `demo`."""
    oms = opened(file, closing_all)
    there = oms.in_world("there", scenario)
    there.faults.clear()
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all).in_world("there")
    assert killed.faults.list() == []
    for one in (there, killed):
        one.reset()
    assert armed(killed.world) == armed(there.world)
    assert killed.world.settings.limits == there.world.settings.limits
    assert armed(killed.world) or killed.world.settings.limits


def test_throttle_windows_and_limits_go_on_after_a_kill(file: Path, closing_all: ExitStack) -> None:
    """A call that was let in counts after the restart, though it wrote nothing."""
    oms = opened(file, closing_all, limits=LIMITS)
    for _ in range(2):
        assert called(oms, "POST", "packages/0/command/", json={}) == 404
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all, limits=LIMITS)
    assert [called(killed, "POST", "packages/0/command/", json={}) for _ in range(2)] == [404, 429]
    again = opened(as_after_a_kill(file.with_name("killed.db"), "again.db"), closing_all, limits=LIMITS)
    assert called(again, "POST", "packages/0/command/", json={}) == 429


def clock_and_rate(world: World) -> tuple[str, float, tuple[float | None, bool]]:
    return world.clock.mode, world.clock.speed, tuple(world.schedule.rate)


def test_the_speed_of_the_clock_and_the_pace_come_back(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all, live=30, clock="frozen")
    session = oms.session()
    assert session.put("/__admin/clock", json={"mode": "ticking", "speed": 60}).status_code == 200
    assert session.put("/__admin/live", json={"orders_per_hour": 7, "paused": True}).status_code == 200
    oms.snapshot("paused")
    oms.stop()
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all, live=30, clock="frozen")
    assert clock_and_rate(killed.world) == ("ticking", 60, (7, True))
    killed.clock.freeze()
    killed.restore("paused")
    assert clock_and_rate(killed.world) == ("ticking", 60, (7, True))


def test_the_export_of_a_state_file_says_what_the_server_s_says(file: Path, closing_all: ExitStack) -> None:
    """Faults with their counts, windows and pace included."""
    oms = opened(file, closing_all, limits=LIMITS)
    oms.faults.add("list_packages", status=503, rate=0.5)
    called(oms)
    stock(oms)
    called(oms, "POST", "packages/0/command/", json={})
    assert from_file(as_after_a_kill(file, "killed.db"), "default") == as_file(oms.export())
    assert SKU in as_file(oms.export()).decode()


def test_faults_of_the_scenario_keep_their_ids_after_a_restart_without_a_write(tmp_path: Path) -> None:
    with closing(Emulator("flaky", state=tmp_path / "state.db")) as first:
        ids = [fault["id"] for fault in first.faults.list()]
    with closing(Emulator("flaky", state=tmp_path / "state.db")) as second:
        assert [fault["id"] for fault in second.faults.list()] == ids
        assert second.faults.add(status=503)["id"] == max(ids) + 1
