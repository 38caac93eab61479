"""A state file restores snapshots, faults, throttle windows, limits and the traffic rate."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from emulator import Emulator
from emulator.cli.data import export_from_file
from emulator.client.world_handle import WorldHandle
from emulator.core.records import Package
from emulator.state.clock import TrafficRate
from emulator.state.journal import RequestIds
from emulator.state.world import World
from emulator.worlds.loading.scenarios import encode_scenario_file
from tests.support.reads import read_everything, wsgi_sender
from tests.support.traffic import SKU, Traffic
from tests.worlds.sqlite.test_state import ALL_REQUESTS, PACKAGES, copy_as_after_a_kill, set_stock

LIMITS = {"full-access": {"write": "3/min"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "worlds.db"


@pytest.fixture
def open_emulators() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def open_emulator(file: Path, stack: ExitStack, scenario: str = "demo", **options: Any) -> Emulator:
    size = {"packages": PACKAGES} if scenario == "demo" else {}
    oms = Emulator(scenario, state=file, **size, **options)
    stack.callback(oms.close)
    return oms


def restored_contents(oms: WorldHandle, name: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Restore a snapshot and return all answers and the export."""
    oms.restore(name)
    return read_everything(oms), oms.export()


def clock_and_rate(world: World) -> tuple[str, float, TrafficRate]:
    return world.clock.mode, world.clock.speed, world.schedule.rate


@pytest.mark.parametrize("seed", range(4))
def test_every_snapshot_of_a_killed_server_is_restored(seed: int, file: Path, open_emulators: ExitStack) -> None:
    """Snapshots are taken between random requests, undo, restore and reset."""
    oms, rng = open_emulator(file, open_emulators), Random(seed)
    traffic = Traffic(oms, wsgi_sender(oms), seed)
    for name in "abcdefgh":
        traffic.run(4, ALL_REQUESTS)
        oms.snapshot(name)
        if rng.random() < 0.5:
            oms.restore(rng.choice(list(oms.world.snapshots)))
        if rng.random() < 0.2:
            oms.reset()
    before = read_everything(oms)
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    names = list(oms.world.snapshots)
    assert list(killed.world.snapshots) == names
    assert read_everything(killed) == before
    rng.shuffle(names)
    for name in names:
        assert restored_contents(killed, name) == restored_contents(oms, name), name
    reopened = open_emulator(copy_as_after_a_kill(file.with_name("killed.db"), "again.db"), open_emulators)
    for name in reversed(names):
        assert restored_contents(reopened, name) == restored_contents(oms, name), name


def test_restored_snapshot_continues_like_one_in_memory(file: Path, open_emulators: ExitStack) -> None:
    """The snapshot is not in the history of the world. It is also used for a branch."""
    oms = open_emulator(file, open_emulators)
    for quantity in (1, 2):
        set_stock(oms, quantity)
    oms.snapshot("before-undo")
    oms.undo()
    set_stock(oms, 3)
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    for one in (oms, killed):
        one.worlds.branch("branch", one.world, one.world.snapshots["before-undo"])
        one.restore("before-undo")
        for world in (one, one.in_world("branch")):
            world.world.request_ids = RequestIds(500)
            Traffic(world, wsgi_sender(world), 5).run(20, ALL_REQUESTS)
    for name in ("default", "branch"):
        assert read_everything(killed.in_world(name)) == read_everything(oms.in_world(name))
    later = open_emulator(copy_as_after_a_kill(file.with_name("killed.db"), "later.db"), open_emulators)
    assert read_everything(later.in_world("branch")) == read_everything(oms.in_world("branch"))


def test_steps_of_a_snapshot_are_kept_until_its_world_is_deleted(file: Path, open_emulators: ExitStack) -> None:
    """They survive restarts, and are deleted when the world is deleted or replaced."""
    oms = open_emulator(file, open_emulators)
    other = oms.in_world("other", seed=2)
    for world in (oms, other):
        for quantity in range(1, 4):
            set_stock(world, quantity)
        world.snapshot("three")
        world.reset()
    oms.close()
    for _ in range(2):
        reopened = open_emulator(file, open_emulators)
        assert [len(reopened.in_world(name).world.snapshots["three"].steps) for name in ("default", "other")] == [
            3,
            3,
        ]
        reopened.close()
    reopened = open_emulator(file, open_emulators)
    reopened.worlds.delete("other")
    reopened.worlds.create("default")
    reopened.close()
    open_emulator(file, open_emulators).close()
    with closing(sqlite3.connect(file)) as connection:
        counts = connection.execute("SELECT (SELECT count(*) FROM snapshots), (SELECT count(*) FROM steps)")
        assert counts.fetchone() == (0, 0)


def test_snapshot_does_not_copy_the_data(file: Path, open_emulators: ExitStack) -> None:
    """Its row refers to a step, and its size depends neither on the records nor on the steps."""
    oms = open_emulator(file, open_emulators)
    for name in ("early", "late"):
        oms.snapshot(name)
        for quantity in range(1, 60):
            set_stock(oms, quantity)
    oms.close()
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT upto, length(now) + length(faults) FROM snapshots ORDER BY position")
        sizes = rows.fetchall()
    assert [upto for upto, _ in sizes] == [0, 59]
    assert all(size < 300 for _, size in sizes)


def status_of(oms: WorldHandle, method: str = "GET", path: str = "packages/?limit=1", **options: Any) -> int:
    return oms.session().request(method, f"/api/v1/oms/{path}", **options).status_code


