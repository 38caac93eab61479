"""Hooks and their events are answered as dj-whisperer's views answer: status, headers and body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from emulator.core.records import Webhook, WebhookEvent
from tests.oracle.differences import Difference
from tests.oracle.wire import RawRequest, RawResponse
from tests.oracle_hooks.asks import ASKS, EVENTS, HOOKS, RETRY, VALID_HOOK, json_request
from tests.oracle_hooks.differences import DIFFERENCES
from tests.oracle_hooks.pair import Pair


@pytest.fixture(scope="session")
def shared_pair() -> Pair:
    return Pair()


@pytest.fixture
def pair(shared_pair: Pair) -> Iterator[Pair]:
    with shared_pair.rolled_back():
        yield shared_pair


def placeholders(pair: Pair) -> dict[str, str]:
    """Return the values of the placeholders in requests."""
    hooks = list(pair.root.all(Webhook))
    hook, off = hooks[4], hooks[2]
    events = list(pair.root.all(WebhookEvent))
    failed = [event for event in events if not event.delivered]
    delivered = next(event for event in events if event.delivered)
    return {
        "hook": str(hook.id),
        "own": str(hooks[0].id),
        "off": str(off.id),
        "target": hook.target_url,
        "type": hook.event_type,
        "offtarget": off.target_url,
        "offtype": off.event_type,
        "tried": str(failed[0].id),
        "failed": str(failed[1].id),
        "sent": str(delivered.id),
        "uuid": delivered.uuid,
        "hex": delivered.uuid.replace("-", ""),
        "object": str(delivered.object_id),
        "created": delivered.created_date.isoformat().replace("+00:00", "Z"),
    }


def fill_in(request: RawRequest, pair: Pair) -> RawRequest:
    """Return the request with its placeholders replaced."""
    target, body = request.target, request.body
    for name, value in placeholders(pair).items():
        target = target.replace(f"{{{name}}}", value)
        body = body.replace(f"{{{name}}}".encode(), value.encode())
    return replace(request, target=target, body=body)


def check(pair: Pair, request: RawRequest, differences: tuple[Difference, ...] = DIFFERENCES) -> None:
    ours, theirs = pair.both(fill_in(request, pair), differences)
    assert ours == theirs


@pytest.mark.parametrize("request_", ASKS, ids=[request.label for request in ASKS])
def test_answer_equals_dj_whisperers_answer(pair: Pair, request_: RawRequest) -> None:
    if request_.label == "retry unanswered":
        pair.receiver.error = "Connection refused"
    check(pair, request_)


LISTS = (RawRequest("hooks", HOOKS), RawRequest("events", EVENTS + "?limit=100"))
SEQUENCES = {
    "create, change, delete and create a hook again": (
        json_request("create", HOOKS, "POST", VALID_HOOK),
        json_request("again", HOOKS, "POST", VALID_HOOK),
        json_request("other type", HOOKS, "POST", VALID_HOOK | {"event_type": "shipment.created"}),
        json_request("change", HOOKS + "{new}/", "PATCH", {"is_active": False, "secret_key": "k"}),
        json_request("change to the other", HOOKS + "{new}/", "PATCH", {"event_type": "shipment.created"}),
        RawRequest("delete", HOOKS + "{new}/", "DELETE"),
        RawRequest("delete again", HOOKS + "{new}/", "DELETE"),
        json_request("in the way", HOOKS, "POST", VALID_HOOK),
        RawRequest("detail", HOOKS + "{new}/"),
        *LISTS,
    ),
    "a retry is recorded": (RawRequest("retry", RETRY, "POST"), RawRequest("again", RETRY, "POST"), *LISTS),
}


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_sequence_of_requests_gives_equal_answers(pair: Pair, steps: tuple[RawRequest, ...]) -> None:
    new = str(max(pair.root.ids(Webhook)) + 1)
    for step in steps:
        check(pair, replace(step, target=step.target.replace("{new}", new)))


RECEIVERS = {
    "delivered": (200, b"200 OK"),
    "created": (201, "ş".encode()),
    "blanks": (200, b"  ok \r\n"),
    "empty": (204, b""),
    "moved": (302, b"there"),
    "refused": (404, b"404 - Not Found\n"),
    "broken": (503, b"\xff\x00x"),
}


@pytest.mark.parametrize(("status", "body"), RECEIVERS.values(), ids=RECEIVERS)
@pytest.mark.parametrize("event", ["failed", "tried"])
def test_retry_gives_equal_answers_and_records(pair: Pair, status: int, body: bytes, event: str) -> None:
    """Also compares the hooks and events afterwards."""
    pair.receiver.status, pair.receiver.body = status, body
    for step in (json_request("retry", f"{EVENTS}{{{event}}}/retry/", "POST", {"force": True}), *LISTS):
        check(pair, step)


def test_retry_without_an_answer_gives_equal_records(pair: Pair) -> None:
    """dj-whisperer crashes while it formats the reason, after it has recorded the attempt."""
    pair.receiver.error = "Connection refused"
    for step in (replace(json_request("retry", RETRY, "POST", {"force": True}), label="retry unanswered"), *LISTS):
        check(pair, step)


def test_requests_are_many_and_unique() -> None:
    assert max(Counter(request.label for request in ASKS).values()) == 1
    assert len(ASKS) > 400


@pytest.fixture(scope="module")
def oracle_answers(shared_pair: Pair) -> list[tuple[RawRequest, RawResponse]]:
    """Return dj-whisperer's answer to every request."""
    unanswered = json_request("retry unanswered", RETRY, "POST", {"force": True})
    return [(request, oracle_answer(shared_pair, request)) for request in (*ASKS, unanswered)]


def oracle_answer(shared_pair: Pair, request: RawRequest) -> RawResponse:
    with prepared(shared_pair, request) as filled_in:
        return shared_pair.theirs(filled_in)


@contextmanager
def prepared(shared_pair: Pair, request: RawRequest) -> Iterator[RawRequest]:
    """Yield the request with its placeholders replaced, and a receiver that behaves as the request expects."""
    with shared_pair.rolled_back():
        shared_pair.receiver.error = "Connection refused" if request.label == "retry unanswered" else ""
        yield fill_in(request, shared_pair)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[difference.name for difference in DIFFERENCES])
def test_every_difference_is_needed(
    shared_pair: Pair, oracle_answers: list[tuple[RawRequest, RawResponse]], difference: Difference
) -> None:
    """Without the entry, at least one answer differs from dj-whisperer's."""
    assert difference.reason
    others = tuple(other for other in DIFFERENCES if other is not difference)
    for request, answer in oracle_answers:
        with prepared(shared_pair, request) as filled_in:
            if not difference.applies(filled_in, answer):
                continue
            ours, theirs = shared_pair.both(filled_in, others)
        if ours != theirs:
            return
    raise AssertionError("no answer differs without this entry")
