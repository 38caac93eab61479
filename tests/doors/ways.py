"""The ways that lead to an emulator: each sends one request and gives what came back."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import requests
from werkzeug.test import Client

from emulator import Emulator
from tests.doors.conditions import Sent

BASE = "http://oms.test"
OWN = frozenset(("date", "server", "connection"))
"""Headers of the server, not of the application."""


class Got(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


Way = Callable[[Sent], Got]
BROKEN = Got(0, [], b"no answer, or not all of it")
"""What every way makes of a connection that ends too soon, each by an error of its own or by a short body."""
LOSSES = (OSError, http.client.HTTPException, requests.RequestException, httpx.TransportError)


def got(status: int, headers: Any, body: bytes, method: str) -> Got:
    named = [(str(name), str(value)) for name, value in headers]
    length = next((value for name, value in named if name.lower() == "content-length"), None)
    if method != "HEAD" and length is not None and len(body) < int(length):
        return BROKEN
    pairs = sorted((name.title(), value) for name, value in named if name.lower() not in OWN)
    return Got(status, pairs, body)


@contextmanager
def socket(oms: Emulator) -> Iterator[Way]:
    """A connection that is kept, and says that it called the base URL."""
    with oms:
        url = urlsplit(oms.url)
        wire = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)

        def send(sent: Sent) -> Got:
            wire.putrequest(sent.method, sent.target, skip_host=True, skip_accept_encoding=True)
            wire.putheader("Host", "oms.test")
            for name, value in sent.headers.items():
                wire.putheader(name, value)
            if sent.body:
                wire.putheader("Content-Length", str(len(sent.body)))
            wire.endheaders(sent.body or None)
            try:
                answer = wire.getresponse()
                return got(answer.status, answer.getheaders(), answer.read(), sent.method)
            except LOSSES:
                wire.close()
                return BROKEN

        yield send
        wire.close()


def by_requests(session: requests.Session) -> Way:
    def send(sent: Sent) -> Got:
        request = requests.Request(sent.method, BASE, sent.headers, data=sent.body or None)
        prepared = session.prepare_request(request)
        prepared.url = BASE + sent.target  # as it is: what requests would tidy up is not the point
        try:
            answer = session.send(prepared, allow_redirects=False)
        except LOSSES:
            return BROKEN
        return got(answer.status_code, answer.headers.items(), answer.content, sent.method)

    return send


@contextmanager
def session(oms: Emulator) -> Iterator[Way]:
    with oms.session() as client:
        del client.headers["Authorization"]  # the corpus says what it sends
        yield by_requests(client)


@contextmanager
def intercept(oms: Emulator) -> Iterator[Way]:
    """A plain session that was there before."""
    with requests.Session() as client, oms.intercept(BASE):
        yield by_requests(client)


@contextmanager
def wsgi_transport(oms: Emulator) -> Iterator[Way]:
    with httpx.Client(transport=httpx.WSGITransport(app=oms.app), base_url=BASE) as client:

        def send(sent: Sent) -> Got:
            content = sent.body or None
            try:
                answer = client.request(sent.method, sent.target, headers=sent.headers, content=content)
            except LOSSES:
                return BROKEN
            return got(answer.status_code, answer.headers.items(), answer.content, sent.method)

        yield send


@contextmanager
def werkzeug(oms: Emulator) -> Iterator[Way]:
    client = Client(oms.app)

    def send(sent: Sent) -> Got:
        try:
            answer = client.open(
                sent.target, method=sent.method, base_url=BASE, headers=sent.headers, data=sent.body or None
            )
        except LOSSES:
            return BROKEN
        return got(answer.status_code, answer.headers.items(), answer.data, sent.method)

    yield send


WAYS = {
    "oms.session": session,
    "oms.intercept": intercept,
    "httpx.WSGITransport": wsgi_transport,
    "werkzeug's Client": werkzeug,
}