def armed_faults(world: World) -> list[Any]:
    return [(each, each.request_counts) for each in world.faults.copy().armed]


def test_faults_are_restored_with_their_counts(file: Path, open_emulators: ExitStack) -> None:
    """After a kill, the next calls fail exactly as they would have without it, including those of a rate."""
    oms = open_emulator(file, open_emulators)
    oms.faults.add("list_packages", status=503, nth=2, times=2)
    oms.faults.add(method="POST", status=500)
    oms.faults.add("get_package", status=502, rate=0.5)
    oms.faults.remove(2)
    pks = list(oms.world.records.ids(Package))
    for pk in pks:
        status_of(oms, path=f"packages/{pk}/")
    assert status_of(oms) == 200
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    assert armed_faults(killed.world) == armed_faults(oms.world)
    calls = [None, None, None, *pks * 3]
    answers = [
        [status_of(each, path="packages/?limit=1" if pk is None else f"packages/{pk}/") for pk in calls]
        for each in (oms, killed)
    ]
    assert answers[0] == answers[1]
    assert answers[0][:3] == [503, 503, 200]
    assert {200, 502} <= set(answers[0])
    assert killed.faults.add(status=500)["id"] == 4
    oms.faults.clear()
    assert open_emulator(copy_as_after_a_kill(file, "later.db"), open_emulators).faults.list() == []


def test_faults_and_throttle_windows_of_a_snapshot_are_restored(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators, limits=LIMITS)
    oms.faults.add("list_packages", status=503, nth=3)
    status_of(oms)
    status_of(oms, "POST", "packages/1/command/")
    oms.snapshot("armed")
    oms.faults.clear()
    oms.clock.advance(hours=1)
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators, limits=LIMITS)
    assert killed.faults.list() == []
    killed.restore("armed")
    oms.restore("armed")
    reopened = open_emulator(
        copy_as_after_a_kill(file.with_name("killed.db"), "again.db"), open_emulators, limits=LIMITS
    )
    assert armed_faults(reopened.world) == armed_faults(killed.world) == armed_faults(oms.world)
    assert (
        reopened.world.throttle.copy_calls() == killed.world.throttle.copy_calls() == oms.world.throttle.copy_calls()
    )
    assert [status_of(reopened) for _ in range(3)] == [200, 503, 200]


@pytest.mark.parametrize("scenario", ["flaky", "rate-limited"])
def test_reset_after_a_restart_restores_faults_and_limits_of_the_scenario(
    scenario: str, file: Path, open_emulators: ExitStack
) -> None:
    """Also when the scenario of the world is not the one that the server was started with."""
    oms = open_emulator(file, open_emulators)
    there = oms.in_world("there", scenario)
    there.faults.clear()
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators).in_world("there")
    assert killed.faults.list() == []
    for one in (there, killed):
        one.reset()
    assert armed_faults(killed.world) == armed_faults(there.world)
    assert killed.world.settings.limits == there.world.settings.limits
    assert armed_faults(killed.world) or killed.world.settings.limits


def test_throttle_windows_and_limits_survive_a_kill(file: Path, open_emulators: ExitStack) -> None:
    """A call that wrote nothing counts after the restart."""
    oms = open_emulator(file, open_emulators, limits=LIMITS)
    for _ in range(2):
        assert status_of(oms, "POST", "packages/0/command/", json={}) == 404
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators, limits=LIMITS)
    assert [status_of(killed, "POST", "packages/0/command/", json={}) for _ in range(2)] == [404, 429]
    reopened = open_emulator(
        copy_as_after_a_kill(file.with_name("killed.db"), "again.db"), open_emulators, limits=LIMITS
    )
    assert status_of(reopened, "POST", "packages/0/command/", json={}) == 429


def test_speed_of_the_clock_and_traffic_rate_are_restored(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators, live=30, clock="frozen")
    session = oms.session()
    assert session.put("/__admin/clock", json={"mode": "ticking", "speed": 60}).status_code == 200
    assert session.put("/__admin/live", json={"orders_per_hour": 7, "paused": True}).status_code == 200
    oms.snapshot("paused")
    oms.stop()
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators, live=30, clock="frozen")
    assert clock_and_rate(killed.world) == ("ticking", 60, (7, True))
    killed.clock.freeze()
    killed.restore("paused")
    assert clock_and_rate(killed.world) == ("ticking", 60, (7, True))


def test_export_of_a_state_file_equals_the_export_of_the_server(file: Path, open_emulators: ExitStack) -> None:
    """It includes faults with their counts, throttle windows and the traffic rate."""
    oms = open_emulator(file, open_emulators, limits=LIMITS)
    oms.faults.add("list_packages", status=503, rate=0.5)
    status_of(oms)
    set_stock(oms)
    status_of(oms, "POST", "packages/0/command/", json={})
    assert export_from_file(copy_as_after_a_kill(file, "killed.db"), "default") == encode_scenario_file(oms.export())
    assert SKU in encode_scenario_file(oms.export()).decode()


def test_faults_of_the_scenario_keep_their_ids_after_a_restart_without_a_write(tmp_path: Path) -> None:
    with closing(Emulator("flaky", state=tmp_path / "state.db")) as first:
        ids = [fault["id"] for fault in first.faults.list()]
    with closing(Emulator("flaky", state=tmp_path / "state.db")) as second:
        assert [fault["id"] for fault in second.faults.list()] == ids
        assert second.faults.add(status=503)["id"] == max(ids) + 1
