"""A server with a state file goes on exactly where it was: after a clean stop, and after none at all."""

from __future__ import annotations

import gc
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from emulator import Emulator
from emulator.core.ids import RequestIds
from emulator.core.records import Package, Stock, Webhook, WebhookEvent
from emulator.core.refusals import Conflict
from emulator.durable.branches import first_at, parts_of, table_of
from emulator.inworld import InWorld
from tests.support.reads import Answered, everything, in_process
from tests.support.traffic import OTHERS, SKU, WRITES, Traffic

PACKAGES = 6
ASKS = 25


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "worlds.db"


@pytest.fixture
def closing_all() -> Iterator[ExitStack]:
    """Closes at the end what a test opened."""
    with ExitStack() as stack:
        yield stack


def opened(file: Path, stack: ExitStack) -> Emulator:
    oms = Emulator("demo", packages=PACKAGES, state=file)
    stack.callback(oms.close)
    return oms


class Seen(NamedTuple):
    """All that clients see of a world, and its clock."""

    answers: dict[str, bytes]
    mode: str
    now: datetime


def seen(oms: Emulator) -> dict[str, Seen]:
    return {
        name: Seen(everything(oms.in_world(name)), oms.in_world(name).clock.mode, oms.in_world(name).clock.now())
        for name in oms.worlds
    }


def as_after_a_kill(file: Path, name: str) -> Path:
    """Give a copy of what is on disk now, while the file is open."""
    copy = file.with_name(name)
    shutil.copy(file, copy)
    shutil.copy(f"{file}-wal", f"{copy}-wal")
    return copy


