"""Hooks and their events are answered as dj-whisperer's own views answer: status, headers and body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from emulator.core.records import Webhook, WebhookEvent
from tests.oracle.differences import Difference
from tests.oracle.wire import Answer, Ask
from tests.oracle_hooks.asks import ASKS, EVENTS, HOOKS, RETRY, WHOLE, sent
from tests.oracle_hooks.differences import DIFFERENCES
from tests.oracle_hooks.pair import Pair


@pytest.fixture(scope="session")
def shared() -> Pair:
    return Pair()


@pytest.fixture
def pair(shared: Pair) -> Iterator[Pair]:
    with shared.undone():
        yield shared


def names(pair: Pair) -> dict[str, str]:
    """Give what the names in requests stand for."""
    hooks = list(pair.root.all(Webhook))
    hook, off = hooks[4], hooks[2]
    events = list(pair.root.all(WebhookEvent))
    failed = [event for event in events if not event.delivered]
    done = next(event for event in events if event.delivered)
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
        "sent": str(done.id),
        "uuid": done.uuid,
        "hex": done.uuid.replace("-", ""),
        "object": str(done.object_id),
        "created": done.created_date.isoformat().replace("+00:00", "Z"),
    }


def addressed(request: Ask, pair: Pair) -> Ask:
    target, body = request.target, request.body
    for name, value in names(pair).items():
        target = target.replace(f"{{{name}}}", value)
        body = body.replace(f"{{{name}}}".encode(), value.encode())
    return replace(request, target=target, body=body)


def check(pair: Pair, request: Ask, differences: tuple[Difference, ...] = DIFFERENCES) -> None:
    ours, theirs = pair.both(addressed(request, pair), differences)
    assert ours == theirs


@pytest.mark.parametrize("request_", ASKS, ids=[request.label for request in ASKS])
def test_both_sides_answer_alike(pair: Pair, request_: Ask) -> None:
    if request_.label == "retry unanswered":
        pair.receiver.error = "Connection refused"
    check(pair, request_)


LISTS = (Ask("hooks", HOOKS), Ask("events", EVENTS + "?limit=100"))
SEQUENCES = {
    "a hook is made, changed, switched off, and still in the way": (
        sent("create", HOOKS, "POST", WHOLE),
        sent("again", HOOKS, "POST", WHOLE),
        sent("other type", HOOKS, "POST", WHOLE | {"event_type": "shipment.created"}),
        sent("change", HOOKS + "{new}/", "PATCH", {"is_active": False, "secret_key": "k"}),
        sent("change to the other", HOOKS + "{new}/", "PATCH", {"event_type": "shipment.created"}),
        Ask("delete", HOOKS + "{new}/", "DELETE"),
        Ask("delete again", HOOKS + "{new}/", "DELETE"),
        sent("in the way", HOOKS, "POST", WHOLE),
        Ask("detail", HOOKS + "{new}/"),
        *LISTS,
    ),
    "a retry leaves what came of it": (Ask("retry", RETRY, "POST"), Ask("again", RETRY, "POST"), *LISTS),
}


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_both_sides_go_the_same_way(pair: Pair, steps: tuple[Ask, ...]) -> None:
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
def test_a_retry_is_answered_and_recorded_alike(pair: Pair, status: int, body: bytes, event: str) -> None:
    """Whatever the receiver answers; the events are compared afterwards."""
    pair.receiver.status, pair.receiver.body = status, body
    for step in (sent("retry", f"{EVENTS}{{{event}}}/retry/", "POST", {"force": True}), *LISTS):
        check(pair, step)


def test_a_retry_that_nobody_answers_is_recorded_alike(pair: Pair) -> None:
    """The sender fails as it prints the reason, after it has recorded it."""
    pair.receiver.error = "Connection refused"
    for step in (replace(sent("retry", RETRY, "POST", {"force": True}), label="retry unanswered"), *LISTS):
        check(pair, step)


def test_the_requests_are_whole() -> None:
    """Hundreds, each under its own name."""
    assert max(Counter(request.label for request in ASKS).values()) == 1
    assert len(ASKS) > 400


@pytest.fixture(scope="module")
def told(shared: Pair) -> list[tuple[Ask, Answer]]:
    """What the sender's views answer to every request, asked once for all that is said of them below."""
    unanswered = sent("retry unanswered", RETRY, "POST", {"force": True})
    return [(request, answer_of(shared, request)) for request in (*ASKS, unanswered)]


def answer_of(shared: Pair, request: Ask) -> Answer:
    with asking(shared, request) as asked:
        return shared.theirs(asked)


@contextmanager
def asking(shared: Pair, request: Ask) -> Iterator[Ask]:
    """Give a request as it is asked, with a receiver that is as it expects."""
    with shared.undone():
        shared.receiver.error = "Connection refused" if request.label == "retry unanswered" else ""
        yield addressed(request, shared)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[difference.name for difference in DIFFERENCES])
def test_no_difference_is_a_dead_excuse(shared: Pair, told: list[tuple[Ask, Answer]], difference: Difference) -> None:
    """Without the entry some request would disagree, and it has a reason."""
    assert difference.reason
    others = tuple(other for other in DIFFERENCES if other is not difference)
    for request, answer in told:
        with asking(shared, request) as asked:
            if not difference.applies(asked, answer):
                continue
            ours, theirs = shared.both(asked, others)
        if ours != theirs:
            return
    raise AssertionError("nothing needs it")
