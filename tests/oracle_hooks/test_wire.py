"""Over real HTTP, an event of dj-whisperer's own task and one of ours are the same, on the wire and on record."""

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

from tests.oracle import service  # configures Django: once in a process

# isort: split
import requests
from django.contrib.auth.models import User
from django.db import transaction
from whisperer import tasks
from whisperer.models import Webhook as TheirHook
from whisperer.models import WebhookEvent as TheirEvent

from emulator import Emulator
from emulator.core.records import Package, Webhook, WebhookEvent
from emulator.delivery import WorldsCourier
from emulator.shapes.events import request_body
from tests.oracle_hooks.pair import make_tables
from tests.support.receivers import Behaviour, Got, Receiver, answer, receiving

assert service.app
EVENT = "package.refused"
LINEAR = {"choice": "fixed", "kwargs": {"seconds": 77}}
TIMEOUT = 1
"""Seconds, for both, instead of ten."""


class Came(NamedTuple):
    """What reached the receiver, and what was recorded of it."""

    got: list[Any]
    status: int
    content: str
    delivered: bool
    attempts: int
    wait: int | None


class Again(Exception):
    """Stands for the task queue's: run this task again after so many seconds."""


def by_us(target: str, columns: Mapping[str, Any]) -> tuple[Came, bytes]:
    """Send an event of a package, whose data goes beyond ASCII, to a hook; give what was recorded and the body."""
    oms = Emulator("empty")
    oms.world.agenda.clear()
    WorldsCourier("flush", timeout=TIMEOUT).outfit(oms.world)
    oms.package()
    hook = {**columns, "retry_countdown_config": LINEAR}
    with oms.world.transaction() as tx:
        packed = {
            name: json.dumps(value).encode() if isinstance(value, dict) else value for name, value in hook.items()
        }
        tx.add(Webhook(tx.new_id(Webhook), target_url=target, event_type=EVENT, **packed))
        package = tx.change(next(tx.all(Package)), extra_information='{"ş":"😀","a":1.5,"bb":[]}'.encode())
        tx.queue(EVENT, package)
    own = oms.world.root.one(WebhookEvent, oms.world.root.ids(WebhookEvent)[-1])
    body = request_body(own, oms.world.root, oms.world.kept)
    oms.hooks.flush()
    event: Any = oms.world.root.one(WebhookEvent, own.id)
    wait = None if event.due is None else (event.due - event.modified_date) // timedelta(seconds=1)
    told = Came([], event.response_http_status, event.response_content, event.delivered, event.retry_count, wait)
    return told, body


def by_them(target: str, columns: Mapping[str, Any], body: bytes) -> Came:
    """Let the sender's task do the same."""
    document = json.loads(body)

    def retry(countdown: int) -> None:
        raise Again(countdown)

    task = SimpleNamespace(request=SimpleNamespace(retries=0, kwargs={}), retry=retry)
    wait = None
    user = User.objects.create(username=f"wire {target}")
    hook = TheirHook.objects.create(
        user=user, target_url=target, event_type=EVENT, retry_countdown_config=LINEAR, **columns
    )
    named = uuid.UUID(document["event"]["uuid"])
    with (
        patch.object(TheirEvent._meta.get_field("uuid"), "_get_default", lambda: named),
        warnings.catch_warnings(action="ignore", category=DeprecationWarning),
        patch.object(service.settings, "WHISPERER_REQUEST_TIMEOUT", TIMEOUT, create=True),
    ):
        try:
            tasks.deliver_event_task(task, hook.id, EVENT, instance=document["payload"])
        except Again as again:
            (wait,) = again.args
    event = TheirEvent.objects.get(uuid=named)
    return Came(
        [], event.response_http_status, event.response_content, event.delivered, len(event.request_datetimes), wait
    )


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    make_tables()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def both(columns: Mapping[str, Any], behave: Behaviour, *, path: str = "") -> tuple[Came, Came]:
    """Give what came of the event sent by us and by them to a receiver that behaves the same both times."""
    with receiving(behave) as receiver:
        target = receiver.url + path
        ours, body = by_us(target, columns)
        mine = taken(receiver)
        theirs = by_them(target, columns, body)
        return ours._replace(got=mine), theirs._replace(got=taken(receiver))


