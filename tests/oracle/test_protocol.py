"""The emulator returns the same status, headers and body as a Django REST framework application."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.oracle import service
from tests.oracle.comparison import Comparison
from tests.oracle.differences import ADDED_HEADERS, DIFFERENCES, Difference
from tests.oracle.request_tables import REQUESTS
from tests.oracle.request_tables.sequences import SEQUENCES, Step
from tests.oracle.wire import RawRequest, send_wsgi

MIN_REQUESTS, MAX_DIFFERENCES = 3_500, 6
STATUSES = {200, 204, 301, 400, 401, 403, 404, 405, 406, 415}


@pytest.mark.parametrize("request_", REQUESTS, ids=[request.label for request in REQUESTS])
def test_answer_equals_the_oracles_answer(request_: RawRequest, comparison: Comparison) -> None:
    """Both ways into the emulator are compared: the short one and Flask's routing."""
    actual, expected = comparison.response_pair(request_)
    assert actual == expected
    assert comparison.through_flask().response_pair(request_)[0] == expected


@pytest.mark.parametrize("is_through_flask", [False, True])
@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_throttle_refuses_the_same_requests_for_the_same_time(
    steps: tuple[Step, ...], is_through_flask: bool, fresh_comparison: Comparison
) -> None:
    if is_through_flask:
        fresh_comparison = fresh_comparison.through_flask()
    for number, step in enumerate(steps):
        if isinstance(step, RawRequest):
            actual, expected = fresh_comparison.response_pair(step)
            assert (number, actual) == (number, expected)
        else:
            fresh_comparison.advance(step)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[difference.name for difference in DIFFERENCES])
def test_every_difference_is_needed(difference: Difference, comparison: Comparison) -> None:
    """Without the entry, at least one answer differs from the oracle's."""
    others = tuple(other for other in DIFFERENCES if other is not difference)
    affected = (request for request in REQUESTS if difference.applies(request, comparison.oracle_response(request)))
    assert difference.reason
    assert any(
        actual != expected for actual, expected in (comparison.response_pair(request, others) for request in affected)
    )


@pytest.mark.parametrize("prefix", ADDED_HEADERS)
def test_every_added_header_is_sent(prefix: str, comparison: Comparison) -> None:
    """The emulator sends each header that the comparison ignores."""
    assert any(name.startswith(prefix) for name in comparison.emulator_response(REQUESTS[0]).headers)


def test_requests_are_unique_and_cover_every_status(oracle_only: Comparison) -> None:
    """Labels are unique, every status occurs, and no command is executed."""
    answers = [(request, oracle_only.oracle_response(request)) for request in REQUESTS]
    executed_commands = [
        request.label for request, answer in answers if answer.status == 204 and "command/" in request.target
    ]
    assert max(Counter(request.label for request in REQUESTS).values()) == 1
    assert len(REQUESTS) >= MIN_REQUESTS
    assert {answer.status for _, answer in answers} >= STATUSES
    assert executed_commands == []


@pytest.mark.parametrize("difference", DIFFERENCES, ids=[difference.name for difference in DIFFERENCES])
def test_every_difference_applies_to_a_request(difference: Difference, oracle_only: Comparison) -> None:
    assert any(difference.applies(request, oracle_only.oracle_response(request)) for request in REQUESTS)


def test_differences_are_few() -> None:
    assert len(DIFFERENCES) <= MAX_DIFFERENCES


def test_oracle_reports_a_bug_as_a_500(oracle_only: Comparison) -> None:
    answer = send_wsgi(service.app, RawRequest("broken", "/api/v1/oms/broken/"))
    assert (answer.status, answer.body) == (500, b'{"detail":"A server error occurred."}')


def test_oracle_throttles_the_sixth_request_of_a_minute(oracle_only: Comparison) -> None:
    calls = [oracle_only.oracle_response(step) for step in SEQUENCES["the sixth call of a minute is refused"]]
    assert [answer.status for answer in calls] == [200] * 5 + [429] * 3
    assert calls[5].headers["Retry-After"] == "60"
