"""The server granian: what it refuses, which bodies it receives, and how it starts and stops."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Response

from emulator import Emulator
from emulator.core.records import Package
from emulator.web import granian_server
from emulator.web.context import Environ
from emulator.web.granian_server import GranianServer
from emulator.web.server import MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

LIST = "/api/v1/oms/packages/"
REFUSED = "needs the server waitress"
CONNECTION_FAULTS = (
    {"kind": "reset"},
    {"kind": "lost_request", "seconds": 1},
    {"kind": "lost_response"},
    {"kind": "truncated", "size": 3},
)


@pytest.fixture
def oms() -> Iterator[Emulator]:
    """Yield an emulator that granian serves."""
    with Emulator("demo", packages=20, server="granian") as oms:
        yield oms


def connect(oms: Emulator) -> HTTPConnection:
    url = urlsplit(oms.url)
    return HTTPConnection(str(url.hostname), url.port, timeout=30)


@pytest.mark.medium
@pytest.mark.parametrize("fault", CONNECTION_FAULTS, ids=lambda fault: fault["kind"])
def test_fault_that_ends_the_connection_is_refused(fault: Any, oms: Emulator, tmp_path: Path) -> None:
    """It is refused when it is armed, in a header, in a scenario, and in a stored world."""
    with pytest.raises(ValueError, match=REFUSED):
        oms.faults.add(**fault)
    options = {name: value for name, value in fault.items() if name != "kind"}
    document = {"kind": fault["kind"], "options": options}
    answer = requests.post(f"{oms.url}/__admin/faults", json=document, timeout=30)
    assert (answer.status_code, REFUSED in answer.text, "\n" in answer.json()["error"]) == (400, True, False)
    assert oms.faults.list() == []
    with Emulator("empty", state=tmp_path / "state.db") as other:
        other.faults.add(**fault)
        other.save(tmp_path / "scenario.json")
    with pytest.raises(ValueError, match=REFUSED):
        Emulator(tmp_path / "scenario.json", server="granian")
    with pytest.raises(ValueError, match=REFUSED):
        Emulator("empty", state=tmp_path / "state.db", server="granian")


def test_fault_header_that_ends_the_connection_is_refused() -> None:
    with Emulator("demo", server="granian", allow_fault_header=True) as oms:
        answer = requests.get(oms.url + LIST, headers=oms.auth | {"X-Emulator-Fault": "reset"}, timeout=30)
    assert answer.status_code == 400
    assert REFUSED in answer.headers["X-Emulator-Hint"]


@pytest.mark.medium
def test_restore_refuses_a_snapshot_with_such_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Emulator("empty", state=path) as oms:
        oms.faults.add(kind="reset")
        oms.snapshot("with a fault")
        oms.faults.clear()
    with Emulator("empty", state=path, server="granian") as oms, pytest.raises(ValueError, match=REFUSED):
        oms.restore("with a fault")


def test_chunked_body_is_received_and_has_a_length(oms: Emulator) -> None:
    path = f"{LIST}{oms.world.records.ids(Package)[0]}/set_remote_id/"
    headers = oms.auth | {"Content-Type": "application/json"}
    answer = requests.post(oms.url + path, data=iter([b'{"remote_id":', b' "R"}']), headers=headers, timeout=30)
    assert answer.status_code == 204
    oms.requests.assert_called("set_package_remote_id", json={"remote_id": "R"})
    [exchange] = oms.world.journal.newest_first()
    assert exchange.request_headers["CONTENT_LENGTH"] == "18"
    assert "HTTP_TRANSFER_ENCODING" not in exchange.request_headers


def test_too_large_body_is_refused_before_it_is_sent(oms: Emulator) -> None:
    wire = connect(oms)
    wire.putrequest("POST", LIST)
    wire.putheader("Content-Length", str(MAX_REQUEST_BYTES + 1))
    wire.endheaders()
    assert wire.getresponse().status == 413
    wire.close()
    assert len(oms.requests) == 0


def exchange_bytes(oms: Emulator, request: str, *, is_cut: bool = False) -> bytes:
    """Send a request and return all that is received. With `is_cut`, the client disconnects after it."""
    url = urlsplit(oms.url)
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=30) as client:
        client.sendall(request.encode())
        if is_cut:
            client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


@pytest.mark.medium
@pytest.mark.parametrize("header", ["Content-Length: 100", "Transfer-Encoding: gzip, chunked"])
def test_request_without_its_whole_body_is_not_executed(header: str, oms: Emulator) -> None:
    """The client disconnects after a part of the body that is valid JSON."""
    path, body = f"{LIST}{oms.world.records.ids(Package)[0]}/set_remote_id/", '{"remote_id": "R"}'
    head = f"POST {path} HTTP/1.1\r\nHost: oms.test\r\nAuthorization: {oms.auth['Authorization']}\r\n"
    exchange_bytes(oms, f"{head}Content-Type: application/json\r\n{header}\r\n\r\n{body}", is_cut=True)
    oms.stop()  # waits for the requests in progress
    assert (len(oms.requests), len(oms.world.steps)) == (0, 0)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_request_without_a_host_is_answered(version: str, oms: Emulator) -> None:
    head = f"GET {LIST} HTTP/{version}\r\nAuthorization: {oms.auth['Authorization']}\r\nConnection: close\r\n\r\n"
    answer = exchange_bytes(oms, head)
    assert answer.split()[1] == b"200"
    assert f'"next":"{oms.url}{LIST}?page=2"'.encode() in answer


def test_environment_variables_do_not_become_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Granian's own wrapper copies the environment of the process, where HTTP_PROXY looks like a header."""
    monkeypatch.setenv("HTTP_AUTHORIZATION", "Token full-access")
    with Emulator("demo", server="granian") as oms:
        assert requests.get(oms.url + LIST, timeout=30).status_code == 401


