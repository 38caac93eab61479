"""A server with a state file continues exactly where it stopped, after a clean stop and after a kill."""

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
from emulator.client.world_handle import WorldHandle
from emulator.core.errors import Conflict
from emulator.core.records import Package, Stock, Webhook, WebhookEvent
from emulator.state.journal import RequestIds
from emulator.worlds.sqlite.history import read_branch_table, step_key, step_ranges
from tests.support.reads import ReceivedResponse, read_everything, wsgi_sender
from tests.support.traffic import OTHER_ACTIONS, SKU, WRITE_ACTIONS, Traffic

PACKAGES = 6
REQUESTS_PER_RUN = 25


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "worlds.db"


@pytest.fixture
def open_emulators() -> Iterator[ExitStack]:
    """Close all emulators at the end of the test."""
    with ExitStack() as stack:
        yield stack


def open_emulator(file: Path, stack: ExitStack) -> Emulator:
    oms = Emulator("demo", packages=PACKAGES, state=file)
    stack.callback(oms.close)
    return oms


class Observed(NamedTuple):
    """Everything that clients can observe of a world, and its clock."""

    answers: dict[str, bytes]
    mode: str
    now: datetime


def observed(oms: Emulator) -> dict[str, Observed]:
    return {
        name: Observed(
            read_everything(oms.in_world(name)), oms.in_world(name).clock.mode, oms.in_world(name).clock.now()
        )
        for name in oms.worlds
    }


def copy_as_after_a_kill(file: Path, name: str) -> Path:
    """Copy what is on disk while the file is open."""
    copy = file.with_name(name)
    shutil.copy(file, copy)
    shutil.copy(f"{file}-wal", f"{copy}-wal")
    return copy