def hook(traffic: Traffic) -> Answered:
    """Subscribe to something, or end a subscription."""
    hooks = list(traffic.oms.world.root.all(Webhook))
    if len(hooks) > 5:
        return traffic.send("DELETE", f"/whisperer/hooks/{traffic.dice.choice(hooks).id}/")
    body = {
        "target_url": f"http://127.0.0.1:9/{traffic.dice.randrange(99)}",
        "event_type": traffic.dice.choice(["package.created", "package.status.transitioned"]),
        "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    }
    return traffic.send("POST", "/whisperer/hooks/", body)


EVERY_KIND = [*WRITES, *OTHERS, hook, hook]


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # slow to shrink
@given(seed=st.integers(0, 2**32))
@example(seed=7935941)
def test_the_next_server_answers_every_get_as_the_last_did(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After random traffic on three worlds - commands, orders, clocks, undo, snapshots, resets - and twice: as if it
    had been killed, and after a clean stop.
    """
    file = tmp_path_factory.mktemp("state") / "worlds.db"
    dice = Random(seed)
    with ExitStack() as stack:
        oms = opened(file, stack)
        oms.in_world("second", seed=2)
        Traffic(oms, in_process(oms), seed).run(ASKS, EVERY_KIND)
        oms.branch("third")
        for name in ("second", "third", "default"):
            world = oms.in_world(name)
            Traffic(world, in_process(world), dice.randrange(99)).run(ASKS, EVERY_KIND)
        for name in ("second", "third", "default"):
            stock(oms.in_world(name))  # the last write tells how far requests were counted, and who is throttled
        before = seen(oms)
        killed = opened(as_after_a_kill(file, "killed.db"), stack)
        assert set(killed.worlds) == set(before)
        for name in before:
            assert everything(killed.in_world(name)) == before[name].answers, name
        oms.close()
        again = opened(file, stack)
        assert seen(again) == before
        for name in ("third", "default"):  # and they go on alike, events of before included
            one, other = killed.in_world(name), again.in_world(name)
            one.clock.set(other.clock.now())
            for world in (one, other):
                world.world.request_ids = RequestIds(5_000)
                Traffic(world, in_process(world), seed).run(ASKS, EVERY_KIND)
            assert everything(one) == everything(other)


def stock(oms: InWorld, quantity: int = 7) -> None:
    place = min(each.stock_location for each in oms.world.root.all(Stock))
    oms.stock(place, SKU, quantity)


def test_all_that_was_acknowledged_is_there_and_ids_go_on(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all)
    made = [oms.package(state="Waiting")["id"] for _ in range(3)]
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    assert [killed.world.root.has(Package, id_) for id_ in made] == [True] * 3
    assert killed.package(state="Waiting")["id"] == made[-1] + 1
    assert killed.world.request_ids.next_number == 5


def test_subscriptions_are_kept(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all)
    session = oms.session()
    body = {
        "target_url": "http://127.0.0.1:9/mine",
        "event_type": "package.created",
        "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    }
    made = session.post("/whisperer/hooks/", json=body)
    assert made.status_code == 201, made.text
    first = next(iter(oms.world.root.ids(Webhook)))
    assert session.delete(f"/whisperer/hooks/{first}/").status_code == 204
    oms.package(state="Waiting")
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    assert everything(killed) == everything(oms)
    assert list(killed.world.root.queued(WebhookEvent)) == list(oms.world.root.queued(WebhookEvent))


def test_a_stopped_clock_goes_on_where_it_stopped(file: Path, closing_all: ExitStack) -> None:
    """Each mode comes back, and the time exactly; a killed server's at least the last kept one."""
    oms = opened(file, closing_all)
    oms.clock.set("2031-02-03T04:05:06Z", "ticking")
    stock(oms)
    kept = oms.clock.now()
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    assert (killed.clock.mode, killed.clock.now() >= kept.replace(microsecond=0)) == ("ticking", True)
    oms.clock.freeze()
    frozen = oms.clock.advance(days=1)
    oms.close()
    again = opened(file, closing_all)
    assert (again.clock.mode, again.clock.now()) == ("frozen", frozen)


def test_an_acknowledged_move_of_the_clock_survives_a_kill(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all)
    moved = oms.clock.advance(days=3)
    assert opened(as_after_a_kill(file, "killed.db"), closing_all).clock.now() == moved


def test_worlds_come_and_go_durably(file: Path, closing_all: ExitStack) -> None:
    """Made, branched, given another scenario, reset and deleted: each is on disk when the call returns."""
    oms = opened(file, closing_all)
    oms.in_world("empty", "empty")
    oms.in_world("gone", seed=4)
    stock(oms)
    oms.branch("branch")
    stock(oms.in_world("branch"), 9)
    oms.worlds.delete("gone")
    oms.reset()
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    assert {name: len(killed.worlds.named(name).steps) for name in killed.worlds} == {
        "default": 0,
        "empty": 0,
        "branch": 2,
    }
    assert killed.in_world("empty").world.settings.scenario == "empty"
    assert [everything(killed.in_world(name)) for name in oms.worlds] == [
        everything(oms.in_world(name)) for name in oms.worlds
    ]


def test_undo_restore_and_what_follows_are_kept(file: Path, closing_all: ExitStack) -> None:
    """Each way back begins a new course of steps; what a branch shares with it stays."""
    oms = opened(file, closing_all)
    for quantity in range(1, 6):
        stock(oms, quantity)
    oms.snapshot("five")
    branch = oms.branch("branch")
    for _ in range(3):
        oms.undo()
    stock(oms, 20)
    branch.undo()
    killed = opened(as_after_a_kill(file, "killed.db"), closing_all)
    assert everything(killed) == everything(oms)
    assert everything(killed.in_world("branch")) == everything(branch)
    oms.restore("five")
    stock(oms, 30)
    later = opened(as_after_a_kill(file, "later.db"), closing_all)
    assert len(later.world.steps) == 6
    assert everything(later) == everything(oms)


def test_a_reopened_world_has_nothing_to_undo_that_it_did_not_do(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all)
    stock(oms)
    oms.close()
    again = opened(file, closing_all)
    with pytest.raises(Conflict, match="of 1 writes in world default, none is left that can be undone"):
        again.undo()
    stock(again, 8)
    again.undo()
    assert len(again.world.steps) == 1


def test_an_event_of_before_tells_of_its_package_as_it_was_then(file: Path, closing_all: ExitStack) -> None:
    """Also when it is read for the first time after the restart, and the package has changed since."""
    oms = opened(file, closing_all)
    session = oms.session()
    pk = oms.package(state="Waiting", items=2)["id"]
    for transition in (1021, 1025, 1021):
        body = {"transition": transition, "input_parameters": {}}
        assert session.post(f"/api/v1/oms/packages/{pk}/command/", json=body).status_code == 204
    oms.close()
    again = opened(file, closing_all)
    oms_alive = Emulator("demo", packages=PACKAGES)
    oms_alive.package(state="Waiting", items=2)
    for transition in (1021, 1025, 1021):
        body = {"transition": transition, "input_parameters": {}}
        oms_alive.session().post(f"/api/v1/oms/packages/{pk}/command/", json=body)
    path = f"/api/v1/oms/packages/{pk}/webhook_events/?limit=100"
    events = again.session().get(path).json()["results"]
    states = [event["request_payload"]["payload"]["state"]["name"] for event in events]
    assert events == oms_alive.session().get(path).json()["results"]
    assert len(set(states)) == 2
    assert again.world.root.ids(WebhookEvent)[-1] == events[-1]["id"]


def test_what_nobody_needs_any_more_leaves_the_file(file: Path, closing_all: ExitStack) -> None:
    """Steps of a world that was reset, and those that were undone, are gone at the next opening at the latest."""
    oms = opened(file, closing_all)
    for quantity in range(1, 9):
        stock(oms, quantity)
    oms.reset()
    for quantity in range(1, 4):
        stock(oms, quantity)
    oms.undo()
    gc.collect()
    oms.close()
    opened(file, closing_all).close()
    with closing(sqlite3.connect(file)) as connection:
        (course,) = connection.execute("SELECT course FROM worlds").fetchone()
        parts = parts_of(course, table_of(connection))
        rows = [at for (at,) in connection.execute("SELECT at FROM steps")]
    assert len(rows) == 2
    assert all(any(at // first_at(1) == part.branch for part in parts) for at in rows)


def test_a_server_drops_the_steps_of_a_reset_world_while_it_runs(file: Path, closing_all: ExitStack) -> None:
    """A server that is reset for each test keeps a file of one test's size."""
    oms = opened(file, closing_all)
    for quantity in range(1, 9):
        stock(oms, quantity)
    old = oms.world.persistence.branch.id
    oms.reset()
    for _ in range(4):
        gc.collect()
        stock(oms)
    oms.close()
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT count(*) FROM steps WHERE at BETWEEN ? AND ?", (old << 32, (old + 1) << 32))
        assert rows.fetchone() == (0,)


def test_a_write_that_no_call_makes_is_refused(file: Path, closing_all: ExitStack) -> None:
    """It could not be kept, so it is an error rather than a loss."""
    oms = opened(file, closing_all)
    before = oms.world.root
    with pytest.raises(RuntimeError, match="kept in a file"), oms.world.transaction() as tx:
        tx.add(Stock(tx.new_id(Stock), 9, 9))
    assert oms.world.root is before


def test_a_closed_file_takes_nothing(file: Path, closing_all: ExitStack) -> None:
    oms = opened(file, closing_all)
    oms.close()
    with pytest.raises(ValueError, match=r"worlds\.db is closed, so nothing more is kept"):
        stock(oms)


def test_without_writes_a_restart_leaves_the_bytes_alone(file: Path, closing_all: ExitStack) -> None:
    opened(file, closing_all).close()
    before = file.read_bytes()
    opened(file, closing_all).close()
    assert len(file.read_bytes()) == len(before)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
