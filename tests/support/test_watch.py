"""The watch itself: a wrong answer fails its test, however it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.core.call import Reply
from tests.support import watch
from tests.support.handlers import with_handler
from tests.support.watch import SentResponse

LIST = "/api/v1/oms/packages/"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def forgiven() -> Iterator[None]:
    """Keep the wrong answers that this test makes from failing it."""
    yield
    watch.problems.clear()


WRONG = {
    "a body of another shape": (Reply(200, b'{"count":1}'), "page-of-package"),
    "no JSON": (Reply(200, b"{"), "not JSON"),
    "a status that the row has not": (Reply(202, b"{}"), "no such status in the row"),
    "HTML where JSON is due": (Reply(200, b"<p>", content_type="text/html"), "Content-Type text/html"),
    "a 204 with a body": (Reply(204, b"{}"), "a body"),
    "a bug": (Reply(500, b'{"detail":"A server error occurred."}'), "a bug of ours"),
    "an error of another form": (Reply(403, b'{"error":"no"}'), "403 has no schema"),
    "a header twice": (Reply(404, b'{"detail":"x"}', {"content-type": "text/plain"}), "comes twice"),
}


@pytest.mark.parametrize(("reply", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_fails_the_call_and_is_remembered(
    reply: Reply, said: str, oms: Emulator, forgiven: None
) -> None:
    client = with_handler(oms, "list_packages", lambda *_: reply).session()
    with pytest.raises(AssertionError, match=said):
        client.get(LIST)
    assert [said in problem for problem in watch.problems] == [True]


HEADERS = [("Content-Length", "2"), ("X-Emulator-Request-Id", "1"), ("Content-Type", "application/json")]
WRONG_HEADERS = {
    "a wrong length": [("Content-Length", "3"), *HEADERS[1:]],
    "no request id": [*HEADERS[::2]],
    "another Allow": [*HEADERS, ("Allow", "POST")],
}


@pytest.mark.parametrize("headers", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_headers_are_judged_too(headers: list[tuple[str, str]], forgiven: None) -> None:
    with pytest.raises(AssertionError):
        watch.check_and_record(SentResponse("GET", LIST, 200, headers, b"{}"))


@pytest.mark.parametrize("status", [200, 400])
def test_the_control_api_is_judged_too(status: int, forgiven: None) -> None:
    body = b'{"detail":1}' if status == 400 else b"<p>"
    kind = "application/json" if status == 400 else "text/html"
    headers = [("Content-Length", str(len(body))), ("Content-Type", kind)]
    with pytest.raises(AssertionError, match="control API"):
        watch.check_and_record(SentResponse("GET", "/__admin/health", status, headers, body))


TEST = """
import requests
from emulator import Emulator
from emulator.core.call import Reply
from tests.support.handlers import with_handler

def test_over_a_socket_whose_thread_swallows_the_error():
    with with_handler(Emulator("empty"), "list_packages", lambda call, world: Reply(200, b"{}")) as oms:
        requests.get(oms.url + "/api/v1/oms/packages/", headers=oms.auth)

def test_that_asks_for_nothing_wrong():
    assert Emulator("empty").session().get("/api/v1/oms/packages/").status_code == 200
"""


@pytest.mark.slow
def test_a_wrong_answer_over_a_socket_fails_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the test after it is not blamed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest('pytest_plugins = ["tests.support.watch"]')
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*GET /api/v1/oms/packages/ -> 200: page-of-package:*"])