def change_subscriptions(traffic: Traffic) -> ReceivedResponse:
    """Create a subscription, or delete one if there are more than five."""
    hooks = list(traffic.oms.world.records.all(Webhook))
    if len(hooks) > 5:
        return traffic.send("DELETE", f"/whisperer/hooks/{traffic.random.choice(hooks).id}/")
    body = {
        "target_url": f"http://127.0.0.1:9/{traffic.random.randrange(99)}",
        "event_type": traffic.random.choice(["package.created", "package.status.transitioned"]),
        "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    }
    return traffic.send("POST", "/whisperer/hooks/", body)


ALL_REQUESTS = [*WRITE_ACTIONS, *OTHER_ACTIONS, change_subscriptions, change_subscriptions]


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # slow to shrink
@given(seed=st.integers(0, 2**32))
@example(seed=7935941)
def test_next_server_gives_the_same_answers(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After random requests on three worlds, once as after a kill and once after a clean stop."""
    file = tmp_path_factory.mktemp("state") / "worlds.db"
    rng = Random(seed)
    with ExitStack() as stack:
        oms = open_emulator(file, stack)
        oms.in_world("second", seed=2)
        Traffic(oms, wsgi_sender(oms), seed).run(REQUESTS_PER_RUN, ALL_REQUESTS)
        oms.branch("third")
        for name in ("second", "third", "default"):
            world = oms.in_world(name)
            Traffic(world, wsgi_sender(world), rng.randrange(99)).run(REQUESTS_PER_RUN, ALL_REQUESTS)
        for name in ("second", "third", "default"):
            set_stock(oms.in_world(name))  # the last write stores the request count and the throttle windows
        before = observed(oms)
        killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), stack)
        assert set(killed.worlds) == set(before)
        for name in before:
            assert read_everything(killed.in_world(name)) == before[name].answers, name
        oms.close()
        reopened = open_emulator(file, stack)
        assert observed(reopened) == before
        for name in ("third", "default"):  # both continue equally
            one, other = killed.in_world(name), reopened.in_world(name)
            one.clock.set(other.clock.now())
            for world in (one, other):
                world.world.request_ids = RequestIds(5_000)
                Traffic(world, wsgi_sender(world), seed).run(REQUESTS_PER_RUN, ALL_REQUESTS)
            assert read_everything(one) == read_everything(other)


def set_stock(oms: WorldHandle, quantity: int = 7) -> None:
    location = min(stock.stock_location for stock in oms.world.records.all(Stock))
    oms.stock(location, SKU, quantity)


def test_acknowledged_writes_survive_a_kill_and_ids_continue(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators)
    ids = [oms.package(state="Waiting")["id"] for _ in range(3)]
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    assert [killed.world.records.has(Package, id_) for id_ in ids] == [True] * 3
    assert killed.package(state="Waiting")["id"] == ids[-1] + 1
    assert killed.world.request_ids.next_number == 5


def test_subscriptions_survive_a_kill(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators)
    session = oms.session()
    body = {
        "target_url": "http://127.0.0.1:9/mine",
        "event_type": "package.created",
        "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
    }
    created = session.post("/whisperer/hooks/", json=body)
    assert created.status_code == 201, created.text
    first = next(iter(oms.world.records.ids(Webhook)))
    assert session.delete(f"/whisperer/hooks/{first}/").status_code == 204
    oms.package(state="Waiting")
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    assert read_everything(killed) == read_everything(oms)
    assert list(killed.world.records.due_items(WebhookEvent)) == list(oms.world.records.due_items(WebhookEvent))


def test_clock_continues_where_it_stopped(file: Path, open_emulators: ExitStack) -> None:
    """After a clean stop with the exact time and mode; after a kill at or after the last stored time."""
    oms = open_emulator(file, open_emulators)
    oms.clock.set("2031-02-03T04:05:06Z", "ticking")
    set_stock(oms)
    stored = oms.clock.now()
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    assert (killed.clock.mode, killed.clock.now() >= stored.replace(microsecond=0)) == ("ticking", True)
    oms.clock.freeze()
    frozen = oms.clock.advance(days=1)
    oms.close()
    reopened = open_emulator(file, open_emulators)
    assert (reopened.clock.mode, reopened.clock.now()) == ("frozen", frozen)


def test_acknowledged_advance_of_the_clock_survives_a_kill(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators)
    advanced = oms.clock.advance(days=3)
    assert open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators).clock.now() == advanced


def test_changes_of_worlds_survive_a_kill(file: Path, open_emulators: ExitStack) -> None:
    """Creating, branching, replacing, resetting and deleting are on disk when the call returns."""
    oms = open_emulator(file, open_emulators)
    oms.in_world("empty", "empty")
    oms.in_world("gone", seed=4)
    set_stock(oms)
    oms.branch("branch")
    set_stock(oms.in_world("branch"), 9)
    oms.worlds.delete("gone")
    oms.reset()
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    assert {name: len(killed.worlds.get(name).steps) for name in killed.worlds} == {
        "default": 0,
        "empty": 0,
        "branch": 2,
    }
    assert killed.in_world("empty").world.settings.source.name == "empty"
    assert [read_everything(killed.in_world(name)) for name in oms.worlds] == [
        read_everything(oms.in_world(name)) for name in oms.worlds
    ]


def test_undo_and_restore_survive_a_kill(file: Path, open_emulators: ExitStack) -> None:
    """Later writes survive too, and a branch keeps the steps that it shares."""
    oms = open_emulator(file, open_emulators)
    for quantity in range(1, 6):
        set_stock(oms, quantity)
    oms.snapshot("five")
    branch = oms.branch("branch")
    for _ in range(3):
        oms.undo()
    set_stock(oms, 20)
    branch.undo()
    killed = open_emulator(copy_as_after_a_kill(file, "killed.db"), open_emulators)
    assert read_everything(killed) == read_everything(oms)
    assert read_everything(killed.in_world("branch")) == read_everything(branch)
    oms.restore("five")
    set_stock(oms, 30)
    later = open_emulator(copy_as_after_a_kill(file, "later.db"), open_emulators)
    assert len(later.world.steps) == 6
    assert read_everything(later) == read_everything(oms)


def test_undo_after_a_restart_reverts_only_new_writes(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators)
    set_stock(oms)
    oms.close()
    reopened = open_emulator(file, open_emulators)
    with pytest.raises(Conflict, match="of 1 writes in world default, none is left that can be undone"):
        reopened.undo()
    set_stock(reopened, 8)
    reopened.undo()
    assert len(reopened.world.steps) == 1


def test_event_contains_its_package_as_it_was_before_the_restart(file: Path, open_emulators: ExitStack) -> None:
    """Also when the event is read for the first time after the restart and the package has changed since."""
    oms = open_emulator(file, open_emulators)
    session = oms.session()
    pk = oms.package(state="Waiting", items=2)["id"]
    for transition in (1021, 1025, 1021):
        body = {"transition": transition, "input_parameters": {}}
        assert session.post(f"/api/v1/oms/packages/{pk}/command/", json=body).status_code == 204
    oms.close()
    reopened = open_emulator(file, open_emulators)
    uninterrupted = Emulator("demo", packages=PACKAGES)
    uninterrupted.package(state="Waiting", items=2)
    for transition in (1021, 1025, 1021):
        body = {"transition": transition, "input_parameters": {}}
        uninterrupted.session().post(f"/api/v1/oms/packages/{pk}/command/", json=body)
    path = f"/api/v1/oms/packages/{pk}/webhook_events/?limit=100"
    events = reopened.session().get(path).json()["results"]
    states = [event["request_payload"]["payload"]["state"]["name"] for event in events]
    assert events == uninterrupted.session().get(path).json()["results"]
    assert len(set(states)) == 2
    assert reopened.world.records.ids(WebhookEvent)[-1] == events[-1]["id"]


def test_unneeded_steps_are_deleted_from_the_file(file: Path, open_emulators: ExitStack) -> None:
    """Steps that were undone or reset are deleted at the next opening at the latest."""
    oms = open_emulator(file, open_emulators)
    for quantity in range(1, 9):
        set_stock(oms, quantity)
    oms.reset()
    for quantity in range(1, 4):
        set_stock(oms, quantity)
    oms.undo()
    gc.collect()
    oms.close()
    open_emulator(file, open_emulators).close()
    with closing(sqlite3.connect(file)) as connection:
        (course,) = connection.execute("SELECT course FROM worlds").fetchone()
        parts = step_ranges(course, read_branch_table(connection))
        stored_steps = [at for (at,) in connection.execute("SELECT at FROM steps")]
    assert len(stored_steps) == 2
    assert all(any(at // step_key(1, 0) == part.branch for part in parts) for at in stored_steps)


def test_running_server_deletes_the_steps_of_a_reset_world(file: Path, open_emulators: ExitStack) -> None:
    """The file does not grow when a server is reset for each test."""
    oms = open_emulator(file, open_emulators)
    for quantity in range(1, 9):
        set_stock(oms, quantity)
    old = oms.world.persistence.branch.id
    oms.reset()
    for _ in range(4):
        gc.collect()
        set_stock(oms)
    oms.close()
    with closing(sqlite3.connect(file)) as connection:
        remaining = connection.execute(
            "SELECT count(*) FROM steps WHERE at BETWEEN ? AND ?", (old << 32, (old + 1) << 32)
        )
        assert remaining.fetchone() == (0,)


def test_write_outside_a_request_is_refused(file: Path, open_emulators: ExitStack) -> None:
    """It cannot be stored as a step."""
    oms = open_emulator(file, open_emulators)
    before = oms.world.records
    with pytest.raises(RuntimeError, match="kept in a file"), oms.world.transaction() as tx:
        tx.add(Stock(tx.new_id(Stock), 9, 9))
    assert oms.world.records is before


def test_write_after_closing_is_refused(file: Path, open_emulators: ExitStack) -> None:
    oms = open_emulator(file, open_emulators)
    oms.close()
    with pytest.raises(ValueError, match=r"worlds\.db is closed, so nothing more is stored"):
        set_stock(oms)


def test_restart_without_writes_does_not_grow_the_file(file: Path, open_emulators: ExitStack) -> None:
    open_emulator(file, open_emulators).close()
    before = file.read_bytes()
    open_emulator(file, open_emulators).close()
    assert len(file.read_bytes()) == len(before)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
