"""Delivery faults: duplicated, delayed, reordered and dropped deliveries, and corrupt signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from emulator import Emulator
from emulator.core.errors import InvalidDocument
from emulator.state.outbox import DELIVERY_FAULTS, Delivery
from emulator.worlds.webhooks.delivery import DELAY_FAULTS, PLAN_FAULTS

EVENT = "package.created"
URL = "http://receiver-1.test/"


@pytest.fixture
def got() -> list[Delivery]:
    return []


@pytest.fixture
def oms(got: list[Delivery]) -> Emulator:
    oms = Emulator("empty")
    oms.hooks.add(got.append, EVENT, secret_key="secret")
    return oms


def packages(got: list[Delivery]) -> list[int]:
    return [json.loads(each.body)["payload"]["id"] for each in got]


def is_signed(delivery: Delivery) -> bool:
    signature = hmac.new(b"secret", delivery.body, hashlib.sha256).hexdigest()
    return delivery.headers["X-Whisperer-Signature"] == f"sha256={signature}"


def delete_other_hooks(oms: Emulator) -> None:
    """Delete the hooks of the scenario, because a fault applies to the next delivery of any hook."""
    for hook in oms.session().get("/whisperer/hooks/?is_active=true").json()["results"]:
        if hook["target_url"] != URL:
            assert oms.session().delete(f"/whisperer/hooks/{hook['id']}/").status_code == 204


def test_every_kind_has_one_function() -> None:
    assert set(DELIVERY_FAULTS) == PLAN_FAULTS.keys() | DELAY_FAULTS.keys()
    assert not PLAN_FAULTS.keys() & DELAY_FAULTS.keys()


def test_deliveries_without_faults_arrive_in_order(oms: Emulator, got: list[Delivery]) -> None:
    delete_other_hooks(oms)
    made = [oms.package()["id"] for _ in range(3)]
    oms.hooks.flush()
    assert packages(got) == made
    assert all(map(is_signed, got))


def test_duplicate(oms: Emulator, got: list[Delivery]) -> None:
    """The same bytes are sent twice as one attempt."""
    delete_other_hooks(oms)
    oms.hooks.disturb("duplicate")
    made = [oms.package()["id"] for _ in range(2)]
    deliveries = oms.hooks.deliveries
    assert packages(got) == [made[0], made[0], made[1]]
    assert packages(got)[0] == packages(got)[1]
    assert [each.attempt for each in deliveries] == [1, 1, 1]
    assert [each.disturbed for each in deliveries] == ["duplicate", "duplicate", None]


def test_delay(oms: Emulator, got: list[Delivery]) -> None:
    delete_other_hooks(oms)
    oms.hooks.disturb("delay", seconds=90)
    late, soon = oms.package()["id"], oms.package()["id"]
    oms.hooks.flush()
    assert packages(got) == [soon]
    start = oms.clock.now()
    oms.clock.advance(seconds=89)
    assert packages(got) == [soon]
    oms.clock.advance(seconds=2)
    assert packages(got) == [soon, late]
    assert got[1].at - start == timedelta(seconds=90)


def test_reorder(oms: Emulator, got: list[Delivery]) -> None:
    delete_other_hooks(oms)
    oms.hooks.disturb("reorder")
    first, second, third = (oms.package()["id"] for _ in range(3))
    oms.hooks.flush()
    assert packages(got) == [second, first, third]


def test_drop(oms: Emulator, got: list[Delivery]) -> None:
    """The delivery is lost like without a network, and the retry succeeds."""
    delete_other_hooks(oms)
    oms.hooks.disturb("drop")
    made = oms.package()["id"]
    (lost,) = oms.hooks.deliveries
    assert (got, lost.status, lost.response, lost.disturbed) == ([], None, "dropped on demand", "drop")
    oms.clock.advance(minutes=2)
    assert packages(got) == [made]
    assert got[0].attempt == 2


def test_corrupt_signature(oms: Emulator, got: list[Delivery]) -> None:
    delete_other_hooks(oms)
    oms.hooks.disturb("corrupt_signature", times=2)
    for _ in range(3):
        oms.package()
    oms.hooks.flush()
    assert [is_signed(each) for each in got] == [False, False, True]


def test_lost_response(oms: Emulator, got: list[Delivery]) -> None:
    """The event arrives, and arrives again, because its sender got no response."""
    delete_other_hooks(oms)
    oms.hooks.disturb("lost_response")
    oms.package()
    oms.hooks.flush()
    assert [each.delivered for each in oms.hooks.deliveries] == [False]
    oms.clock.advance(seconds=60)
    assert [each.attempt for each in got] == [1, 2]
    assert packages(got)[0] == packages(got)[1]


def test_fault_applies_to_its_event_type_only(oms: Emulator, got: list[Delivery]) -> None:
    delete_other_hooks(oms)
    oms.hooks.disturb("drop", "shipment.created")
    made = oms.package()["id"]
    oms.hooks.flush()
    assert packages(got) == [made]


def test_unknown_kind_or_event_type_is_refused(oms: Emulator) -> None:
    with pytest.raises(InvalidDocument, match=r"unknown kind 'lose'; known: duplicate, delay, reorder, drop"):
        oms.hooks.disturb("lose")
    with pytest.raises(InvalidDocument, match=r"unknown event type 'x'; known: package\.created"):
        oms.hooks.disturb("drop", "x")


@pytest.mark.medium
def test_run_with_delivery_faults_can_be_replayed(oms: Emulator, got: list[Delivery]) -> None:
    """A postponement is a step, so the replay has the same events at the same times."""
    delete_other_hooks(oms)
    for kind in DELIVERY_FAULTS:
        oms.hooks.disturb(kind, seconds=5)
    for _ in range(7):
        oms.package()
    oms.clock.advance(minutes=3)
    again = Emulator("empty")
    assert (
        again.session().put("/__admin/scenario", json={"document": oms.export(with_secrets=True)}).status_code == 200
    )
    path = "/whisperer/hook_events/?limit=100"
    assert oms.session().get(path).content == again.session().get(path).content
    assert len(got) >= 7


@pytest.mark.parametrize("kind", DELIVERY_FAULTS)
def test_fault_does_not_apply_to_a_host_that_is_not_allowed(kind: str, got: list[Delivery]) -> None:
    """Nothing is sent to such a host, so the fault applies to a later delivery. The scenario has such a hook."""
    oms = Emulator("empty")
    oms.hooks.add("http://elsewhere.example/", EVENT)
    oms.hooks.add(got.append, EVENT, secret_key="secret")
    oms.hooks.disturb(kind)
    first, second = oms.package()["id"], oms.package()["id"]
    oms.hooks.flush()
    assert {each.disturbed for each in oms.world.outbox.log if each.url != URL} == {None}
    arrived = {
        "duplicate": [first, first, second],
        "reorder": [second, first],
        "corrupt_signature": [first, second],
        "lost_response": [first, second],
    }
    assert packages(got) == arrived.get(kind, [second])
    assert not oms.world.outbox.faults


def test_refusal_is_recorded_with_the_write_although_a_fault_is_armed() -> None:
    oms = Emulator("empty", clock="real", delivery="background")
    oms.hooks.add("http://elsewhere.example/", EVENT)
    oms.hooks.disturb("delay", times=2, seconds=3600)
    oms.package()
    assert [(each.status, each.disturbed) for each in oms.world.outbox.log] == [(None, None)] * 2
    assert len(oms.world.outbox.faults) == 1
