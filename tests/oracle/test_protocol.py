"""The emulator answers as a Django REST framework application does: status, headers and body."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.oracle import service
from tests.oracle.asks import ASKS
from tests.oracle.asks.sequences import SEQUENCES, Step
from tests.oracle.differences import ADDED_HEADERS, DIFFERENCES, Difference
from tests.oracle.sides import Sides
from tests.oracle.wire import Ask, ask

STATUSES = {200, 204, 301, 400, 401, 403, 404, 405, 406, 415}


@pytest.mark.parametrize("request_", ASKS, ids=[request.label for request in ASKS])
def test_both_sides_answer_alike(request_: Ask, sides: Sides) -> None:
    """What the framework decides, we decide as it does."""
    ours, theirs = sides.pair(request_)
    assert ours == theirs


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_both_sides_count_alike(steps: tuple[Step, ...], fresh_sides: Sides) -> None:
    """The throttle refuses the same calls for the same time."""
    for number, step in enumerate(steps):
        if isinstance(step, Ask):
            ours, theirs = fresh_sides.pair(step)
            assert (number, ours) == (number, theirs)
        else:
            fresh_sides.advance(step)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[difference.name for difference in DIFFERENCES])
def test_no_difference_is_a_dead_excuse(difference: Difference, sides: Sides) -> None:
    """Without the entry some request would disagree, and it has a reason."""
    others = tuple(other for other in DIFFERENCES if other is not difference)
    excused = (request for request in ASKS if difference.applies(request, sides.theirs(request)))
    assert difference.reason
    assert any(ours != theirs for ours, theirs in (sides.pair(request, others) for request in excused))


@pytest.mark.parametrize("prefix", ADDED_HEADERS)
def test_every_added_header_is_sent(prefix: str, sides: Sides) -> None:
    """A header that is left out of the comparison exists."""
    assert any(name.startswith(prefix) for name in sides.ours(ASKS[0]).headers)


def test_the_oracle_and_the_requests_are_whole(oracle_alone: Sides) -> None:
    """Hundreds of requests with names of their own meet every status and carry no command out."""
    answers = [(request, oracle_alone.theirs(request)) for request in ASKS]
    commanded = [
        request.label for request, answer in answers if answer.status == 204 and "command/" in request.target
    ]
    assert max(Counter(request.label for request in ASKS).values()) == 1
    assert len(ASKS) > 600
    assert {answer.status for _, answer in answers} >= STATUSES
    assert commanded == []


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[difference.name for difference in DIFFERENCES])
def test_every_difference_meets_a_request(difference: Difference, oracle_alone: Sides) -> None:
    """An entry that excuses nothing has to go."""
    assert any(difference.applies(request, oracle_alone.theirs(request)) for request in ASKS)


def test_a_bug_is_a_500_in_the_frameworks_words(oracle_alone: Sides) -> None:
    """The reference for what a bug of ours looks like."""
    answer = ask(service.app, Ask("broken", "/api/v1/oms/broken/"))
    assert (answer.status, answer.body) == (500, b'{"detail":"A server error occurred."}')


def test_the_oracle_throttles(oracle_alone: Sides) -> None:
    """The sixth call of the minute is refused."""
    calls = [oracle_alone.theirs(step) for step in SEQUENCES["the sixth call of a minute is refused"]]
    assert [answer.status for answer in calls] == [200] * 5 + [429] * 3
    assert calls[5].headers["Retry-After"] == "60"