def taken(receiver: Receiver) -> list[Any]:
    """Give method, path, headers in their order, and body, of what came since."""
    got = [(each.method, each.path, list(each.headers.items()), each.body) for each in receiver.got]
    receiver.got.clear()
    return got


BASIC = {"auth": {"auth_type": "basic", "username": "user", "password": "p:ß"}}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "signed": {"secret_key": "key"},
    "signed beyond ASCII": {"secret_key": "şifre 😀"},
    "an empty secret": {"secret_key": ""},
    "headers of its own": {"additional_headers": {"X-Key": "1", "Accept": "text/plain", "user-agent": "shop"}},
    "headers that take another's place": {
        "secret_key": "key",
        "additional_headers": {"content-type": "text/x", "x-whisperer-event": "e", "X-WHISPERER-SIGNATURE": "s"},
    },
    "headers about the body": {"additional_headers": {"content-length": "5", "Host": "shop.test"}},
    "a header that is taken away": {"additional_headers": {"Accept": None, "X-None": None}},
    "a header beyond Latin": {"additional_headers": {"X-Name": "ş"}},
    "a header that is Latin": {"additional_headers": {"X-Name": "é"}},
    "a header that is a number": {"additional_headers": {"X-Name": 1}},
    "a header with a line break": {"additional_headers": {"X-Name": "a\r\nb"}},
    "Basic auth": {"secret_key": "key", "config": BASIC},
    "Basic auth beside a header": {
        "config": BASIC,
        "additional_headers": {"authorization": "Token x", "X-Last": "1"},
    },
    "auth of another kind": {"config": {"auth": {"auth_type": "digest", "username": "x"}}},
    "auth without a name": {"config": {"auth": {"auth_type": "basic"}}},
    "auth beyond Latin": {"config": {"auth": {"auth_type": "basic", "username": "ş", "password": ""}}},
    "auth that is a text": {"config": {"auth": "basic"}},
    "a callback that is none": {"callback": ""},
}


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_a_request_is_the_same_on_the_wire(columns: Mapping[str, Any]) -> None:
    """Method, path, headers in their order and case, body, signature; and the same is recorded of the answer."""
    ours, theirs = both(columns, answer(200, b"200 OK"))
    assert ours == theirs


def packed(body: bytes) -> Behaviour:
    return answer(200, body, Content_Encoding="gzip")


