"""The live demo: what happens by itself, when, and that it leaves no more behind than it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from emulator.core import jsontext
from emulator.core.records import Order, Package, State, TransferOrder
from emulator.core.refusals import ControlError
from emulator.core.store import Root
from emulator.core.world import World
from emulator.rules.living import PACKAGES, TRANSFERS
from emulator.server import Emulator as Server
from tests.support.soaking import records_of, what_leads_nowhere

pytestmark = pytest.mark.slow

LIST = "/api/v1/oms/packages/"
PATHS = (LIST + "?limit=100", "/api/v1/oms/transfer_orders/", LIST + "list-simple/")


def live(**settings: Any) -> Emulator:
    return Emulator("live-demo", **settings)


def seen(oms: Any) -> tuple[Any, ...]:
    """Give all that a client sees, and the world as a file."""
    session = oms.session()
    return oms.export(), *(session.get(path).content for path in PATHS)


def operations(oms: Any) -> list[str]:
    return [jsontext.read(line)["operation"] for line in oms.world.steps]


def test_the_same_seed_gives_the_same_day_however_the_clock_is_moved() -> None:
    """Byte for byte: in one go, or looked at every few minutes."""
    one, other, third = live(), live(), live(seed=8)
    one.clock.advance(hours=1)
    while other.clock.now() < one.clock.now():
        other.clock.advance(to=min(one.clock.now(), other.clock.now() + timedelta(minutes=7)))
        other.session().get(LIST)
    third.clock.advance(minutes=10)
    assert seen(one) == seen(other)
    assert list(third.world.steps)[7:20] != list(one.world.steps)[7:20]


def test_an_exported_day_opens_as_the_same_world_and_goes_on_the_same(tmp_path: Any) -> None:
    one = live()
    one.clock.advance(hours=1)
    one.save(tmp_path / "day.json")
    other = Emulator(tmp_path / "day.json")
    assert seen(one) == seen(other)
    for each in (one, other):
        each.clock.advance(minutes=40)
    assert seen(one) == seen(other)


def test_records_go_along_the_graph_at_their_scheduled_times() -> None:
    """Nothing has another time than the one it was due at, and all that should happen in a few hours does."""
    oms = live()
    oms.clock.advance(hours=4)
    steps = [jsontext.read(line) for line in oms.world.steps][7:]
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    assert {"control_make_order", "command_package", "command_transfer", "invoice_package"} <= {
        step["operation"] for step in steps
    }
    told = {step["body"]["event"] for step in steps if step["operation"] == "control_report_carrier"}
    assert told == {"delivered", "attempted", "failed"}
    values = {oms.world.root.one(State, package.state).enum_value for package in oms.world.root.all(Package)}
    assert {"200", "500", "600", "800", "910", "920"} <= values
    assert [step for step in steps if step.get("request")] == []


def test_a_frozen_clock_lets_nothing_happen_until_it_is_moved() -> None:
    oms = live()
    due = oms.clock.next_event()
    assert len(oms.world.root.ids(Package)) == 60
    assert due is not None
    assert oms.clock.to_next_event() == due
    assert len(oms.world.root.ids(Package)) == 61


def test_a_world_that_was_put_back_does_the_same_again() -> None:
    """Snapshot, branch, reset: the day is the seed's, and what was undone comes again."""
    oms = live()
    start = seen(oms)
    oms.clock.advance(hours=1)
    oms.snapshot("one")
    branch = oms.branch("other")
    oms.clock.advance(minutes=30)
    later = seen(oms)
    oms.restore("one")
    oms.clock.advance(minutes=30)
    branch.clock.advance(minutes=30)
    assert seen(oms) == later
    assert branch.export()["steps"] == later[0]["steps"]
    oms.reset()
    assert seen(oms) == start


def test_undo_takes_a_call_back_with_what_followed_by_itself() -> None:
    oms = live()
    oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])
    oms.clock.advance(minutes=30)
    assert len(operations(oms)) > 20
    oms.undo()
    assert operations(oms) == ["update_hook"] * 7
    oms.clock.advance(minutes=30)
    assert operations(oms)[7:]


def test_a_time_that_was_skipped_does_not_happen() -> None:
    """A clock that is set on a year brings no year's orders; the day goes on from there."""
    oms = live()
    oms.clock.set(oms.clock.now() + timedelta(days=365))
    oms.clock.advance(hours=1)
    assert 50 < len(oms.world.root.ids(Package)) - 60 < 80


