"""Every kind of fault, armed once, over a real socket and in process: what a client meets, and what was done."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from werkzeug.test import Client

from emulator import Emulator
from emulator.core.records import Package
from emulator.core.sources import machine_seconds
from emulator.rules.faults import FAULTS

LIST = "/api/v1/oms/packages/?limit=2"


def status_is(status: int, detail: str) -> Callable[[Any], None]:
    def check(answer: Any) -> None:
        assert (answer.status_code, answer.json()) == (status, {"detail": detail})

    return check


def whole(answer: Any) -> None:
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 2


def no_json(answer: Any) -> None:
    assert answer.headers["Content-Length"] == str(len(answer.content))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def raised(error: type[Exception], words: str) -> tuple[type[Exception], str]:
    return error, words


ABORTED, SILENT = requests.ConnectionError, "Remote end closed connection without response"
KINDS: list[tuple[str, dict[str, Any], Any, bool]] = [
    ("status", {"status": 503}, status_is(503, "Service temporarily unavailable, try again later."), False),
    ("status", {"status": 500}, status_is(500, "A server error occurred."), False),
    ("status", {"status": 502}, status_is(502, "Bad Gateway."), False),
    ("status", {"status": 403, "detail": "No."}, status_is(403, "No."), False),
    ("delay", {"seconds": 0.05}, whole, True),
    ("reset", {}, raised(ABORTED, "Connection reset by peer"), False),
    ("lost_request", {"seconds": 0.01}, raised(ABORTED, SILENT), False),
    ("lost_response", {}, raised(ABORTED, SILENT), True),
    ("truncated", {}, raised(requests.exceptions.ChunkedEncodingError, "IncompleteRead"), True),
    (
        "truncated",
        {"size": 0},
        raised(requests.exceptions.ChunkedEncodingError, r"IncompleteRead\(0 bytes read"),
        True,
    ),
    ("malformed", {}, no_json, True),
    ("drip", {"seconds": 0.05, "pieces": 4}, whole, True),
]
IDS = [f"{kind} {options}" for kind, options, _, _ in KINDS]


@pytest.fixture(params=["socket", "process"])
def way(request: pytest.FixtureRequest) -> Iterator[tuple[Emulator, Callable[..., requests.Response]]]:
    """An emulator, and what calls it: through a port, and without one."""
    oms = Emulator("demo")
    if request.param == "process":
        yield oms, oms.session().request
        return
    with oms, requests.Session() as session:
        session.headers.update(oms.auth)
        yield oms, lambda method, path, **rest: session.request(method, oms.url + path, timeout=30, **rest)


def meet(call: Callable[[], requests.Response], expected: Any) -> None:
    """Make a call and see what was expected of it."""
    if isinstance(expected, tuple):
        error, words = expected
        with pytest.raises(error, match=words):
            call()
    else:
        expected(call())


@pytest.mark.parametrize(("kind", "options", "expected", "_handled"), KINDS, ids=IDS)
def test_a_client_meets_the_fault_once_and_goes_on(
    kind: str, options: Any, expected: Any, _handled: bool, way
) -> None:
    """The call after it is answered as ever, on the same session; the journal and the fault's hits tell of it."""
    oms, call = way
    oms.faults.add("list_packages", kind, times=1, **options)
    meet(lambda: call("GET", LIST), expected)
    after = call("GET", LIST)
    whole(after)
    assert "X-Emulator-Fault" not in after.headers
    assert [exchange.seen.fault for exchange in oms.world.journal.newest_first()] == [None, kind]
    assert oms.faults.list()[0]["hits"] == 1


@pytest.mark.parametrize(("kind", "options", "expected", "handled"), KINDS, ids=IDS)
def test_a_write_stands_or_never_was(kind: str, options: Any, expected: Any, handled: bool, way) -> None:
    """Whether a fault takes the answer's place or comes after it decides what became of the write."""
    oms, call = way
    pk = oms.world.root.ids(Package)[0]
    oms.faults.add("set_package_remote_id", kind, **options)
    failed = False
    try:
        answer = call("POST", f"/api/v1/oms/packages/{pk}/set_remote_id/", json={"remote_id": "R"})
        failed = answer.status_code >= 400
    except requests.RequestException:
        failed = True
    assert (oms.world.root.one(Package, pk).remote_id == "R") is handled
    assert failed or handled
    (exchange,) = oms.world.journal.newest_first()
    assert (exchange.seen.operation, exchange.seen.fault) == ("set_package_remote_id", kind)
    assert (exchange.seen.token, exchange.seen.body) == ("full-access", b'{"remote_id": "R"}')