def cut(handler: BaseHTTPRequestHandler, _: Got) -> None:
    """Promise more than comes."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def chunks(handler: BaseHTTPRequestHandler, _: Got) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")


def broken_chunks(handler: BaseHTTPRequestHandler, _: Got) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3\r\nabc\r\nzz\r\n")
    handler.close_connection = True


def babble(handler: BaseHTTPRequestHandler, _: Got) -> None:
    handler.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler, _: Got) -> None:
    handler.close_connection = True


def without_length(handler: BaseHTTPRequestHandler, _: Got) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"until the end")
    handler.close_connection = True


ANSWERS: Mapping[str, Behaviour] = {
    **{
        f"status {status}": answer(status, b"" if status in (204, 304) else b"told")
        for status in (200, 201, 202, 204, 299, 304, 306, 400, 401, 404, 410, 418, 429, 500, 502, 503, 599)
    },
    "an empty body": answer(200, b""),
    "a body beyond ASCII": answer(200, "şöyle".encode()),
    "a body that is no text": answer(200, b"\x00\xff'\"\\"),
    "a packed body": packed(gzip.compress(b"unpacked")),
    "a body that is not packed as told": packed(b"no gzip"),
    "an empty body that is packed": packed(b""),
    "chunks": chunks,
    "no length": without_length,
    "less than promised": cut,
    "a redirect to nowhere": answer(302, b"see"),
    "no HTTP": babble,
    "no answer": hang_up,
}


@pytest.mark.parametrize("behave", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_recorded_as_the_sender_records_it(behave: Behaviour) -> None:
    """Status, the text of the bytes or of the error, delivered, attempts, and how long the next one waits."""
    ours, theirs = both({}, behave)
    assert ours == theirs


def redirecting(status: int, location: Callable[[Got], str | None]) -> Behaviour:
    """Give a behaviour that sends on, and answers where it sends nowhere."""

    def behave(handler: BaseHTTPRequestHandler, got: Got) -> None:
        to = location(got)
        if to is None:
            answer(200, b"there")(handler, got)
        else:
            answer(status, b"go", Location=to, Set_Cookie="seen=1; Path=/")(handler, got)

    return behave


PLACES: Mapping[str, Callable[[Got], str | None]] = {
    "once": lambda got: None if got.path == "/there" else "/there",
    "twice": lambda got: {"/hook": "/one?a=ş", "/one?a=%C5%9F": "two#part"}.get(got.path),
    "to another name of this machine": lambda got: None if got.path == "/x" else f"http://localhost:{port(got)}/x",
    "for ever": lambda got: got.path + "x",
    "to no address": lambda _: "http://",
    "to another scheme": lambda _: "ftp://127.0.0.1/",
}


def port(got: Got) -> str:
    return got.headers["Host"].rpartition(":")[2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_redirect_is_followed_as_the_sender_follows_it(status: int, place: Callable[[Got], str | None]) -> None:
    """Methods, bodies, cookies and credentials of every request on the way, and what is recorded at its end."""
    columns = {"secret_key": "key", "additional_headers": {"X-Key": "1"}, "config": BASIC}
    ours, theirs = both(columns, redirecting(status, place))
    assert ours == theirs
    assert len(ours.got) in (1, 2, 3, 31)


def test_a_receiver_that_hangs_is_recorded_as_the_sender_records_it() -> None:
    """Before its answer."""

    def hang(handler: BaseHTTPRequestHandler, _: Got) -> None:
        handler.rfile.read(1)  # comes to an end when the caller has given up

    ours, theirs = both({}, hang)
    assert ours == theirs
    assert f"Read timed out. (read timeout={TIMEOUT})" in ours.content


def test_a_receiver_that_hangs_within_its_answer_is_recorded_as_the_sender_records_it() -> None:
    def hang(handler: BaseHTTPRequestHandler, _: Got) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.rfile.read(1)

    ours, theirs = both({}, hang)
    assert ours == theirs


ADDRESSES = {
    "nobody there": "http://127.0.0.1:{free}/",
    "no scheme": "127.0.0.1:{free}/",
    "no host": "http:///path",
    "no such scheme": "ftp://127.0.0.1/",
    "no port": "http://127.0.0.1:port/",
    "a port beyond all": "http://127.0.0.1:99999/",
    "nothing": "",
    "a broken address": "http://[::1/",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_that_cannot_be_called_is_recorded_as_the_sender_records_it(address: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        target = address.format(free=taken.getsockname()[1])
        ours, body = by_us(target, {})
        assert ours == by_them(target, {}, body)


def test_what_is_different_on_purpose() -> None:
    """The sender calls any address, and again; we refuse to leave this machine, and record that once."""
    ours, _ = by_us("http://192.0.2.1/", {})
    with patch("requests.sessions.Session.send", side_effect=requests.ConnectionError("called")):
        theirs = by_them("http://192.0.2.1/", {}, b'{"event":{"uuid":"%032x"},"payload":{"a":1}}' % 1)
    assert (theirs.status, theirs.content) == (ours.status, "called")
    assert (theirs.wait is not None, ours.wait) == (True, None)
    assert ours.content == "not sent: the hook '192.0.2.1' is not this machine; --allow-webhook-host 192.0.2.1"


def test_what_is_said_of_broken_chunks_is_different() -> None:
    """We read what is there, so that nobody can hold a thread by dripping: the words differ, nothing else does."""
    ours, theirs = both({}, broken_chunks)
    assert ours._replace(content="") == theirs._replace(content="")
    assert "Connection broken" in ours.content
    assert "Connection broken" in theirs.content
