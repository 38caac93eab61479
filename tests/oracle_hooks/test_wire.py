"""An event sent by dj-whisperer's task and one sent by the emulator are equal on the wire and on record."""

from __future__ import annotations

import gzip
import json
import socket
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.oracle import service  # configures Django, once per process

# isort: split
import requests
from django.contrib.auth.models import User
from django.db import transaction
from whisperer import tasks
from whisperer.models import Webhook as TheirHook
from whisperer.models import WebhookEvent as TheirEvent

from emulator import Emulator
from emulator.api.serializers.events import request_body
from emulator.api.serializers.rendering import render_cache
from emulator.core.records import Package, Webhook, WebhookEvent
from emulator.domain.webhook_retries import DELIVERY_HEADER
from emulator.worlds.webhooks import WebhookDispatcher
from tests.oracle_hooks.pair import create_tables
from tests.support.receivers import Behaviour, ReceivedRequest, Receiver, respond_with, run_receiver
from tests.support.worlds import with_dispatcher

assert service.app
EVENT = "package.refused"
FIXED_POLICY = {"choice": "fixed", "kwargs": {"seconds": 77}}
TIMEOUT = 1
"""Seconds, for both senders, in place of ten."""


class Delivery(NamedTuple):
    """The requests that the receiver got, and the recorded outcome."""

    requests: list[Any]
    status: int
    content: str
    delivered: bool
    attempts: int
    wait: int | None


class RetryRequested(Exception):
    """Raised in place of the task queue's retry, with the delay in seconds."""


def send_with_emulator(target: str, columns: Mapping[str, Any]) -> tuple[Delivery, bytes]:
    """Send an event of a package with non-ASCII data to a hook; return the record and the request body."""
    oms = Emulator("empty")
    with_dispatcher(oms, WebhookDispatcher("flush", timeout=TIMEOUT))
    oms.package()
    hook = {**columns, "retry_countdown_config": FIXED_POLICY}
    with oms.world.transaction() as tx:
        encoded = {
            name: json.dumps(value).encode() if isinstance(value, dict) else value for name, value in hook.items()
        }
        tx.add(Webhook(tx.new_id(Webhook), target_url=target, event_type=EVENT, **encoded))
        package = tx.change(next(tx.all(Package)), extra_information='{"ş":"😀","a":1.5,"bb":[]}'.encode())
        tx.queue_event(EVENT, package)
    own = oms.world.records.get_existing(WebhookEvent, oms.world.records.ids(WebhookEvent)[-1])
    body = request_body(own, oms.world.records, render_cache(oms.world))
    oms.hooks.flush()
    event: Any = oms.world.records.get_existing(WebhookEvent, own.id)
    wait = None if event.due is None else (event.due - event.modified_date) // timedelta(seconds=1)
    delivery = Delivery(
        [], event.response_http_status, event.response_content, event.delivered, event.retry_count, wait
    )
    return delivery, body


def send_with_dj_whisperer(target: str, columns: Mapping[str, Any], body: bytes) -> Delivery:
    """Send the same event with dj-whisperer's task and return the record."""
    document = json.loads(body)

    def retry(countdown: int) -> None:
        raise RetryRequested(countdown)

    task = SimpleNamespace(request=SimpleNamespace(retries=0, kwargs={}), retry=retry)
    wait = None
    user = User.objects.create(username=f"wire {target}")
    hook = TheirHook.objects.create(
        user=user, target_url=target, event_type=EVENT, retry_countdown_config=FIXED_POLICY, **columns
    )
    event_uuid = uuid.UUID(document["event"]["uuid"])
    with (
        patch.object(TheirEvent._meta.get_field("uuid"), "_get_default", lambda: event_uuid),
        warnings.catch_warnings(action="ignore", category=DeprecationWarning),
        patch.object(service.settings, "WHISPERER_REQUEST_TIMEOUT", TIMEOUT, create=True),
    ):
        try:
            tasks.deliver_event_task(task, hook.id, EVENT, instance=document["payload"])
        except RetryRequested as requested:
            (wait,) = requested.args
    event = TheirEvent.objects.get(uuid=event_uuid)
    return Delivery(
        [], event.response_http_status, event.response_content, event.delivered, len(event.request_datetimes), wait
    )


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    create_tables()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def send_with_both(columns: Mapping[str, Any], behave: Behaviour, *, path: str = "") -> tuple[Delivery, Delivery]:
    """Return the deliveries of the emulator and of dj-whisperer to a receiver that behaves the same for both."""
    with run_receiver(behave) as receiver:
        target = receiver.url + path
        ours, body = send_with_emulator(target, columns)
        mine = [without_own_header(request) for request in take_requests(receiver)]
        theirs = send_with_dj_whisperer(target, columns, body)
        return ours._replace(requests=mine), theirs._replace(requests=take_requests(receiver))


