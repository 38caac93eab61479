"""Retries of events follow the rules of the vendor's sender. The next due event is found quickly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from timeit import repeat
from typing import Any

import pytest

from emulator import Emulator
from emulator.api.control.deliveries import save_result
from emulator.core.records import Webhook, WebhookEvent
from emulator.domain.webhook_retries import (
    MAX_ATTEMPTS,
    due_event_ids,
    next_attempt_at,
    next_due_event,
    record_result,
)
from emulator.state.outbox import NO_SENDER_REASON, DeliveryResult, WebhookSender, error_result, response_result
from emulator.state.steps import Step
from emulator.state.world import World
from emulator.worlds.loading.scenarios import UnreplayableStep, replay_step
from tests.support.worlds import START, build_world

FAILED, DONE = response_result(503, b"no", "no", 0.1), response_result(200, b"200 OK", "200 OK", 0.1)
FIXED = b'{"choice":"fixed","kwargs":{"seconds":60}}'


def world_with(policy: bytes = FIXED, clock: Any = "frozen", **hook: Any) -> World:
    """Return a world with one event that has not been sent yet."""
    world = build_world([Webhook(1, retry_countdown_config=policy, event_type="x", **hook)], clock)
    with world.transaction() as tx:
        tx.add(WebhookEvent(1, 1, 1, 4, tx.now, tx.now, "u", due=tx.now))
    return world


def tried(world: World, outcome: DeliveryResult = FAILED) -> WebhookEvent:
    """Advance to the time of the next attempt, and record its result."""
    at, id_ = next_due_event(world.records) or pytest.fail("nothing is due")
    world.clock.set_time(at)
    with world.transaction() as tx:
        return record_result(tx, id_, outcome)


def test_undelivered_event_has_19_attempts() -> None:
    """The first attempt is immediate. Ten retries follow the policy. Eight retries are scanner rounds."""
    world = world_with()
    events = []
    while next_due_event(world.records) is not None:
        events.append(tried(world))
    assert [event.retry_count for event in events] == list(range(1, MAX_ATTEMPTS + 1))
    times = [event.due for event in events]
    for before, after in pairwise(events[:11]):
        assert before.due == before.modified_date + timedelta(seconds=60)
        assert after.modified_date == before.due + timedelta(milliseconds=1)
    rounds = [due for due in times[10:-1] if due is not None]
    assert rounds == [rounds[0] + timedelta(hours=number) for number in range(8)]
    assert all((due.minute, due.second, due.microsecond) == (0, 0, 0) for due in rounds)
    assert times[-1] is None


def test_documented_event_ends_at_the_documented_time() -> None:
    """Event 3113 has an exponential policy. Its 19th attempt is at the full hour after 2 ** 18 seconds."""
    created = datetime(2022, 10, 5, 14, 7, 53, 785643, tzinfo=UTC)
    hook = Webhook(1, retry_countdown_config=b'{"choice":"exponential","kwargs":{"base":2,"factor":1}}')
    event = WebhookEvent(3113, 1, 1, 4, created, created + timedelta(days=2), "u", retry_count=18)
    last = next_attempt_at(event._replace(response_http_status=405), hook)
    assert last == datetime(2022, 10, 8, 15, 0, tzinfo=UTC)


def test_result_is_recorded_in_the_form_of_the_sender() -> None:
    """Attempts are newest first. The response is the `repr` of bytes. Without a response, the status is 500."""
    world = world_with()
    start = world.clock.now()
    first = tried(world, error_result("Connection refused", 0.2))
    assert (first.response_http_status, first.response_content, first.delivered) == (500, "Connection refused", False)
    began = START + timedelta(minutes=5)
    second = tried(world, DONE._replace(started_at=began))
    assert (second.response_http_status, second.response_content, second.delivered) == (200, "b'200 OK'", True)
    assert (second.retry_count, second.due, second.modified_date) == (2, None, world.clock.now())
    texts = [at.isoformat().replace("+00:00", "Z") for at in (began, start + timedelta(milliseconds=1))]
    assert json.loads(second.request_datetimes) == texts


ENDS = {
    "delivered": ({}, response_result(204, b"", "", 0)),
    "moved elsewhere": ({}, response_result(302, b"", "", 0)),
    "a callback that cannot be imported": ({"callback": "{}"}, FAILED),
    "a policy of a file's own": ({"policy": b'{"choice":"never","kwargs":{}}'}, FAILED),
    "a policy without its numbers": ({"policy": b'{"choice":"fixed","kwargs":{}}'}, FAILED),
    "a policy of texts": ({"policy": b'{"choice":"fixed","kwargs":{"seconds":"x"}}'}, FAILED),
    "a policy that is none": ({"policy": b"[]"}, FAILED),
    "a wait beyond the calendar": ({"policy": b'{"choice":"fixed","kwargs":{"seconds":1000000000000}}'}, FAILED),
    "a range without numbers": ({"policy": b'{"choice":"random","kwargs":{"min_value":2,"max_value":1}}'}, FAILED),
}
GOES_ON = {
    "refused": ({}, FAILED),
    "no answer": ({}, error_result("timed out", 10)),
    "a hook that is off": ({"is_active": False}, FAILED),
    "a callback that may be there": ({"callback": "app.hooks.told"}, FAILED),
    "no callback": ({"callback": ""}, FAILED),
}


@pytest.mark.parametrize(("hook", "outcome"), ENDS.values(), ids=ENDS)
def test_retries_end(hook: Any, outcome: DeliveryResult) -> None:
    assert tried(world_with(**hook), outcome).due is None


@pytest.mark.parametrize(("hook", "outcome"), GOES_ON.values(), ids=GOES_ON)
def test_retries_continue(hook: Any, outcome: DeliveryResult) -> None:
    event = tried(world_with(**hook), outcome)
    assert event.due == event.modified_date + timedelta(seconds=60)


def test_due_events_are_ordered_and_complete() -> None:
    world = world_with()
    with world.transaction() as tx:
        for number, wait in ((2, 5), (3, 1), (4, 9)):
            tx.add(WebhookEvent(number, 1, 1, 4, due=START + timedelta(seconds=wait)))
    assert list(due_event_ids(world.records, START + timedelta(seconds=5))) == [1, 3, 2]


@pytest.mark.slow
def test_next_due_event_is_found_quickly() -> None:
    """The limit of 50 microseconds with 10,000 events is generous, so that a busy machine does not matter."""
    world = world_with()
    with world.transaction() as tx:
        for number in range(2, 10_002):
            tx.add(WebhookEvent(number, 1, 1, 4, due=START + timedelta(milliseconds=7 * number)))
    best = min(repeat(lambda: next_due_event(world.records), number=200, repeat=20)) / 200
    assert best < 50e-6, f"{best * 1e6:.1f} microseconds"


def hooked(oms: Emulator) -> tuple[World, int]:
    """Return the world, and an event in it that has not been sent."""
    client = oms.session()
    body = {
        "target_url": "http://127.0.0.1:9/",
        "event_type": "package.created",
        "retry_countdown_config": json.loads(FIXED),
    }
    assert client.post("/whisperer/hooks/", json=body).status_code == 201
    oms.package()
    return oms.world, oms.world.records.ids(WebhookEvent)[-1]


def test_retry_without_a_sender_fails(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt is recorded as one without a response."""
    world, event_id = hooked(oms)
    monkeypatch.setattr(world.outbox, "sender", WebhookSender())
    answer = oms.session().post(f"/whisperer/hook_events/{event_id}/retry/", json={"force": True})
    assert (answer.status_code, answer.json()["response_content"]) == (406, NO_SENDER_REASON)
    assert world.records.get_existing(WebhookEvent, event_id).response_http_status == 500