@pytest.mark.medium
def test_delayed_responses_hold_up_no_others(oms: Emulator) -> None:
    """Forty requests wait at once, until another request was answered."""
    released = threading.Event()
    oms.app.add_url_rule("/wait", "wait", lambda: Response(str(released.wait(30))))
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(requests.get, f"{oms.url}/wait", timeout=30) for _ in range(40)]
        assert requests.get(oms.url + LIST, headers=oms.auth, timeout=30).status_code == 200
        released.set()
        assert {each.result().text for each in waiting} == {"True"}


@pytest.mark.medium
def test_bodies_that_arrive_slowly_hold_up_no_others(oms: Emulator) -> None:
    """Twenty clients have sent the half of a body, and another request is answered."""
    url, body = urlsplit(oms.url), b'{"remote_id": "A1"}'
    package = oms.package()["id"]
    head = (
        f"POST {LIST}{package}/set_remote_id/ HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: {oms.auth['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection((str(url.hostname), url.port or 0), timeout=30))
            for _ in range(20)
        ]
        for client in clients:
            client.sendall(head + body[:5])
        for _ in range(40):
            assert requests.get(oms.url + LIST, headers=oms.auth, timeout=30).status_code == 200
        for client in clients:
            client.sendall(body[5:])
        assert {client.makefile("rb").readline() for client in clients} == {b"HTTP/1.1 204 No Content\r\n"}


@pytest.mark.medium
def test_short_requests_are_taken_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further thread of granian takes one request."""
    monkeypatch.setattr(granian_server, "MAX_THREADS", 24)
    threads: list[int] = []
    burst = threading.Barrier(16)

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/burst":
            burst.wait(30)
        else:
            threads.append(threading.get_ident())
        start_response("204 No Content", [])
        return []

    server = GranianServer(app, "127.0.0.1", 0)
    server._handlers[0].leadership.long_task_seconds = 3_600
    server.start()
    try:
        with ThreadPoolExecutor(16) as pool:
            waiting = [pool.submit(requests.get, f"{server.url}/burst", timeout=60) for _ in range(16)]
            assert {each.result().status_code for each in waiting} == {204}
        with requests.Session() as session:
            for _ in range(600):
                session.get(server.url, timeout=30)
    finally:
        server.stop()
    assert len(set(threads[-100:])) == 1


@pytest.mark.medium
def test_stop_finishes_the_responses_in_progress_and_closes_the_port(oms: Emulator) -> None:
    begun, released = threading.Event(), threading.Event()

    def wait() -> str:
        begun.set()
        return str(released.wait(30))

    oms.app.add_url_rule("/wait", "wait", wait)
    url, idle = oms.url, socket.create_connection(urlsplit(oms.url).netloc.split(":"))
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(requests.get, f"{url}/wait", timeout=30)
        assert begun.wait(30)
        stopping = pool.submit(oms.stop)
        released.set()
        assert waiting.result().text == "True"
        stopping.result(30)
    idle.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=30)
    with oms:
        assert requests.get(f"{oms.url}/__admin/health", timeout=30).status_code == 200


@pytest.mark.medium
def test_the_waits_of_a_stop_share_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without an end uses the whole time, so the other waits have none left."""
    server = GranianServer(lambda _, __: [], "127.0.0.1", 0)
    [worker], [handler] = server._workers, server._handlers
    end, join, limits, now = handler.leadership.end, worker.thread.join, list[float](), [100.0]

    def end_late(timeout: float) -> None:
        now[0] += timeout
        end(30)

    def join_later(timeout: float) -> None:
        limits.append(timeout)
        join(30)

    monkeypatch.setattr(granian_server, "machine_seconds", lambda: now[0])
    monkeypatch.setattr(handler.leadership, "end", end_late)
    monkeypatch.setattr(worker.thread, "join", join_later)
    monkeypatch.setattr(handler, "wait_for_threads", limits.append)
    server.start()
    server.stop()
    assert limits == [0, now[0]]
    assert now == [100 + granian_server.STOP_SECONDS]
    assert not worker.thread.is_alive()


