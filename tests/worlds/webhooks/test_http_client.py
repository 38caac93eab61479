"""One request to a hook: its bytes, redirects, limits, and the recorded result for any behaviour of a receiver."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import WebhookEvent
from emulator.state.outbox import Delivery
from emulator.worlds.webhooks import WebhookDispatcher
from tests.support.receivers import ReceivedRequest, respond_with, run_receiver
from tests.support.worlds import with_dispatcher

pytestmark = pytest.mark.slow

EVENT = "package.created"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("empty")


def quick(oms: Emulator, timeout: float = 0.3, max_seconds: float = 0.6) -> Emulator:
    """Use shorter timeouts than the vendor's ten seconds."""
    return with_dispatcher(oms, WebhookDispatcher("flush", timeout=timeout, max_seconds=max_seconds))


def sent(oms: Emulator, url: str, **hook: Any) -> tuple[Delivery, WebhookEvent]:
    """Add a hook, create a package, and return the delivery and the recorded event."""
    oms.hooks.add(url, EVENT, **hook)
    oms.package(state="Packed", items=1)
    (delivery,) = [each for each in oms.hooks.deliveries if each.url == url]
    return delivery, oms.world.records.get_existing(WebhookEvent, delivery.event)


def test_logged_delivery_equals_the_received_request(oms: Emulator) -> None:
    with run_receiver() as receiver:
        delivery, event = sent(oms, receiver.url, secret_key="s", additional_headers={"X-Own": "1"})
    (got,) = receiver.requests
    assert (got.method, got.path, got.body) == ("POST", "/hook", delivery.body)
    assert {name: got.headers[name] for name in delivery.headers} == delivery.headers
    assert got.headers["User-Agent"].startswith("python-requests/")
    assert (event.delivered, event.response_http_status, event.response_content) == (True, 200, "b'ok'")
    assert json.loads(got.body)["event"]["type"] == EVENT


@pytest.mark.parametrize(
    ("status", "delivered", "is_retried"),
    [(204, True, False), (304, False, False), (400, False, True), (503, False, True)],
)
def test_status_decides_on_delivery_and_retry(oms: Emulator, status: int, delivered: bool, is_retried: bool) -> None:
    """A 2xx is delivered. Another status below 400 is neither delivered nor retried."""
    with run_receiver(respond_with(status, b"")) as receiver:
        _, event = sent(oms, receiver.url)
        assert (event.response_http_status, event.delivered) == (status, delivered)
        assert (event.due is not None) == is_retried


