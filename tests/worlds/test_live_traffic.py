"""Live traffic: what is generated, when, and that finished records are removed."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from emulator.client.emulator import Emulator as Server
from emulator.core import json_text
from emulator.core.errors import ControlError
from emulator.core.records import Order, Package, State, TransferOrder
from emulator.domain.traffic import STAGES
from emulator.domain.webhook_retries import next_due_event
from emulator.state.store import Snapshot
from emulator.state.world import World
from emulator.worlds import live_traffic
from emulator.worlds.live_traffic import CheckPlan
from tests.support.integrity import broken_references, count_entries
from tests.support.worlds import AfterWriteTask

pytestmark = pytest.mark.slow

LIST = "/api/v1/oms/packages/"
PATHS = (LIST + "?limit=100", "/api/v1/oms/transfer_orders/", LIST + "list-simple/")


def new_live_demo(**settings: Any) -> Emulator:
    return Emulator("live-demo", **settings)


def observed(oms: Any) -> tuple[Any, ...]:
    """Return everything that a client can observe, and the world as a file."""
    session = oms.session()
    return oms.export(), *(session.get(path).content for path in PATHS)


def operations(oms: Any) -> list[str]:
    return [json_text.load_json(line)["operation"] for line in oms.world.steps]


def test_same_seed_gives_the_same_day_in_one_or_many_advances() -> None:
    one, other, third = new_live_demo(), new_live_demo(), new_live_demo(seed=8)
    one.clock.advance(hours=1)
    while other.clock.now() < one.clock.now():
        other.clock.advance(to=min(one.clock.now(), other.clock.now() + timedelta(minutes=7)))
        other.session().get(LIST)
    third.clock.advance(minutes=10)
    assert observed(one) == observed(other)
    assert list(third.world.steps)[7:20] != list(one.world.steps)[7:20]


def test_exported_day_opens_as_an_equal_world_and_continues_equally(tmp_path: Any) -> None:
    one = new_live_demo()
    one.clock.advance(hours=1)
    one.save(tmp_path / "day.json")
    other = Emulator(tmp_path / "day.json")
    assert observed(one) == observed(other)
    for each in (one, other):
        each.clock.advance(minutes=40)
    assert observed(one) == observed(other)


def test_records_change_state_at_their_scheduled_times() -> None:
    """In a few hours, every kind of step and every final state occurs."""
    oms = new_live_demo()
    oms.clock.advance(hours=4)
    steps = [json_text.load_json(line) for line in oms.world.steps][7:]
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    assert {"control_make_order", "command_package", "command_transfer", "invoice_package"} <= {
        step["operation"] for step in steps
    }
    carrier_events = {step["body"]["event"] for step in steps if step["operation"] == "control_report_carrier"}
    assert carrier_events == {"delivered", "attempted", "failed"}
    values = {
        oms.world.records.get_existing(State, package.state).enum_value for package in oms.world.records.all(Package)
    }
    assert {"200", "500", "600", "800", "910", "920"} <= values
    assert [step for step in steps if step.get("request")] == []


def test_nothing_happens_while_the_clock_is_frozen() -> None:
    oms = new_live_demo()
    due = oms.clock.next_event()
    assert len(oms.world.records.ids(Package)) == 60
    assert due is not None
    assert oms.clock.to_next_event() == due
    assert len(oms.world.records.ids(Package)) == 61


def test_restored_world_repeats_the_same_day() -> None:
    """Snapshot, branch and reset continue with the same random numbers."""
    oms = new_live_demo()
    start = observed(oms)
    oms.clock.advance(hours=1)
    oms.snapshot("one")
    branch = oms.branch("other")
    oms.clock.advance(minutes=30)
    later = observed(oms)
    oms.restore("one")
    oms.clock.advance(minutes=30)
    branch.clock.advance(minutes=30)
    assert observed(oms) == later
    assert branch.export()["steps"] == later[0]["steps"]
    oms.reset()
    assert observed(oms) == start


def test_undo_reverts_a_call_and_the_traffic_after_it() -> None:
    oms = new_live_demo()
    oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 1}])
    oms.clock.advance(minutes=30)
    assert len(operations(oms)) > 20
    oms.undo()
    assert operations(oms) == ["update_hook"] * 7
    oms.clock.advance(minutes=30)
    assert operations(oms)[7:]


def test_setting_the_clock_skips_the_traffic_between() -> None:
    """Orders continue from the new time."""
    oms = new_live_demo()
    oms.clock.set(oms.clock.now() + timedelta(days=365))
    oms.clock.advance(hours=1)
    assert 50 < len(oms.world.records.ids(Package)) - 60 < 80


def test_pause_and_rate_belong_to_the_world_and_are_exported() -> None:
    oms = new_live_demo()
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
def test_invalid_live_settings_are_refused_with_a_one_line_error(document: Any) -> None:
    answer = new_live_demo().session().put("/__admin/live", json=document)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("rate", [-1, float("nan"), 1e9])
def test_invalid_rate_is_refused(rate: float) -> None:
    with pytest.raises(ControlError, match="orders per hour"):
        Emulator("empty", live=rate)


def test_any_scenario_can_have_live_traffic() -> None:
    """In a scenario without a stock location no order can be planned, so no order is generated."""
    oms = Emulator("demo", packages=5, live=30)
    oms.clock.advance(minutes=10)
    assert operations(oms).count("control_make_order") == 5
    samples = Emulator("documented/package-detail", live=30)
    samples.clock.advance(minutes=30)
    assert isinstance(samples.world.records, Snapshot)


def wait_until(world: World, condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait for writes until a condition holds, and return whether it does."""
    reached = threading.Event()
    world.schedule.add(AfterWriteTask(lambda: reached.set() if condition() else None))
    return condition() or reached.wait(seconds)


