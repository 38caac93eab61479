"""The server waitress: blocked requests, garbage, open files and malformed requests."""

from __future__ import annotations

import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from waitress.task import WSGITask

from emulator import Emulator

SECONDS = 20


@pytest.mark.medium
def test_blocked_requests_do_not_block_others() -> None:
    """Eight requests wait in a view, and another one is answered."""
    begun, end = threading.Semaphore(0), threading.Event()

    def block() -> str:
        begun.release()
        return str(end.wait(SECONDS))

    with Emulator("empty") as oms, ThreadPoolExecutor(8) as clients:
        oms.app.add_url_rule("/blocked", view_func=block)
        blocked = [clients.submit(send_raw, oms.url, GET % b"/blocked") for _ in range(8)]
        assert all(begun.acquire(timeout=SECONDS) for _ in blocked)
        assert send_raw(oms.url, GET % b"/unknown") == b"HTTP/1.1 404 Not Found\r\n"
        assert not any(each.done() for each in blocked)
        end.set()
        assert {each.result(SECONDS) for each in blocked} == {b"HTTP/1.1 200 OK\r\n"}


@pytest.mark.medium
def test_requests_leave_no_work_for_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        with Emulator("empty") as oms:
            for _ in range(3):
                assert send_raw(oms.url, GET % b"/api/v1/oms/packages/") == b"HTTP/1.1 401 Unauthorized\r\n"
        assert [each for each in gc.get_objects() if issubclass(type(each), WSGITask)] == []
    finally:
        gc.enable()


@pytest.mark.medium
def test_incomplete_large_body_leaves_no_open_file(recwarn: pytest.WarningsRecorder) -> None:
    """The temporary file of the body is closed when the client disconnects or the server stops."""
    with Emulator("empty") as oms:
        address = urlsplit(oms.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as client:
            client.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_000_000
            )
    gc.collect()
    assert [str(warning.message) for warning in recwarn if issubclass(warning.category, ResourceWarning)] == []


@pytest.mark.medium
def test_unread_large_response_leaves_no_open_file(recwarn: pytest.WarningsRecorder) -> None:
    """The temporary file of a response is closed when the server stops before the client has read the response."""
    with Emulator("empty") as oms:
        address = urlsplit(oms.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as client:
            client.sendall(b"GET /__admin/docs/redoc.standalone.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
            oms.stop()
    gc.collect()
    assert [str(warning.message) for warning in recwarn if issubclass(warning.category, ResourceWarning)] == []


def send_raw(url: str, request: bytes) -> bytes:
    """Send bytes to a server, and return the first line of its response."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=SECONDS) as client:
        client.sendall(request)
        return client.makefile("rb").readline()


GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://[::1/api HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        CHUNKED + b"f" * 18 + b"\r\nabc",
        CHUNKED + b"1" * 2_000,
        CHUNKED + b"0\r\n" + b"a" * 70_000,
    ],
    ids=["URL", "length of 5,000 digits", "chunk size beyond memory", "endless chunk header", "endless trailer"],
)
def test_malformed_request_is_refused_without_a_log_line(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with Emulator("empty") as oms:
        assert send_raw(oms.url, request_) == b"HTTP/1.1 400 Bad Request\r\n"
        assert send_raw(oms.url, CHUNKED + b"3\r\nabc\r\n0\r\n\r\n") == b"HTTP/1.1 404 Not Found\r\n"
    assert caplog.records == []