def take_requests(receiver: Receiver) -> list[Any]:
    """Remove and return the received requests: method, path, headers in their order, and body."""
    received = [(got.method, got.path, list(got.headers.items()), got.body) for got in receiver.requests]
    receiver.requests.clear()
    return received


def without_own_header(request: Any) -> Any:
    """Return a request of the emulator without its own header, which all of them have."""
    method, path, headers, body = request
    headers.remove((DELIVERY_HEADER, "true"))
    return method, path, headers, body


BASIC = {"auth": {"auth_type": "basic", "username": "user", "password": "p:ß"}}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "signed": {"secret_key": "key"},
    "signed with a non-ASCII secret": {"secret_key": "şifre 😀"},
    "an empty secret": {"secret_key": ""},
    "additional headers": {"additional_headers": {"X-Key": "1", "Accept": "text/plain", "user-agent": "shop"}},
    "headers that replace the sender's headers": {
        "secret_key": "key",
        "additional_headers": {"content-type": "text/x", "x-whisperer-event": "e", "X-WHISPERER-SIGNATURE": "s"},
    },
    "headers about the body": {"additional_headers": {"content-length": "5", "Host": "shop.test"}},
    "a header that is removed": {"additional_headers": {"Accept": None, "X-None": None}},
    "a header outside Latin-1": {"additional_headers": {"X-Name": "ş"}},
    "a header in Latin-1": {"additional_headers": {"X-Name": "é"}},
    "a header that is a number": {"additional_headers": {"X-Name": 1}},
    "a header with a line break": {"additional_headers": {"X-Name": "a\r\nb"}},
    "Basic auth": {"secret_key": "key", "config": BASIC},
    "Basic auth and an Authorization header": {
        "config": BASIC,
        "additional_headers": {"authorization": "Token x", "X-Last": "1"},
    },
    "auth of another kind": {"config": {"auth": {"auth_type": "digest", "username": "x"}}},
    "auth without a username": {"config": {"auth": {"auth_type": "basic"}}},
    "auth outside Latin-1": {"config": {"auth": {"auth_type": "basic", "username": "ş", "password": ""}}},
    "auth that is a string": {"config": {"auth": "basic"}},
    "an empty callback": {"callback": ""},
}


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_request_and_record_equal_those_of_dj_whisperer(columns: Mapping[str, Any]) -> None:
    """Compares method, path, headers in their order and case, body and signature."""
    ours, theirs = send_with_both(columns, respond_with(200, b"200 OK"))
    assert ours == theirs


def gzip_response(body: bytes) -> Behaviour:
    return respond_with(200, body, Content_Encoding="gzip")


