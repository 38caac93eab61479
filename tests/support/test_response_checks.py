"""The response checks: a wrong response fails its test, over every transport."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.core.call import Reply
from tests.support import response_checks
from tests.support.handlers import with_handler
from tests.support.response_checks import SentResponse

LIST = "/api/v1/oms/packages/"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def without_failure() -> Iterator[None]:
    """Do not fail this test because of its wrong responses."""
    yield
    response_checks.problems.clear()


WRONG = {
    "a body of another shape": (Reply(200, b'{"count":1}'), "page-of-package"),
    "no JSON": (Reply(200, b"{"), "not JSON"),
    "a status that the route does not have": (Reply(202, b"{}"), "the route has no such status"),
    "HTML instead of JSON": (Reply(200, b"<p>", content_type="text/html"), "Content-Type text/html"),
    "a 204 with a body": (Reply(204, b"{}"), "a body"),
    "a bug": (Reply(500, b'{"detail":"A server error occurred."}'), "a bug of the emulator"),
    "an error of another form": (Reply(403, b'{"error":"no"}'), "403 has no schema"),
    "a header twice": (Reply(404, b'{"detail":"x"}', {"content-type": "text/plain"}), "is repeated"),
}


@pytest.mark.parametrize(("reply", "message"), WRONG.values(), ids=WRONG)
def test_wrong_response_fails_the_call_and_is_recorded(
    reply: Reply, message: str, oms: Emulator, without_failure: None
) -> None:
    client = with_handler(oms, "list_packages", lambda *_: reply).session()
    with pytest.raises(AssertionError, match=message):
        client.get(LIST)
    assert [message in problem for problem in response_checks.problems] == [True]


HEADERS = [("Content-Length", "2"), ("X-Emulator-Request-Id", "1"), ("Content-Type", "application/json")]
WRONG_HEADERS = {
    "a wrong length": [("Content-Length", "3"), *HEADERS[1:]],
    "no request id": [*HEADERS[::2]],
    "another Allow": [*HEADERS, ("Allow", "POST")],
}


@pytest.mark.parametrize("headers", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_headers_are_checked(headers: list[tuple[str, str]], without_failure: None) -> None:
    with pytest.raises(AssertionError):
        response_checks.check_and_record(SentResponse("GET", LIST, 200, headers, b"{}"))


@pytest.mark.parametrize("status", [200, 400])
def test_control_responses_are_checked(status: int, without_failure: None) -> None:
    body = b'{"detail":1}' if status == 400 else b"<p>"
    kind = "application/json" if status == 400 else "text/html"
    headers = [("Content-Length", str(len(body))), ("Content-Type", kind)]
    with pytest.raises(AssertionError, match="control API"):
        response_checks.check_and_record(SentResponse("GET", "/__admin/health", status, headers, body))


TEST = """
import requests
from emulator import Emulator
from emulator.core.call import Reply
from tests.support.handlers import with_handler

def test_over_a_socket_whose_thread_swallows_the_error():
    with with_handler(Emulator("empty"), "list_packages", lambda call, world: Reply(200, b"{}")) as oms:
        requests.get(oms.url + "/api/v1/oms/packages/", headers=oms.auth)

def test_with_correct_responses():
    assert Emulator("empty").session().get("/api/v1/oms/packages/").status_code == 200
"""


@pytest.mark.slow
def test_wrong_response_over_a_socket_fails_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next test does not fail."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest('pytest_plugins = ["tests.support.response_checks"]')
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*GET /api/v1/oms/packages/ -> 200: page-of-package:*"])
