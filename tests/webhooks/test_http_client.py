"""One request to a hook: what goes over the wire, and what is made of whatever a receiver does."""

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
from emulator.webhooks import WebhookDispatcher
from tests.support.receivers import ReceivedRequest, respond_with, run_receiver
from tests.support.worlds import with_dispatcher

EVENT = "package.created"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("empty")


def quick(oms: Emulator, timeout: float = 0.3, longest: float = 0.6) -> Emulator:
    """Use shorter timeouts than the vendor's ten seconds."""
    return with_dispatcher(oms, WebhookDispatcher("flush", timeout=timeout, longest=longest))


def sent(oms: Emulator, url: str, **hook: Any) -> tuple[Delivery, WebhookEvent]:
    """Subscribe an address, let an event come up, and give what was sent and what was recorded."""
    oms.hooks.add(url, EVENT, **hook)
    oms.package(state="Packed", items=1)
    (delivery,) = [each for each in oms.hooks.deliveries if each.url == url]
    return delivery, oms.world.records.get_existing(WebhookEvent, delivery.event)


def test_what_goes_over_the_wire_is_what_the_delivery_tells(oms: Emulator) -> None:
    with run_receiver() as receiver:
        delivery, event = sent(oms, receiver.url, secret_key="s", additional_headers={"X-Own": "1"})
    (got,) = receiver.requests
    assert (got.method, got.path, got.body) == ("POST", "/hook", delivery.body)
    assert {name: got.headers[name] for name in delivery.headers} == delivery.headers
    assert got.headers["User-Agent"].startswith("python-requests/")
    assert (event.delivered, event.response_http_status, event.response_content) == (True, 200, "b'ok'")
    assert json.loads(got.body)["event"]["type"] == EVENT


@pytest.mark.parametrize(
    ("status", "delivered", "tried_again"),
    [(204, True, False), (304, False, False), (400, False, True), (503, False, True)],
)
def test_what_a_status_means(oms: Emulator, status: int, delivered: bool, tried_again: bool) -> None:
    """2xx is delivered; what is neither that nor an error is neither delivered nor tried again."""
    with run_receiver(respond_with(status, b"")) as receiver:
        _, event = sent(oms, receiver.url)
        assert (event.response_http_status, event.delivered) == (status, delivered)
        assert (event.due is not None) == tried_again


def test_a_redirect_is_followed_as_requests_does(oms: Emulator) -> None:
    """After a 302 with GET and without a body; after a 307 as it was."""
    with run_receiver() as target:

        def behave(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
            respond_with(302 if got.path == "/hook" else 307, b"", Location=target.url)(handler, got)

        with run_receiver(behave) as receiver:
            sent(oms, receiver.url)
            sent_on = [(got.method, got.body == b"") for got in target.requests]
            assert sent_on == [("GET", True)]
            oms.hooks.add(receiver.url + "/307", EVENT)
            oms.package(state="Packed", items=1)
            last = next(each for each in oms.hooks.deliveries if each.url.endswith("/307"))
            assert (target.requests[-1].method, target.requests[-1].body) == ("POST", last.body)
            assert last.delivered


def test_the_body_of_a_redirect_is_limited_too(oms: Emulator) -> None:
    """A redirect with 64 MiB is followed after 64 KiB."""
    with run_receiver() as target:

        def pour_redirect(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
            handler.send_response(307)
            handler.send_header("Location", target.url)
            handler.send_header("Content-Length", str(64 * 1024 * 1024))
            handler.end_headers()
            handler.close_connection = True
            with suppress(OSError):
                for _ in range(64):
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


def test_a_redirect_to_elsewhere_is_refused(oms: Emulator) -> None:
    with run_receiver(respond_with(302, b"", Location="http://example.com/")) as receiver:
        delivery, event = sent(oms, receiver.url)
    assert delivery.status is None
    assert "redirects to 'example.com'" in delivery.response
    assert (event.response_http_status, event.response_content) == (500, delivery.response)


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://10.0.0.1:9/", "http://127.0.0.1.example.com/", "http://[2001:db8::1]/"]
)
def test_addresses_elsewhere_are_refused_with_a_reason(oms: Emulator, url: str) -> None:
    delivery, event = sent(oms, url)
    assert "is not this machine; --allow-webhook-host" in delivery.response
    assert (delivery.status, event.response_http_status, event.delivered) == (None, 500, False)
    assert event.due is None, "it would be refused again"
    assert (delivery.headers, delivery.body) == ({}, b""), "nothing is made for nobody"


def test_a_host_that_is_allowed_is_called() -> None:
    """The name resolves nowhere, so the attempt fails; but it is made."""
    oms = Emulator("empty", allow_webhook_hosts=["receiver.invalid"])
    delivery, _ = sent(oms, "http://receiver.invalid/")
    assert "not this machine" not in delivery.response
    assert "receiver.invalid" in delivery.response


def test_nobody_there(oms: Emulator) -> None:
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


def pour(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    for _ in range(64):
        handler.wfile.write(b"x" * 1024 * 1024)


def hang_up(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.connection.close()


def babble(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
    handler.close_connection = True


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    return threading.Event()


@pytest.mark.parametrize(
    ("behave", "told"), [(hang, "Read timed out"), (drip, "Read timed out"), (drip_redirect, "Read timed out")]
)
def test_a_receiver_that_does_not_come_to_an_end_is_given_up(
    oms: Emulator, behave: Any, told: str, stopping: threading.Event
) -> None:
    with run_receiver(behave) as receiver:
        receiver._server.stopping = stopping  # type: ignore[attr-defined]
        delivery, event = sent(quick(oms), receiver.url)
        stopping.set()
    assert told in delivery.response
    assert (event.response_http_status, event.delivered) == (500, False)


def test_a_huge_answer_is_cut(oms: Emulator) -> None:
    """64 KiB are kept of 64 MiB."""
    with run_receiver(pour) as receiver:
        delivery, event = sent(oms, receiver.url)
    assert (delivery.status, len(delivery.response)) == (200, 64 * 1024)
    assert len(event.response_content or "") == 64 * 1024 + len("b''")


@pytest.mark.parametrize("behave", [hang_up, babble])
def test_a_broken_receiver_is_a_failed_attempt(oms: Emulator, behave: Any) -> None:
    with run_receiver(behave) as receiver:
        delivery, event = sent(quick(oms), receiver.url)
    assert delivery.status is None
    assert delivery.response
    assert (event.response_http_status, event.delivered) == (500, False)


def test_a_hook_that_cannot_be_called_is_a_failed_attempt(oms: Emulator) -> None:
    """Header values that are no text, as the library has it: no request, and nothing to tell."""
    delivery, event = sent(oms, "http://127.0.0.1:9/", additional_headers={"X-Own": 1})
    assert delivery.status is None
    assert event.response_http_status == 500


def test_the_machines_proxies_are_not_used(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with run_receiver() as receiver:
        delivery, _ = sent(oms, receiver.url)
    assert delivery.delivered


def test_connections_are_kept_open(oms: Emulator) -> None:
    ports: list[int] = []

    def note(handler: BaseHTTPRequestHandler, got: ReceivedRequest) -> None:
        ports.append(handler.client_address[1])
        respond_with()(handler, got)

    with run_receiver(note) as receiver:
        oms.hooks.add(receiver.url, EVENT)
        for _ in range(5):
            oms.package(state="Packed", items=1)
        oms.hooks.flush()
    assert len(ports) == 5
    assert len(set(ports)) == 1
