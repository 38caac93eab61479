"""Every kind of fault, over a socket and in process: what the client observes and whether the request was handled."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.http import Http404
from django.test import RequestFactory
from django.views import defaults
from werkzeug.test import Client

from emulator import Emulator
from emulator.core.records import Package
from emulator.domain.fault_rules import FAULT_KINDS
from emulator.state.clock import machine_seconds
from emulator.state.faults import OVERTAKEN
from tests.oracle import service

pytestmark = pytest.mark.slow

LIST = "/api/v1/oms/packages/?limit=2"


def assert_status(status: int, detail: str) -> Callable[[Any], None]:
    def check(answer: Any) -> None:
        assert (answer.status_code, answer.json()) == (status, {"detail": detail})

    return check


def assert_complete(answer: Any) -> None:
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 2


def assert_not_json(answer: Any) -> None:
    assert answer.headers["Content-Length"] == str(len(answer.content))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def error_with(error: type[Exception], words: str) -> tuple[type[Exception], str]:
    return error, words


ABORTED, NO_RESPONSE = requests.ConnectionError, "Remote end closed connection without response"
KINDS: list[tuple[str, dict[str, Any], Any, bool]] = [
    ("status", {"status": 503}, assert_status(503, "Service temporarily unavailable, try again later."), False),
    ("status", {"status": 500}, assert_status(500, "A server error occurred."), False),
    ("status", {"status": 502}, assert_status(502, "Bad Gateway."), False),
    ("status", {"status": 403, "detail": "No."}, assert_status(403, "No."), False),
    ("delay", {"seconds": 0.05}, assert_complete, True),
    ("reset", {}, error_with(ABORTED, "Connection reset by peer"), False),
    ("lost_request", {"seconds": 0.01}, error_with(ABORTED, NO_RESPONSE), False),
    ("lost_response", {}, error_with(ABORTED, NO_RESPONSE), True),
    ("truncated", {}, error_with(requests.exceptions.ChunkedEncodingError, "IncompleteRead"), True),
    (
        "truncated",
        {"size": 0},
        error_with(requests.exceptions.ChunkedEncodingError, r"IncompleteRead\(0 bytes read"),
        True,
    ),
    ("malformed", {}, assert_not_json, True),
    ("drip", {"seconds": 0.05, "pieces": 4}, assert_complete, True),
]
IDS = [f"{kind} {options}" for kind, options, _, _ in KINDS]


@pytest.fixture(params=["socket", "process"])
def transport(request: pytest.FixtureRequest) -> Iterator[tuple[Emulator, Callable[..., requests.Response]]]:
    """Yield an emulator and a function that calls it, over HTTP or in process."""
    oms = Emulator("demo")
    if request.param == "process":
        yield oms, oms.session().request
        return
    with oms, requests.Session() as session:
        session.headers.update(oms.auth)
        yield oms, lambda method, path, **rest: session.request(method, oms.url + path, timeout=30, **rest)


def check_call(call: Callable[[], requests.Response], expected: Any) -> None:
    """Make a call and check its response or error."""
    if isinstance(expected, tuple):
        error, words = expected
        with pytest.raises(error, match=words):
            call()
    else:
        expected(call())


@pytest.mark.parametrize(("kind", "options", "expected", "_handled"), KINDS, ids=IDS)
def test_fault_affects_one_call_and_is_recorded(
    kind: str, options: Any, expected: Any, _handled: bool, transport
) -> None:
    """The next call on the same session succeeds. The journal and the hit count of the fault are updated."""
    oms, call = transport
    oms.faults.add("list_packages", kind, times=1, **options)
    check_call(lambda: call("GET", LIST), expected)
    after = call("GET", LIST)
    assert_complete(after)
    assert "X-Emulator-Fault" not in after.headers
    assert [exchange.info.fault for exchange in oms.world.journal.newest_first()] == [None, kind]
    assert oms.faults.list()[0]["hits"] == 1


@pytest.mark.parametrize(("kind", "options", "expected", "handled"), KINDS, ids=IDS)
def test_fault_decides_whether_a_write_takes_effect(
    kind: str, options: Any, expected: Any, handled: bool, transport
) -> None:
    """A fault that replaces the response prevents the write; a fault after the response does not."""
    oms, call = transport
    pk = oms.world.records.ids(Package)[0]
    oms.faults.add("set_package_remote_id", kind, **options)
    is_failed = False
    try:
        answer = call("POST", f"/api/v1/oms/packages/{pk}/set_remote_id/", json={"remote_id": "R"})
        is_failed = answer.status_code >= 400
    except requests.RequestException:
        is_failed = True
    assert (oms.world.records.get_existing(Package, pk).remote_id == "R") is handled
    assert is_failed or handled
    (exchange,) = oms.world.journal.newest_first()
    assert (exchange.info.operation, exchange.info.fault) == ("set_package_remote_id", kind)
    assert (exchange.info.role, exchange.info.body) == ("full-access", b'{"remote_id": "R"}')


def test_every_kind_has_a_case() -> None:
    """`test_overtaking.py` tests the kind that does not change a response."""
    assert {kind for kind, *_ in KINDS} == FAULT_KINDS.keys() - {OVERTAKEN}


def test_response_header_names_the_faults(oms: Emulator) -> None:
    oms.faults.add(delay=3)
    oms.faults.add("list_packages", status=429, retry_after=7)
    answer = oms.session().get(LIST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.headers["X-Emulator-Fault"] == "status, delay"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["detail"] == "Request was throttled. Expected available in 7 seconds."


@pytest.mark.parametrize("status", [400, 404, 500])
def test_error_can_be_the_page_of_django(oms: Emulator, status: int) -> None:
    """An exception outside of the framework's views has no JSON."""
    oms.faults.add("list_packages", status=status, body="html", times=1)
    answer = oms.session().get(LIST)
    page = default_page(status)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, page.headers["Content-Type"])
    assert answer.content == page.content
    assert "Allow" not in answer.headers