def test_every_kind_is_in_the_table() -> None:
    assert {kind for kind, *_ in KINDS} == FAULTS.keys()


def test_an_answer_names_its_faults(oms: Emulator) -> None:
    oms.faults.add(delay=3)
    oms.faults.add("list_packages", status=429, retry_after=7)
    answer = oms.session().get(LIST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.headers["X-Emulator-Fault"] == "status, delay"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["detail"] == "Request was throttled. Expected available in 7 seconds."


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [(401, "WWW-Authenticate", "Token"), (429, "Retry-After", "60"), (405, "Allow", "GET, HEAD, OPTIONS")],
)
def test_an_error_has_the_frameworks_headers(status: int, header: str, value: str, oms: Emulator) -> None:
    oms.faults.add("list_packages", status=status)
    answer = oms.session().get(LIST)
    assert (answer.status_code, answer.headers[header]) == (status, value)


def test_a_late_answer_in_process_is_a_timeout_and_nothing_waits(oms: Emulator) -> None:
    oms.faults.add("list_packages", delay=500)
    before = machine_seconds()
    with pytest.raises(requests.ReadTimeout):
        oms.session().get(LIST, timeout=(1, 499))
    assert oms.session().get(LIST, timeout=501).status_code == 200
    assert machine_seconds() - before < 60


@pytest.mark.slow
def test_many_slow_calls_hold_up_no_other() -> None:
    """60 calls that take two seconds each, more than the server has threads: a call beside them takes none."""
    with Emulator("demo") as oms:
        oms.faults.add("list_packages", delay=2)
        url = f"{oms.url}/api/v1/oms/packages/"

        def slow() -> float:
            began = machine_seconds()
            assert requests.get(url, headers=oms.auth, params={"limit": 1}, timeout=60).status_code == 200
            return machine_seconds() - began

        with ThreadPoolExecutor(60) as pool:
            waiting = [pool.submit(slow) for _ in range(60)]
            while oms.faults.list()[0]["hits"] < 60:
                assert not any(call.done() and call.exception() for call in waiting)
            began = machine_seconds()
            assert requests.get(f"{url}short/", headers=oms.auth, params={"limit": 1}, timeout=60).ok
            took = machine_seconds() - began
            assert all(2 <= call.result() < 30 for call in waiting)
    assert took < 1


def test_hundreds_of_held_answers_close_the_door_to_nobody() -> None:
    """Connections that wait are no reason to take no other."""
    with Emulator("demo") as oms, ExitStack() as opened:
        oms.faults.add("list_packages", delay=600)
        request = f"GET {LIST} HTTP/1.1\r\nHost: x\r\nAuthorization: Token full-access\r\n\r\n".encode()
        address = urlsplit(oms.url)
        for _ in range(250):
            waiting = opened.enter_context(socket.create_connection((address.hostname, address.port), timeout=30))
            waiting.sendall(request)
        assert requests.get(f"{oms.url}/api/v1/oms/packages/short/", headers=oms.auth, timeout=60).ok


def test_a_server_stops_while_answers_are_held() -> None:
    """A stop does not wait for an answer that is due in ten minutes; its client's connection ends."""
    oms = Emulator("demo")
    oms.faults.add("list_packages", delay=600)
    with ThreadPoolExecutor(1) as pool:
        with oms:
            waiting = pool.submit(requests.get, oms.url + LIST, headers=oms.auth, timeout=60)
            while not oms.faults.list()[0]["hits"]:
                assert not waiting.done()
        assert isinstance(waiting.exception(timeout=30), requests.ConnectionError)


def test_plain_wsgi_clients_meet_what_wsgi_can_show(oms: Emulator) -> None:
    """An answer that is cut is short; one that is not sent at all is an error of the connection."""
    client = Client(oms.app)
    oms.faults.add("list_packages", "truncated", size=5, times=1)
    answer = client.get(LIST, headers=oms.auth)
    assert (len(answer.data), int(answer.headers["Content-Length"]) > 1000) == (5, True)
    oms.faults.add("list_packages", "reset", times=1)
    with pytest.raises(ConnectionResetError, match="a fault ended the connection"):
        client.get(LIST, headers=oms.auth)
    oms.faults.add("list_packages", "drip", seconds=0.01, pieces=3, times=1)
    assert len(client.get(LIST, headers=oms.auth).get_json()["results"]) == 2


def test_a_head_can_be_disturbed_too(oms: Emulator) -> None:
    for kind in ("truncated", "drip", "malformed"):
        oms.faults.add("list_packages", kind, times=1)
        answer = oms.session().head(LIST)
        assert (answer.status_code, answer.content, answer.headers["X-Emulator-Fault"]) == (200, b"", kind)