def send_half_the_body(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def send_chunks(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")


def send_broken_chunks(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3\r\nabc\r\nzz\r\n")
    handler.close_connection = True


def send_garbage(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
    handler.close_connection = True


def close_connection(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.close_connection = True


def send_without_length(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"until the end")
    handler.close_connection = True


ANSWERS: Mapping[str, Behaviour] = {
    **{
        f"status {status}": respond_with(status, b"" if status in (204, 304) else b"told")
        for status in (200, 201, 202, 204, 299, 304, 306, 400, 401, 404, 410, 418, 429, 500, 502, 503, 599)
    },
    "an empty body": respond_with(200, b""),
    "a non-ASCII body": respond_with(200, "şöyle".encode()),
    "a binary body": respond_with(200, b"\x00\xff'\"\\"),
    "a gzip body": gzip_response(gzip.compress(b"unpacked")),
    "a body that is not gzip despite its header": gzip_response(b"no gzip"),
    "an empty gzip body": gzip_response(b""),
    "chunks": send_chunks,
    "no length": send_without_length,
    "less than Content-Length": send_half_the_body,
    "a redirect without Location": respond_with(302, b"see"),
    "not HTTP": send_garbage,
    "no answer": close_connection,
}


@pytest.mark.parametrize("behave", ANSWERS.values(), ids=ANSWERS)
def test_response_is_recorded_as_by_dj_whisperer(behave: Behaviour) -> None:
    """Compares status, text of the body or error, delivered, attempts and delay until the next attempt."""
    ours, theirs = send_with_both({}, behave)
    assert ours == theirs


def redirect_to(status: int, location: Callable[[ReceivedRequest], str | None]) -> Behaviour:
    """Return a behaviour that redirects, and answers where there is no location."""

    def behave(handler: BaseHTTPRequestHandler, request: ReceivedRequest) -> None:
        to = location(request)
        if to is None:
            respond_with(200, b"there")(handler, request)
        else:
            respond_with(status, b"go", Location=to, Set_Cookie="seen=1; Path=/")(handler, request)

    return behave


REDIRECTS: Mapping[str, Callable[[ReceivedRequest], str | None]] = {
    "once": lambda request: None if request.path == "/there" else "/there",
    "twice": lambda request: {"/hook": "/one?a=ş", "/one?a=%C5%9F": "two#part"}.get(request.path),
    "to another name of the local host": lambda request: (
        None if request.path == "/x" else f"http://localhost:{port(request)}/x"
    ),
    "endless": lambda request: request.path + "x",
    "to an empty host": lambda _: "http://",
    "to another scheme": lambda _: "ftp://127.0.0.1/",
}


def port(request: ReceivedRequest) -> str:
    return request.headers["Host"].rpartition(":")[2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", REDIRECTS.values(), ids=REDIRECTS)
def test_redirect_is_followed_as_by_dj_whisperer(
    status: int, location: Callable[[ReceivedRequest], str | None]
) -> None:
    """Compares method, body, cookies and credentials of every request on the way, and the final record."""
    columns = {"secret_key": "key", "additional_headers": {"X-Key": "1"}, "config": BASIC}
    ours, theirs = send_with_both(columns, redirect_to(status, location))
    assert ours == theirs
    assert len(ours.requests) in (1, 2, 3, 31)


def test_timeout_before_the_response_is_recorded_as_by_dj_whisperer() -> None:
    def hang(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
        handler.rfile.read(1)  # returns when the client closes the connection

    ours, theirs = send_with_both({}, hang)
    assert ours == theirs
    assert f"Read timed out. (read timeout={TIMEOUT})" in ours.content


def test_timeout_within_the_response_is_recorded_as_by_dj_whisperer() -> None:
    def hang(handler: BaseHTTPRequestHandler, _: ReceivedRequest) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.rfile.read(1)

    ours, theirs = send_with_both({}, hang)
    assert ours == theirs


ADDRESSES = {
    "nothing listens": "http://127.0.0.1:{free}/",
    "no scheme": "127.0.0.1:{free}/",
    "no host": "http:///path",
    "unsupported scheme": "ftp://127.0.0.1/",
    "port is not a number": "http://127.0.0.1:port/",
    "port out of range": "http://127.0.0.1:99999/",
    "empty": "",
    "malformed address": "http://[::1/",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_invalid_address_is_recorded_as_by_dj_whisperer(address: str) -> None:
    with socket.socket() as take_requests:
        take_requests.bind(("127.0.0.1", 0))
        target = address.format(free=take_requests.getsockname()[1])
        ours, body = send_with_emulator(target, {})
        assert ours == send_with_dj_whisperer(target, {}, body)


def test_foreign_host_is_refused_and_not_retried() -> None:
    """dj-whisperer calls any address and retries; the emulator refuses other hosts and records that once."""
    ours, _ = send_with_emulator("http://192.0.2.1/", {})
    with patch("requests.sessions.Session.send", side_effect=requests.ConnectionError("called")):
        theirs = send_with_dj_whisperer("http://192.0.2.1/", {}, b'{"event":{"uuid":"%032x"},"payload":{"a":1}}' % 1)
    assert (theirs.status, theirs.content) == (ours.status, "called")
    assert (theirs.wait is not None, ours.wait) == (True, None)
    assert ours.content == "not sent: the hook '192.0.2.1' is not this machine; --allow-webhook-host 192.0.2.1"


def test_broken_chunks_are_recorded_with_a_different_text() -> None:
    """The emulator reads incrementally, so that a slow receiver cannot hold a thread. Only the text differs."""
    ours, theirs = send_with_both({}, send_broken_chunks)
    assert ours._replace(content="") == theirs._replace(content="")
    assert "Connection broken" in ours.content
    assert "Connection broken" in theirs.content