def default_page(status: int) -> Any:
    """Return the page of Django's own view for a status."""
    assert service.app  # configures Django
    request = RequestFactory().get("/")
    view = {400: defaults.bad_request, 404: defaults.page_not_found, 500: defaults.server_error}[status]
    return view(request) if status == 500 else view(request, Http404("/"))


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [(401, "WWW-Authenticate", "Token"), (429, "Retry-After", "60"), (405, "Allow", "GET, HEAD, OPTIONS")],
)
def test_error_has_the_headers_of_the_framework(status: int, header: str, value: str, oms: Emulator) -> None:
    oms.faults.add("list_packages", status=status)
    answer = oms.session().get(LIST)
    assert (answer.status_code, answer.headers[header]) == (status, value)


def test_delay_in_process_raises_a_timeout_without_waiting(oms: Emulator) -> None:
    oms.faults.add("list_packages", delay=500)
    before = machine_seconds()
    with pytest.raises(requests.ReadTimeout):
        oms.session().get(LIST, timeout=(1, 499))
    assert oms.session().get(LIST, timeout=501).status_code == 200
    assert machine_seconds() - before < 60


def test_delayed_responses_do_not_block_other_requests() -> None:
    """60 delayed calls exceed the number of server threads; another call is still answered at once."""
    with Emulator("demo") as oms:
        oms.faults.add("list_packages", delay=2)
        url = f"{oms.url}/api/v1/oms/packages/"

        def call_with_delay() -> float:
            began = machine_seconds()
            assert requests.get(url, headers=oms.auth, params={"limit": 1}, timeout=60).status_code == 200
            return machine_seconds() - began

        with ThreadPoolExecutor(60) as pool:
            waiting = [pool.submit(call_with_delay) for _ in range(60)]
            while oms.faults.list()[0]["hits"] < 60:
                assert not any(call.done() and call.exception() for call in waiting)
            began = machine_seconds()
            assert requests.get(f"{url}short/", headers=oms.auth, params={"limit": 1}, timeout=60).ok
            took = machine_seconds() - began
            assert all(2 <= call.result() < 30 for call in waiting)
    assert took < 1


def test_hundreds_of_delayed_responses_do_not_block_new_connections() -> None:
    with Emulator("demo") as oms, ExitStack() as connections:
        oms.faults.add("list_packages", delay=600)
        request = f"GET {LIST} HTTP/1.1\r\nHost: x\r\nAuthorization: Token full-access\r\n\r\n".encode()
        address = urlsplit(oms.url)
        for _ in range(250):
            waiting = connections.enter_context(
                socket.create_connection((address.hostname, address.port), timeout=30)
            )
            waiting.sendall(request)
        assert requests.get(f"{oms.url}/api/v1/oms/packages/short/", headers=oms.auth, timeout=60).ok


def test_server_stops_while_responses_are_delayed() -> None:
    """The connection of the waiting client is closed."""
    oms = Emulator("demo")
    oms.faults.add("list_packages", delay=600)
    with ThreadPoolExecutor(1) as pool:
        with oms:
            waiting = pool.submit(requests.get, oms.url + LIST, headers=oms.auth, timeout=60)
            while not oms.faults.list()[0]["hits"]:
                assert not waiting.done()
        assert isinstance(waiting.exception(timeout=30), requests.ConnectionError)


def test_faults_on_the_wsgi_level(oms: Emulator) -> None:
    """A truncated response has a short body, and a missing response raises a connection error."""
    client = Client(oms.app)
    oms.faults.add("list_packages", "truncated", size=5, times=1)
    answer = client.get(LIST, headers=oms.auth)
    assert (len(answer.data), int(answer.headers["Content-Length"]) > 1000) == (5, True)
    oms.faults.add("list_packages", "reset", times=1)
    with pytest.raises(ConnectionResetError, match="a fault ended the connection"):
        client.get(LIST, headers=oms.auth)
    oms.faults.add("list_packages", "drip", seconds=0.01, pieces=3, times=1)
    assert len(client.get(LIST, headers=oms.auth).get_json()["results"]) == 2


def test_fault_applies_to_head_requests(oms: Emulator) -> None:
    for kind in ("truncated", "drip", "malformed"):
        oms.faults.add("list_packages", kind, times=1)
        answer = oms.session().head(LIST)
        assert (answer.status_code, answer.content, answer.headers["X-Emulator-Fault"]) == (200, b"", kind)
