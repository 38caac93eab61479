"""`/__admin/hooks/…`: deliveries, flush and delivery faults."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.event_types import EVENT_TYPES
from tests.support.receivers import run_receiver

DELIVERIES, FLUSH, DISTURBANCES = (f"/__admin/hooks/{name}" for name in ("deliveries", "flush", "disturbances"))
EVENT = "package.created"


@pytest.fixture
def oms() -> Emulator:
    """Return an emulator without the hook of the scenario, whose deliveries would be listed too."""
    oms = Emulator("empty")
    for hook in oms.session().get("/whisperer/hooks/").json()["results"]:
        oms.session().delete(f"/whisperer/hooks/{hook['id']}/")
    return oms


@pytest.fixture
def client(oms: Emulator) -> requests.Session:
    return oms.session()


def subscribe(client: requests.Session, url: str, **more: Any) -> None:
    retries = {"choice": "fixed", "kwargs": {"seconds": 60}}
    hook = {"target_url": url, "event_type": EVENT, "retry_countdown_config": retries} | more
    assert client.post("/whisperer/hooks/", json=hook).status_code == 201


def test_flush_sends_due_events_and_lists_the_deliveries(oms: Emulator, client: requests.Session) -> None:
    with run_receiver() as receiver:
        subscribe(client, receiver.url, secret_key="a secret", additional_headers={"Authorization": "Bearer hidden"})
        oms.package()
        assert client.get(DELIVERIES).json() == {"count": 0, "results": []}
        assert client.post(FLUSH).json() == {"attempted": 1, "delivered": 1}
        assert client.post(FLUSH).json() == {"attempted": 0, "delivered": 0}
    (delivery,) = client.get(DELIVERIES).json()["results"]
    (got,) = receiver.requests
    assert (delivery["url"], delivery["event_type"], delivery["attempt"]) == (receiver.url, EVENT, 1)
    assert (delivery["status"], delivery["response"], delivery["delivered"]) == (200, "ok", True)
    assert delivery["headers"]["X-Whisperer-Signature"] == got.headers["X-Whisperer-Signature"]
    assert "hidden" not in str(delivery)


def test_delivery_faults_are_armed_listed_and_applied(oms: Emulator, client: requests.Session) -> None:
    with run_receiver() as receiver:
        subscribe(client, receiver.url)
        armed = client.post(DISTURBANCES, json={"kind": "duplicate", "event_type": EVENT})
        assert (armed.status_code, armed.json()["times"]) == (201, 1)
        assert client.get(DISTURBANCES).json()["count"] == 1
        oms.package()
        assert client.post(FLUSH).json()["attempted"] == 2
        assert client.get(DISTURBANCES).json() == {"count": 0, "results": []}
    assert receiver.requests[0].body == receiver.requests[1].body
    assert [each["disturbed"] for each in client.get(DELIVERIES).json()["results"]] == ["duplicate", "duplicate"]


def test_delivery_faults_can_be_removed(client: requests.Session) -> None:
    client.post(DISTURBANCES, json={"kind": "drop", "times": 5})
    answer = client.delete(DISTURBANCES)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(DISTURBANCES).json()["count"] == 0


REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": ({}, '/kind: is missing; must be one of "duplicate", "delay"'),
    "no object": ([1], "the document: must be an object (got [1])"),
    "an unknown kind": ({"kind": "lose"}, '/kind: must be one of "duplicate"'),
    "an unknown event type": ({"kind": "drop", "event_type": "package.made"}, "unknown event type 'package.made'"),
    "no times": ({"kind": "drop", "times": 0}, "/times: must be at least 1 (got 0)"),
    "too many times": ({"kind": "drop", "times": 10_001}, "/times: must be at most 10000 (got 10001)"),
    "text for a number": ({"kind": "delay", "seconds": "9"}, '/seconds: must be a number (got "9")'),
    "an unknown key": ({"kind": "drop", "event": EVENT}, "unknown key 'event'"),
}


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED)
def test_invalid_delivery_fault_is_refused_in_one_line(client: requests.Session, document: Any, why: str) -> None:
    answer = client.post(DISTURBANCES, json=document)
    assert answer.status_code == 400
    assert why in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert client.get(DISTURBANCES).json()["count"] == 0


def test_error_for_an_event_type_lists_the_known_ones(client: requests.Session) -> None:
    answer = client.post(DISTURBANCES, json={"kind": "drop", "event_type": "x"})
    assert all(event.name in answer.text for event in EVENT_TYPES)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", DELIVERIES), ("DELETE", DELIVERIES), ("GET", FLUSH), ("PUT", DISTURBANCES)]
)
def test_other_methods_are_refused(client: requests.Session, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 405


def test_flush_accepts_no_document(client: requests.Session) -> None:
    assert client.post(FLUSH, json={"all": True}).status_code == 400


def test_each_world_has_separate_deliveries(oms: Emulator, client: requests.Session) -> None:
    other = oms.branch("other")
    with run_receiver() as receiver:
        other.hooks.add(receiver.url, EVENT)
        other.package()
        assert client.post(FLUSH).json()["attempted"] == 0
        assert client.post(f"/w/other{FLUSH}").json() == {"attempted": 1, "delivered": 1}
    assert client.get(DELIVERIES).json()["count"] == 0
    assert client.get(DELIVERIES, headers={"X-Emulator-World": "other"}).json()["count"] == 1


def test_limit_selects_the_latest_deliveries(oms: Emulator, client: requests.Session) -> None:
    """They are in order, and the count includes all deliveries."""
    oms.hooks.add(lambda _: 200, EVENT)
    for _ in range(3):
        oms.package(state="Waiting")
    oms.hooks.flush()
    every = client.get(DELIVERIES).json()
    assert (every["count"], [row["id"] for row in every["results"]]) == (3, [1, 2, 3])
    for limit, shown in ((2, every["results"][1:]), (0, []), (9, every["results"])):
        assert client.get(DELIVERIES, params={"limit": limit}).json() == {"count": 3, "results": shown}
    refusal = client.get(DELIVERIES, params={"limit": "all"})
    assert (refusal.status_code, refusal.json()["error"]) == (400, "limit must be a whole number (got 'all')")
