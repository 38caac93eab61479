"""A recorded world can be repeated: its deliveries are sent again in their places, with their faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.core.errors import Conflict
from emulator.state.outbox import Delivery
from tests.support.receivers import run_receiver

PACK = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}


def record_history(oms: Emulator) -> list[Delivery]:
    """Make writes whose deliveries have each fault. Return the deliveries."""
    session = oms.session()
    for hook in session.get("/whisperer/hooks/").json()["results"]:  # those of the scenario
        session.delete(f"/whisperer/hooks/{hook['id']}/")
    oms.hooks.add(lambda _: 200, ["package.created", "package.status.packed"], secret_key="secret")
    for kind in ("duplicate", "drop", "corrupt_signature", "lost_response", "reorder"):
        oms.hooks.disturb(kind, "package.created")
        package = oms.package(state="Waiting")["id"]
        session.post(f"/api/v1/oms/packages/{package}/command/", json=PACK)
        oms.hooks.flush()
    oms.clock.advance(minutes=5)
    return oms.hooks.deliveries


def requests_of(deliveries: list[Delivery]) -> list[tuple[object, ...]]:
    return [(each.event, each.attempt, each.disturbed, each.headers, each.body, each.at) for each in deliveries]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, list[Delivery]]:
    oms = Emulator("empty")
    deliveries = record_history(oms)
    oms.save(tmp_path / "history.json", with_secrets=True)
    return tmp_path / "history.json", deliveries


def test_same_requests_are_sent_again(saved: tuple[Path, list[Delivery]]) -> None:
    file, deliveries = saved
    oms, got = Emulator(file), []
    again = oms.hooks.redeliver(got.append)
    assert requests_of(again) == requests_of(deliveries)
    assert len(got) == len(again) - 1, "one delivery was dropped"
    assert {each.disturbed for each in again} == {"duplicate", "drop", "corrupt_signature", "lost_response", None}


def test_repeated_world_equals_the_recorded_one(saved: tuple[Path, list[Delivery]]) -> None:
    oms = Emulator(saved[0])
    before = oms.export(with_secrets=True)
    oms.hooks.redeliver(lambda _: 200)
    assert json.dumps(oms.export(with_secrets=True)) == json.dumps(before)


def test_new_responses_are_recorded(saved: tuple[Path, list[Delivery]]) -> None:
    """A receiver that refuses everything gets the events again, as the clock advances."""
    oms = Emulator(saved[0])
    assert not any(each.delivered for each in oms.hooks.redeliver(lambda _: 500))
    count = len(oms.hooks.deliveries)
    oms.clock.advance(hours=1)
    assert len(oms.hooks.deliveries) > count


def test_clock_continues_in_its_mode(saved: tuple[Path, list[Delivery]]) -> None:
    oms = Emulator(saved[0], clock="ticking", delivery="flush")
    oms.hooks.redeliver(lambda _: 200)
    assert oms.clock.mode == "ticking"


def test_world_without_hooks_in_its_steps_has_no_receiver_to_replace() -> None:
    with pytest.raises(Conflict, match="no step creates a hook"):
        Emulator("empty").hooks.redeliver(lambda _: 200)


def test_control_api_sends_to_a_url(saved: tuple[Path, list[Delivery]]) -> None:
    """A server, with a clock that ticks and threads that send, sends them in order, too."""
    file, deliveries = saved
    with run_receiver() as receiver, Emulator(file, clock="ticking") as oms:
        answer = oms.session().post("/__admin/hooks/redeliver", json={"target_url": receiver.url})
        assert answer.status_code == 200, answer.text
        received = [json.loads(each.body)["event"]["uuid"] for each in receiver.requests]
    sent = [json.loads(each.body)["event"]["uuid"] for each in deliveries if each.disturbed != "drop"]
    assert received == sent
    assert [each["disturbed"] for each in answer.json()["results"]] == [each.disturbed for each in deliveries]