def test_replayed_retry_makes_no_http_call(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step contains the result, so a replay in another world gives the same event."""
    world, event_id = hooked(oms)
    calls: list[int] = []

    def attempt(event_id: int) -> DeliveryResult:
        calls.append(event_id)
        return DONE

    monkeypatch.setattr(world.outbox.sender, "attempt", attempt)
    client = oms.session()
    assert client.post(f"/whisperer/hook_events/{event_id}/retry/", json={"force": True}).status_code == 200
    steps = [Step.from_document(json.loads(line)) for line in world.steps]
    assert [step.operation for step in steps][-1] == "record_outcome"
    other = Emulator("demo").world
    for step in steps:
        replay_step(other, step)
    for kind in (Webhook, WebhookEvent):
        ours, theirs = (tables(each, kind) for each in (world, other))
        assert ours == theirs
    assert calls == [event_id]


def tables(world: World, kind: type[Any]) -> list[Any]:
    return [
        record._replace(snapshot=None) if isinstance(record, WebhookEvent) else record
        for record in world.records.all(kind)
    ]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ({"pk": 99_999}, {"status": 200, "content": ""}, "no webhook event 99999"),
        ({}, {"status": 200, "content": ""}, "path: pk"),
        ({"pk": 1}, {"status": "x"}, "status"),
    ],
)
def test_invalid_step_is_refused(oms: Emulator, path: Any, body: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replay_step(oms.world, Step("record_outcome", path, body=body))


def test_result_of_a_deleted_event_is_an_error(oms: Emulator) -> None:
    with pytest.raises(LookupError):
        save_result(oms.world, 99_999, DONE)
    assert issubclass(UnreplayableStep, ValueError)