@pytest.mark.medium
def test_process_exits_normally_while_the_server_runs() -> None:
    """An emulator that was not stopped does not abort the interpreter."""
    code = (
        "import sys, requests; from concurrent.futures import ThreadPoolExecutor; from emulator import Emulator\n"
        "oms = Emulator('empty', server='granian'); oms.start()\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    print(sum(pool.map(lambda _: requests.get(oms.url).status_code, range(200))))\n"
        "sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, f"{200 * 404}\n", "")


@pytest.mark.medium
def test_stop_sends_delayed_responses_at_once(oms: Emulator) -> None:
    oms.faults.add("list_packages", delay=600)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(requests.get, oms.url + LIST, headers=oms.auth, timeout=60)
        while not oms.faults.list()[0]["hits"]:
            assert not waiting.done()
        oms.stop()
        assert waiting.result(30).status_code == 200


def test_taken_port_raises_an_os_error(oms: Emulator) -> None:
    with pytest.raises(OSError, match="in use"):
        Emulator("empty", server="granian", port=urlsplit(oms.url).port).start()


def test_unknown_or_missing_server_is_a_value_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="unknown server 'grunian'; known: waitress, granian"):
        Emulator(server="grunian")
    monkeypatch.setattr("emulator.web.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pip install 'oms-emulator\[fast\]'"):
        Emulator(server="granian")


def client_of(oms: Emulator, **headers: str) -> requests.Session:
    """Return a session that trusts the certificate of an emulator, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(oms.certificate)
    session.headers.update(oms.auth | headers)
    return session


@pytest.mark.medium
def test_https_on_both_addresses_of_localhost() -> None:
    with Emulator("demo", server="granian", tls=True, host="localhost") as oms, client_of(oms) as client:
        assert oms.url.startswith("https://localhost:")
        page = client.get(f"{oms.url}{LIST}?page=2").json()
        assert page["next"] == f"{oms.url}{LIST}?page=3"
        assert client.get(oms.url.replace("localhost", "127.0.0.1") + LIST).status_code == 200
        assert client.post(f"{oms.url}/__admin/packages", json={}).status_code == 201
        with pytest.raises(requests.ConnectionError):
            client.get(oms.url.replace("https", "http") + LIST)


FORWARDED = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.test",
    "X-Forwarded-Prefix": "/oms",
}


def test_forwarded_headers_of_a_proxy_are_used() -> None:
    with Emulator("demo", server="granian", behind_proxy=True) as oms:
        page = requests.get(f"{oms.url}{LIST}?page=2", headers=oms.auth | FORWARDED, timeout=30).json()
    assert page["next"] == f"https://shop.test/oms{LIST}?page=3"


@pytest.mark.medium
@pytest.mark.parametrize("behind_proxy", [False, True])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X_Forwarded_For", "X-Real-IP", "Forwarded"])
def test_forwarded_address_of_this_machine_is_not_trusted(behind_proxy: bool, header: str) -> None:
    """Granian takes `X_Forwarded_For` for `X-Forwarded-For`. Proxies do not remove it."""
    headers = {header: "for=127.0.0.1" if header == "Forwarded" else "127.0.0.1"}
    with Emulator("empty", server="granian", behind_proxy=behind_proxy, admin_token="secret") as oms:
        answer = requests.get(f"{oms.url}/__admin/faults", headers=headers, timeout=30)
        assert answer.status_code == 401
        headers["Authorization"] = "Bearer secret"
        assert requests.get(f"{oms.url}/__admin/faults", headers=headers, timeout=30).status_code == 200
