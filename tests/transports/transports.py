"""Transports to an emulator: each one sends a request and returns the response."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
from anyio.from_thread import start_blocking_portal
from starlette.testclient import TestClient
from werkzeug.test import Client
from yarl import URL

from emulator import Emulator
from tests.transports.conditions import HttpRequest

BASE = "http://oms.test"
SERVER_HEADERS = frozenset(("date", "server", "connection"))
"""Headers that the server adds."""


class TransportResponse(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


Transport = Callable[[HttpRequest], TransportResponse]
INCOMPLETE = TransportResponse(0, [], b"no response, or only a part of it")
"""Result of every transport for a connection that ends too early, whether by an error or by a short body."""
CONNECTION_ERRORS = (OSError, http.client.HTTPException, requests.RequestException, httpx.TransportError)


def normalized_response(status: int, headers: Any, body: bytes, method: str) -> TransportResponse:
    named = [(str(name), str(value)) for name, value in headers]
    length = next((value for name, value in named if name.lower() == "content-length"), None)
    if method != "HEAD" and length is not None and len(body) < int(length):
        return INCOMPLETE
    pairs = sorted((name.title(), value) for name, value in named if name.lower() not in SERVER_HEADERS)
    return TransportResponse(status, pairs, body)


@contextmanager
def socket(oms: Emulator) -> Iterator[Transport]:
    """Yield a transport to the server of an emulator."""
    with oms, socket_to(oms.url) as send:
        yield send


@contextmanager
def socket_to(url: str) -> Iterator[Transport]:
    """Yield a transport over a persistent connection, with the same Host header as the other transports."""
    parts = urlsplit(url)
    wire = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)

    def send(spec: HttpRequest) -> TransportResponse:
        wire.putrequest(spec.method, spec.target, skip_host=True, skip_accept_encoding=True)
        wire.putheader("Host", "oms.test")
        for name, value in spec.headers.items():
            wire.putheader(name, value)
        if spec.body:
            wire.putheader("Content-Length", str(len(spec.body)))
        wire.endheaders(spec.body or None)
        try:
            answer = wire.getresponse()
            return normalized_response(answer.status, answer.getheaders(), answer.read(), spec.method)
        except CONNECTION_ERRORS:
            wire.close()
            return INCOMPLETE

    yield send
    wire.close()


def by_requests(session: requests.Session) -> Transport:
    def send(spec: HttpRequest) -> TransportResponse:
        request = requests.Request(spec.method, BASE, spec.headers, data=spec.body or None)
        prepared = session.prepare_request(request)
        prepared.url = BASE + spec.target  # unchanged: `requests` would normalize it
        try:
            answer = session.send(prepared, allow_redirects=False)
        except CONNECTION_ERRORS:
            return INCOMPLETE
        return normalized_response(answer.status_code, answer.headers.items(), answer.content, spec.method)

    return send


@contextmanager
def session(oms: Emulator) -> Iterator[Transport]:
    with oms.session() as client:
        del client.headers["Authorization"]  # the corpus contains its own headers
        yield by_requests(client)


@contextmanager
def intercept(oms: Emulator) -> Iterator[Transport]:
    """Yield a transport over a session that existed before the interception."""
    with requests.Session() as client, oms.intercept(BASE):
        yield by_requests(client)


@contextmanager
def wsgi_transport(oms: Emulator) -> Iterator[Transport]:
    with httpx.Client(transport=httpx.WSGITransport(app=oms.app), base_url=BASE) as client:
        yield by_httpx(client.request)


@contextmanager
def intercept_httpx(oms: Emulator) -> Iterator[Transport]:
    with httpx.Client(base_url=BASE) as client, oms.intercept(BASE):
        yield by_httpx(client.request)


@contextmanager
def intercept_async_httpx(oms: Emulator) -> Iterator[Transport]:
    with start_blocking_portal() as portal, oms.intercept(BASE):
        client = httpx.AsyncClient(base_url=BASE)
        yield by_httpx(lambda *args, **options: portal.call(partial(client.request, *args, **options)))
        portal.call(client.aclose)


@contextmanager
def asgi_transport(oms: Emulator) -> Iterator[Transport]:
    with start_blocking_portal() as portal:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(oms.asgi), base_url=BASE)
        yield by_httpx(lambda *args, **options: portal.call(partial(client.request, *args, **options)))
        portal.call(client.aclose)


@contextmanager
def starlette_client(oms: Emulator) -> Iterator[Transport]:
    with TestClient(oms.asgi, base_url=BASE, follow_redirects=False) as client:
        yield by_httpx(client.request)


@contextmanager
def intercept_aiohttp(oms: Emulator) -> Iterator[Transport]:
    with start_blocking_portal() as portal, oms.intercept(BASE):
        client = portal.call(partial(create_session, skip_auto_headers=("Accept-Encoding", "Content-Type")))

        async def request(spec: HttpRequest) -> TransportResponse:
            url, content = URL(BASE + spec.target, encoded=True), spec.body or None
            try:
                async with client.request(
                    spec.method, url, headers=spec.headers, data=content, allow_redirects=False
                ) as answer:
                    body = await answer.read()
            except (aiohttp.ClientError, *CONNECTION_ERRORS):
                return INCOMPLETE
            return normalized_response(answer.status, answer.headers.items(), body, spec.method)

        yield partial(portal.call, request)
        portal.call(client.close)


async def create_session(**options: Any) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(**options)
    session._retry_connection = False  # it would repeat a GET whose connection was closed
    return session


def by_httpx(request: Callable[..., httpx.Response]) -> Transport:
    def send(spec: HttpRequest) -> TransportResponse:
        content = spec.body or None
        try:
            answer = request(spec.method, spec.target, headers=spec.headers, content=content)
        except CONNECTION_ERRORS:
            return INCOMPLETE
        return normalized_response(answer.status_code, answer.headers.items(), answer.content, spec.method)

    return send


@contextmanager
def werkzeug(oms: Emulator) -> Iterator[Transport]:
    yield by_werkzeug(oms)


@contextmanager
def flask_routing(oms: Emulator) -> Iterator[Transport]:
    """Yield a transport to an application with a hook, so that no request takes the short way."""
    oms.app.before_request(lambda: None)
    yield by_werkzeug(oms)


def by_werkzeug(oms: Emulator) -> Transport:
    client = Client(oms.app)

    def send(spec: HttpRequest) -> TransportResponse:
        try:
            answer = client.open(
                spec.target, method=spec.method, base_url=BASE, headers=spec.headers, data=spec.body or None
            )
        except CONNECTION_ERRORS:
            return INCOMPLETE
        return normalized_response(answer.status_code, answer.headers.items(), answer.data, spec.method)

    return send


TRANSPORTS = {
    "oms.session": session,
    "oms.intercept": intercept,
    "httpx.WSGITransport": wsgi_transport,
    "intercept, httpx": intercept_httpx,
    "intercept, httpx async": intercept_async_httpx,
    "intercept, aiohttp": intercept_aiohttp,
    "oms.asgi, httpx.ASGITransport": asgi_transport,
    "oms.asgi, Starlette's TestClient": starlette_client,
    "werkzeug's Client": werkzeug,
    "Flask's routing": flask_routing,
}