def test_ticking_clock_generates_the_same_traffic_as_an_advanced_clock() -> None:
    """A new speed takes effect at once, and the scheduler thread ends with the emulator."""
    with Server("live-demo", clock="ticking") as oms:
        world = oms.world
        assert oms.clock.tick(speed=2_000) is not None
        assert oms.clock.speed == 2_000
        assert wait_until(world, lambda: len(world.steps) > 120)
        oms.clock.freeze()
        world = oms.world
        with world.lock:
            steps = [json_text.load_json(line) for line in world.steps][7:]
        oms.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "scheduler" and thread.is_alive()]
    advanced = new_live_demo()
    advanced.clock.advance(to=steps[-1]["at"])
    expected = [json_text.load_json(line) for line in advanced.world.steps][7:]
    assert steps == expected[: len(steps)]


def test_events_of_the_traffic_are_finalized_in_their_write() -> None:
    """A receiver in the process accepts them. No thread sends them, so they do not delay the traffic."""
    oms = Emulator("demo", packages=20, live=60, clock="ticking", demo_receiver=True)
    waiting = []
    oms.world.schedule.add(AfterWriteTask(lambda: waiting.append(next_due_event(oms.world.records))))
    oms.clock.tick(speed=2_000)
    assert wait_until(oms.world, lambda: operations(oms).count("record_outcome") > 50)
    oms.clock.freeze()
    assert set(waiting) == {None}
    assert {each.delivered for each in oms.hooks.deliveries} == {True}
    oms.stop()


def test_deliveries_do_not_change_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """The traffic is that of a plan that is rebuilt after each delivery."""
    rebuilt = []
    rebuild = CheckPlan.rebuild
    monkeypatch.setattr(CheckPlan, "rebuild", lambda *args: rebuilt.append(args) or rebuild(*args))
    one, other = (Emulator("demo", packages=20, live=60) for _ in range(2))
    one.clock.advance(hours=3)
    assert operations(one).count("record_outcome") > 200
    assert len(rebuilt) == 1
    monkeypatch.setattr(live_traffic, "changes_more_than_events", operator.is_not)
    other.clock.advance(hours=3)
    assert len(rebuilt) > 200
    assert observed(one) == observed(other)


def test_speed_of_the_clock_can_be_set_over_http() -> None:
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


def test_finished_records_are_removed_completely(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world does not grow over many hours, no reference is dangling, and lists stay correct."""
    monkeypatch.setattr("emulator.domain.traffic.RETAINED_PACKAGES", 10)
    monkeypatch.setattr("emulator.domain.traffic.RETENTION_PERIOD", timedelta(minutes=20))
    oms = new_live_demo(live=15)
    session = oms.session()
    sizes = []
    for hour in range(1, 10):
        oms.clock.advance(hours=1)
        count = session.get(LIST + "?limit=100").json()["count"]
        assert count == len(oms.world.records.ids(Package))
        if hour in (4, 9):
            sizes.append(count_entries(oms.world.records))
    assert operations(oms).count("forget_orders") > 5
    assert broken_references(oms.world.records) == []
    early, late = sizes
    assert late < early * 1.25, (early, late)
    newest = [order.id for order in oms.world.records.all(Order)][-1]
    assert newest - oms.world.base.next_id(Order) > 120


def test_traffic_table_contains_only_existing_states() -> None:
    root = new_live_demo().world.records
    for kind, table, enum_class in (
        (Package, STAGES[Package], "PackageStatus"),
        (TransferOrder, STAGES[TransferOrder], "TransferStatus"),
    ):
        values = {state.enum_value for state in root.all(State) if state.enum_class == enum_class}
        assert set(table) <= values, kind
        for value, stage in table.items():
            assert stage.min_minutes < stage.max_minutes
            for move in stage.moves:
                assert move.code.startswith("(") or move.target in values or move.target.startswith("("), (
                    value,
                    move,
                )


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-12, 1e-6])
def test_rate_whose_slots_are_longer_than_the_calendar_generates_no_orders(rate: float) -> None:
    oms = Emulator("demo", packages=20, live=rate)
    last_order = max(oms.world.records.ids(Order))
    assert oms.session().get("/__admin/clock").status_code == 200
    oms.clock.advance(hours=2)
    assert max(oms.world.records.ids(Order)) == last_order
