"""`oms.hooks`: subscriptions, receivers in the process, and assertions about deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask, request

from emulator import Emulator
from emulator.core.errors import InvalidDocument
from emulator.core.event_types import EVENT_TYPES

EVENT = "package.created"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("empty")


def test_a_wsgi_application_receives(oms: Emulator) -> None:
    """A Flask application in this process is called as one on the network would be."""
    app = Flask("receiver")
    got: list[tuple[str, Any]] = []

    @app.post("/")
    def take() -> tuple[str, int]:
        got.append((request.headers["X-Whisperer-Event"], request.get_json()["payload"]["id"]))
        return "taken", 202

    oms.hooks.add(app, EVENT)
    made = oms.package()["id"]
    (delivery,) = oms.hooks.assert_delivered(EVENT, status=202)
    assert got == [(EVENT, made)]
    assert delivery.response == "taken"


def test_a_receiver_that_raises_is_a_failed_attempt(oms: Emulator) -> None:
    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise RuntimeError("out of order")

    oms.hooks.add(broken, EVENT)
    oms.package()
    (delivery,) = [each for each in oms.hooks.deliveries if "receiver-1" in each.url]
    assert (delivery.status, delivery.response) == (None, "the receiver raised RuntimeError: out of order")


@pytest.mark.parametrize(
    ("given", "status", "response"),
    [(None, 200, ""), (503, 503, ""), ((400, "no"), 400, "no"), ((200, b"yes"), 200, "yes")],
)
def test_the_result_of_a_function_is_the_response(oms: Emulator, given: Any, status: int, response: str) -> None:
    oms.hooks.add(lambda _: given, EVENT)
    oms.package()
    (delivery,) = [each for each in oms.hooks.deliveries if "receiver-1" in each.url]
    assert (delivery.status, delivery.response) == (status, response)


def test_a_hook_takes_one_several_or_all_event_types(oms: Emulator) -> None:
    oms.hooks.add("http://127.0.0.1:9/one", EVENT)
    oms.hooks.add("http://127.0.0.1:9/two", ["package.created", "shipment.created"])
    oms.hooks.add("http://127.0.0.1:9/all")
    hooks = oms.session().get("/whisperer/hooks/?limit=100").json()["results"]
    urls = [hook["target_url"].rpartition("/")[2] for hook in hooks]
    assert [urls.count(name) for name in ("one", "two", "all")] == [1, 2, len(EVENT_TYPES)]


def test_unknown_types_are_refused(oms: Emulator) -> None:
    with pytest.raises(InvalidDocument, match=r"unknown event type 'package\.packed'; known: package\.created"):
        oms.hooks.add("http://127.0.0.1:9/", "package.packed")
    with pytest.raises(InvalidDocument, match="unknown event type"):
        oms.hooks.assert_delivered("package.packed")
    with pytest.raises(InvalidDocument, match="a delivery has no colour; known: id, at"):
        oms.hooks.assert_delivered(EVENT, colour="red")  # type: ignore[call-arg] # the mistake is intended


def test_deliveries_can_be_asserted(oms: Emulator) -> None:
    oms.hooks.add(lambda _: None, EVENT)
    made = [oms.package()["id"] for _ in range(2)]
    assert len(oms.hooks.assert_delivered(EVENT)) == 2
    assert len(oms.hooks.assert_delivered(EVENT, times=1, payload={"id": made[0]})) == 1
    oms.hooks.clear()
    with pytest.raises(
        AssertionError, match=r"to be delivered at least once; it was delivered 0 times\. Deliveries:\n  none"
    ):
        oms.hooks.assert_delivered(EVENT)


def test_failure_shows_what_was_sent_instead(oms: Emulator) -> None:
    oms.hooks.add(lambda _: 503, EVENT)
    made = oms.package()["id"]
    with pytest.raises(AssertionError) as told:
        oms.hooks.assert_delivered(EVENT, payload={"id": 1}, attempt=2)
    text = str(told.value)
    assert "expected package.created to be delivered at least once; it was delivered 0 times" in text
    assert "attempt is 1, not 2" in text
    assert f"payload id is {made}, not 1" in text
    assert "http://receiver-1.test/: 503" in text


def test_an_unknown_field_of_a_hook_is_an_error(oms: Emulator) -> None:
    with pytest.raises(
        ValueError, match=r"unknown field 'evnt_type' of a hook; known: .*\. Did you mean event_type\?$"
    ):
        oms.hooks.add("http://receiver.test/", evnt_type="package.created")  # type: ignore[call-arg] # the mistake is intended


def waiting_note(oms: Emulator) -> str | None:
    return oms.world.outbox.sender.waiting_note


@pytest.mark.medium
def test_waiting_deliveries_are_in_the_hint_of_the_write_and_in_the_journal(oms: Emulator) -> None:
    """With a frozen clock nothing is sent before a flush. Hooks whose host is not allowed do not count."""
    oms.hooks.add("https://example.com/hook")
    package, session = oms.package()["id"], oms.session()
    assert waiting_note(oms) is None
    oms.hooks.add(lambda _: 200, EVENT)
    created = session.post("/__admin/packages", json={})
    note = "1 delivery waits: call oms.hooks.flush()"
    assert (created.headers["X-Emulator-Hint"], waiting_note(oms)) == (note, note)
    url = f"/api/v1/oms/packages/{package}/set_remote_id/"
    changed = session.post(url, json={"remote_id": "R-1", "colour": 1})
    assert changed.headers["X-Emulator-Hint"] == f"{note}; /colour: key 'colour' is unknown and was ignored"
    assert oms.requests[0].hint == changed.headers["X-Emulator-Hint"]
    session.post("/__admin/packages", json={})
    assert waiting_note(oms) == "2 deliveries wait: call oms.hooks.flush()"
    oms.hooks.flush()
    assert "X-Emulator-Hint" not in session.post(url, json={"remote_id": "R-2"}).headers


@pytest.mark.parametrize("status", [200, 503])
def test_only_due_deliveries_wait_for_a_flush(oms: Emulator, status: int) -> None:
    """A retry waits for the clock, and an event is not waiting while its receiver is called."""
    seen: list[str | None] = []

    def receive(_: object) -> int:
        seen.append(waiting_note(oms))
        return status

    oms.hooks.add(receive, EVENT)
    oms.package()
    oms.hooks.flush()
    assert [*seen, waiting_note(oms)] == [None, None]


@pytest.mark.medium
def test_nothing_waits_where_deliveries_are_sent_in_the_background() -> None:
    with Emulator("empty", clock="ticking") as oms:
        oms.hooks.add(lambda _: 200, EVENT)
        assert "X-Emulator-Hint" not in oms.session().post("/__admin/packages", json={}).headers