def test_pause_and_rate_are_the_worlds_and_are_exported() -> None:
    oms = live()
    session = oms.session()
    assert session.put("/__admin/live", json={"paused": True}).json() == {"orders_per_hour": 60.0, "paused": True}
    assert oms.clock.next_event() is None
    oms.clock.advance(hours=1)
    assert operations(oms) == ["update_hook"] * 7
    assert session.put("/__admin/live", json={"paused": False, "orders_per_hour": 12}).json()["paused"] is False
    oms.clock.advance(hours=1)
    assert operations(oms).count("control_make_order") == 12
    assert oms.export()["live"] == {"orders_per_hour": 12.0}
    assert session.put("/__admin/live", json={"orders_per_hour": None}).json()["orders_per_hour"] is None
    assert "live" not in oms.export()


@pytest.mark.parametrize(
    "document", [{}, {"speed": 1}, {"paused": 1}, {"orders_per_hour": -1}, {"orders_per_hour": 1e9}, [], None]
)
def test_a_wrong_pace_is_refused_in_one_line(document: Any) -> None:
    answer = live().session().put("/__admin/live", json=document)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("rate", [-1, float("nan"), 1e9])
def test_a_wrong_rate_is_refused(rate: float) -> None:
    with pytest.raises(ControlError, match="orders per hour"):
        Emulator("empty", live=rate)


def test_any_scenario_can_be_live() -> None:
    """Also one without a place to pack at: then no order can be planned, and none comes."""
    oms = Emulator("demo", packages=5, live=30)
    oms.clock.advance(minutes=10)
    assert operations(oms).count("control_make_order") == 5
    samples = Emulator("documented/package-detail", live=30)
    samples.clock.advance(minutes=30)
    assert isinstance(samples.world.root, Root)


def until(world: World, is_so: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait for writes until something is so."""
    told = threading.Event()
    world.after_write.append(lambda _: told.set() if is_so() else None)
    return is_so() or told.wait(seconds)


def test_a_ticking_clock_lets_it_happen_by_itself_and_speed_is_told_to_who_waits() -> None:
    """The same orders as with a clock that is moved by hand; the thread ends with the emulator."""
    with Server("live-demo", clock="ticking") as oms:
        world = oms.world
        assert oms.clock.tick(speed=2_000) is not None
        assert oms.clock.speed == 2_000
        assert until(world, lambda: len(world.steps) > 120)
        oms.clock.freeze()
        world = oms.world
        with world.lock:
            done = [jsontext.read(line) for line in world.steps][7:]
        oms.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "timekeeper" and thread.is_alive()]
    by_hand = live()
    by_hand.clock.advance(to=done[-1]["at"])
    wanted = [jsontext.read(line) for line in by_hand.world.steps][7:]
    assert done == wanted[: len(done)]


def test_the_clocks_speed_by_control_api() -> None:
    oms = Emulator("empty", clock="ticking")
    session = oms.session()
    assert session.get("/__admin/clock").json()["speed"] == 1
    assert session.put("/__admin/clock", json={"speed": 100}).json()["speed"] == 100
    assert oms.branch("other").clock.speed == 100
    for wrong in (0, -1, 10_001, "fast"):
        assert session.put("/__admin/clock", json={"speed": wrong}).status_code == 400
    oms.clock.freeze()
    refusal = session.put("/__admin/clock", json={"speed": 2})
    assert (refusal.status_code, "has no speed" in refusal.json()["error"]) == (409, True)


def test_what_is_over_is_forgotten_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many hours on, no more is there than after a few; nothing that stays leads nowhere, and lists work."""
    monkeypatch.setattr("emulator.rules.living.KEPT_PACKAGES", 10)
    monkeypatch.setattr("emulator.rules.living.KEPT_FOR", timedelta(minutes=20))
    oms = live(live=15)
    session = oms.session()
    sizes = []
    for hour in range(1, 10):
        oms.clock.advance(hours=1)
        count = session.get(LIST + "?limit=100").json()["count"]
        assert count == len(oms.world.root.ids(Package))
        if hour in (4, 9):
            sizes.append(records_of(oms.world.root))
    assert operations(oms).count("forget_orders") > 5
    assert what_leads_nowhere(oms.world.root) == []
    early, late = sizes
    assert late < early * 1.25, (early, late)
    newest = [each.id for each in oms.world.root.all(Order)][-1]
    assert newest - oms.world.base.next_id(Order) > 120


def test_the_table_speaks_of_the_default_installation() -> None:
    """Each state and command in it is there, so that no move is a slip of the pen."""
    root = live().world.root
    for kind, table, enum_class in (
        (Package, PACKAGES, "PackageStatus"),
        (TransferOrder, TRANSFERS, "TransferStatus"),
    ):
        values = {state.enum_value for state in root.all(State) if state.enum_class == enum_class}
        assert set(table) <= values, kind
        for value, stage in table.items():
            assert stage.least < stage.most
            for move in stage.moves:
                assert move.code.startswith("(") or move.to in values or move.to.startswith("("), (value, move)