def test_redirect_is_followed_like_requests_does(oms: Emulator) -> None:
    """After a 302 with GET and without a body, after a 307 unchanged."""
    with run_receiver() as target:

        def behave(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
            respond_with(302 if got.path == "/hook" else 307, b"", Location=target.url)(handler, got)

        with run_receiver(behave) as receiver:
            sent(oms, receiver.url)
            assert [(got.method, got.body) for got in target.requests] == [("GET", b"")]
            oms.hooks.add(receiver.url + "/307", EVENT)
            oms.package(state="Packed", items=1)
            last = next(each for each in oms.hooks.deliveries if each.url.endswith("/307"))
            assert (target.requests[-1].method, target.requests[-1].body) == ("POST", last.body)
            assert last.delivered


def test_body_of_a_redirect_is_limited(oms: Emulator) -> None:
    """A redirect with 64 MiB is followed after 64 KiB."""
    with run_receiver() as target:

        def pour_redirect(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
            handler.send_response(307)
            handler.send_header("Location", target.url)
            handler.send_header("Content-Length", str(64 * 1024 * 1024))
            handler.end_headers()
            handler.close_connection = True
            with suppress(OSError):
                for _chunk in range(64):
                    handler.wfile.write(b"x" * 1024 * 1024)

        with run_receiver(pour_redirect) as receiver:
            delivery, _ = sent(oms, receiver.url)
        assert (delivery.status, len(target.requests)) == (200, 1)


def test_cookies_of_a_receiver_are_not_sent_with_the_next_delivery(oms: Emulator) -> None:
    with run_receiver(respond_with(200, b"", Set_Cookie="seen=1; Path=/")) as receiver:
        oms.hooks.add(receiver.url, EVENT)
        for _ in range(2):
            oms.package(state="Packed", items=1)
        oms.hooks.flush()
        assert [got.headers.get("Cookie") for got in receiver.requests] == [None, None]


def test_redirect_to_a_forbidden_host_is_refused(oms: Emulator) -> None:
    with run_receiver(respond_with(302, b"", Location="http://example.com/")) as receiver:
        delivery, event = sent(oms, receiver.url)
    assert delivery.status is None
    assert "redirects to 'example.com'" in delivery.response
    assert (event.response_http_status, event.response_content) == (500, delivery.response)


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://10.0.0.1:9/", "http://127.0.0.1.example.com/", "http://[2001:db8::1]/"]
)
def test_forbidden_host_is_refused_with_a_reason(oms: Emulator, url: str) -> None:
    delivery, event = sent(oms, url)
    assert "is not this machine; --allow-webhook-host" in delivery.response
    assert (delivery.status, event.response_http_status, event.delivered) == (None, 500, False)
    assert event.due is None, "a retry would be refused again"
    assert (delivery.headers, delivery.body) == ({}, b""), "no request was built"


def test_allowed_host_is_called() -> None:
    """The name cannot be resolved, so the attempt fails."""
    oms = Emulator("empty", allow_webhook_hosts=["receiver.invalid"])
    delivery, _ = sent(oms, "http://receiver.invalid/")
    assert "not this machine" not in delivery.response
    assert "receiver.invalid" in delivery.response


def test_refused_connection_is_a_failed_attempt(oms: Emulator) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        delivery, event = sent(oms, f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert "Connection refused" in delivery.response
    assert event.response_content == delivery.response


def hang(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.server.stopping.wait(20)  # type: ignore[attr-defined]


def drip(handler: BaseHTTPRequestHandler, got: ReceivedRequest, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Location", got.path)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b".")
        handler.wfile.flush()
        if handler.server.stopping.wait(0.02):  # type: ignore[attr-defined]
            return


def drip_redirect(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
    drip(handler, got, 302)


def pour(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    for _chunk in range(64):
        handler.wfile.write(b"x" * 1024 * 1024)


def hang_up(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.connection.close()


def send_garbage(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.wfile.write(b"\x00\xff not HTTP\r\n\r\n")
    handler.close_connection = True


@pytest.fixture
def stopping() -> threading.Event:
    return threading.Event()


@pytest.mark.parametrize("behave", [hang, drip, drip_redirect])
def test_endless_response_is_abandoned(oms: Emulator, behave: Any, stopping: threading.Event) -> None:
    with run_receiver(behave) as receiver:
        receiver._server.stopping = stopping  # type: ignore[attr-defined]
        delivery, event = sent(quick(oms), receiver.url)
        stopping.set()
    assert "Read timed out" in delivery.response
    assert (event.response_http_status, event.delivered) == (500, False)


def test_large_response_is_cut(oms: Emulator) -> None:
    """64 KiB of 64 MiB are read."""
    with run_receiver(pour) as receiver:
        delivery, event = sent(oms, receiver.url)
    assert (delivery.status, len(delivery.response)) == (200, 64 * 1024)
    assert len(event.response_content or "") == 64 * 1024 + len("b''")


@pytest.mark.parametrize("behave", [hang_up, send_garbage])
def test_broken_response_is_a_failed_attempt(oms: Emulator, behave: Any) -> None:
    with run_receiver(behave) as receiver:
        delivery, event = sent(quick(oms), receiver.url)
    assert delivery.status is None
    assert delivery.response
    assert (event.response_http_status, event.delivered) == (500, False)


def test_invalid_header_is_a_failed_attempt(oms: Emulator) -> None:
    """A header value that is not a string is invalid for the library. No request is sent."""
    delivery, event = sent(oms, "http://127.0.0.1:9/", additional_headers={"X-Own": 1})
    assert delivery.status is None
    assert event.response_http_status == 500


def test_proxies_of_the_machine_are_ignored(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with run_receiver() as receiver:
        delivery, _ = sent(oms, receiver.url)
    assert delivery.delivered


def test_connection_is_reused(oms: Emulator) -> None:
    ports: list[int] = []

    def record_port(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
        ports.append(handler.client_address[1])
        respond_with()(handler, got)

    with run_receiver(record_port) as receiver:
        oms.hooks.add(receiver.url, EVENT)
        for _ in range(5):
            oms.package(state="Packed", items=1)
        oms.hooks.flush()
    assert len(ports) == 5
    assert len(set(ports)) == 1
