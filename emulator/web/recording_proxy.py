"""A proxy in front of a real OMS: it forwards requests, and passes each exchange on to be recorded.

Clients use its address in place of that of the OMS, or use it as a forward proxy, in plain HTTP or with CONNECT.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from urllib3 import BaseHTTPResponse, HTTPHeaderDict, Retry, connection_from_url
from urllib3.exceptions import HTTPError

from emulator.core.hosts import DEFAULT_PORTS
from emulator.core.json_text import dump_json
from emulator.state.clock import machine_now
from emulator.web import ROUTER
from emulator.web.context import Environ, request_host
from emulator.web.server import HttpServer, server_url
from emulator.web.tls import SHUTDOWN_SECONDS, TlsServer, authority_context, trusting_context
from emulator.worlds.loading.recording import READ_METHODS, RecordedExchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

TIMEOUT_SECONDS = 60.0
MAX_CONNECTIONS = 32
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
"""Headers that are about one connection, so that a proxy does not forward them."""
WRITE_REFUSED = "a write is not forwarded without --allow-writes"
OTHER_HOST = "this proxy forwards requests to {target} only"
NO_AUTHORITY = "HTTPS through this proxy needs --ca FILE, an authority that the client trusts"
EDGE_BYTES = 16 * 1024
"""Bytes at the start and at the end of a page in which its links begin."""


class Refused(Exception):
    """A request that is not forwarded."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Destination(NamedTuple):
    """The path and the query of a request below the target."""

    path: str
    """As the client sent it, with percent encoding."""
    query: str

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class RecordingProxy:
    """The WSGI application: it forwards requests to the target, and records the exchanges."""

    def __init__(
        self, target: str, record: Callable[[RecordedExchange], object], *, allow_writes: bool = False
    ) -> None:
        """`record` is called with each response of the target before the client gets it, so it must not wait."""
        self.target, self.allow_writes = target.rstrip("/"), allow_writes
        self._record, self._address = record, urlsplit(self.target)
        self._own_links = re.compile(rb'("(?:next|previous)"\s*:\s*")' + re.escape(self.target.encode()))
        options: dict[str, Any] = {} if self._address.scheme == "http" else {"ssl_context": trusting_context()}
        self._pool: Any = connection_from_url(
            self.target, maxsize=MAX_CONNECTIONS, timeout=TIMEOUT_SECONDS, **options
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            destination = self.destination(environ)
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return self._forward(environ, destination, body, start_response)
        except Refused as refused:
            content = dump_json({"error": f"oms-emulator record: {refused.reason}"})
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
            start_response(f"{refused.status.value} {refused.status.phrase}", headers)
            return [content]

    def destination(self, environ: Environ) -> Destination:
        """Return the path below the target. Raise `Refused` for a CONNECT and for other hosts."""
        if environ["REQUEST_METHOD"] == "CONNECT":
            raise Refused(HTTPStatus.NOT_IMPLEMENTED, NO_AUTHORITY)
        uri = environ["REQUEST_URI"]
        if uri.startswith("/"):
            path, _, query = uri.partition("?")
            return Destination(path, query)
        parts = urlsplit(uri)
        if not self.is_target(parts):
            raise Refused(HTTPStatus.FORBIDDEN, OTHER_HOST.format(target=self.target))
        prefix = self._address.path
        path = parts.path.removeprefix(prefix) if prefix and f"{parts.path}/".startswith(f"{prefix}/") else parts.path
        return Destination(path or "/", parts.query)

    def is_target(self, parts: SplitResult) -> bool:
        """Return whether a URL without a port, or with the target's port, names the host of the target."""
        own = self._address.port or DEFAULT_PORTS[self._address.scheme]
        try:
            return parts.hostname == self._address.hostname and parts.port in (None, own)
        except ValueError:
            return False

    def _forward(
        self, environ: Environ, destination: Destination, body: bytes, start_response: StartResponse
    ) -> Iterable[bytes]:
        exchange, response = self._exchange(
            environ["REQUEST_METHOD"], destination, request_headers(environ), body, allow_writes=self.allow_writes
        )
        content, received = exchange.content, response.headers
        is_json = received.get("Content-Type", "").startswith("application/json")
        parts = self._with_own_links(content, base_url(environ).encode()) if is_json else [content]
        headers_out = self._response_headers(environ, received, sum(map(len, parts)))
        start_response(f"{response.status} {response.reason or ''}", headers_out)
        self._record(exchange)
        return parts

    def fetch(self, path: str, headers: Mapping[str, str]) -> RecordedExchange | None:
        """Send a GET request that no client sent. Return None if there is no response."""
        try:
            return self._exchange("GET", Destination(path, ""), headers, b"")[0]
        except Refused:
            return None

    def _exchange(
        self,
        method: str,
        destination: Destination,
        headers: Mapping[str, str],
        body: bytes,
        *,
        allow_writes: bool = False,
    ) -> tuple[RecordedExchange, BaseHTTPResponse]:
        """Send a request to the target, and return the exchange. Raise `Refused` if it may not be sent."""
        path = unquote(destination.path)
        match = ROUTER.match(path)
        route = None if match is None else match.resource.routes.get(method)
        is_login = route is not None and route.is_login
        if not (method in READ_METHODS or is_login or allow_writes):
            raise Refused(HTTPStatus.FORBIDDEN, WRITE_REFUSED)
        response = self._send(method, destination, headers, body)
        exchange = RecordedExchange(
            method, path, destination.query, headers, body, response.status, dict(response.headers), response.data,
            machine_now(), route, {} if match is None else match.path,
        )  # fmt: skip
        return exchange, response

    def _send(
        self, method: str, destination: Destination, headers: Mapping[str, str], body: bytes
    ) -> BaseHTTPResponse:
        """Send a request to the target. Raise `Refused` if there is no response."""
        sent = {**headers, "Host": self._address.netloc, "Accept-Encoding": "identity"}
        repeats = 1 if method in READ_METHODS else 0  # the target may close an idle connection at the same moment
        try:
            response: BaseHTTPResponse = self._pool.urlopen(
                method, self._address.path + destination.url, body=body or None, headers=sent,
                redirect=False, assert_same_host=False, decode_content=False,
                retries=Retry(repeats, redirect=False, status=0, allowed_methods=None),
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise Refused(HTTPStatus.BAD_GATEWAY, f"{self.target} does not answer: {short_reason(error)}") from None
        return response

    def _with_own_links(self, content: bytes, base: bytes) -> list[bytes]:
        """Return the parts of a page whose links lead to the proxy. They are before or after the rows."""
        end = max(len(content) - EDGE_BYTES, EDGE_BYTES)
        head, tail = (self._own_links.sub(rb"\1" + base, part) for part in (content[:EDGE_BYTES], content[end:]))
        return [head, content[EDGE_BYTES:end], tail]

    def _response_headers(self, environ: Environ, received: HTTPHeaderDict, length: int) -> list[tuple[str, str]]:
        headers = [
            (name, self._own_location(environ, value) if name.lower() == "location" else value)
            for name, value in received.items()
            if name.lower() not in HOP_BY_HOP
        ]
        if not length:  # a response to HEAD has the length of the body that it does not have
            return headers
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        return [*kept, ("Content-Length", str(length))]

    def _own_location(self, environ: Environ, location: str) -> str:
        is_own = location == self.target or location.startswith(f"{self.target}/")
        return base_url(environ) + location.removeprefix(self.target) if is_own else location


def base_url(environ: Environ) -> str:
    """Return the start of the URL that the client called."""
    return f"{environ['wsgi.url_scheme']}://{request_host(environ)}"


def request_headers(environ: Environ) -> dict[str, str]:
    """Return the headers of a request, without those of the connection to the proxy."""
    names = {"CONTENT_TYPE": "Content-Type"}
    headers = {
        names.get(key) or key.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_") or (key in names and value)
    }
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP | {"host"}}


def short_reason(error: Exception) -> str:
    """Return the cause of a network error in one line, without the URL."""
    cause = getattr(error, "reason", None) or error
    text = " ".join(str(cause.args[-1] if getattr(cause, "args", ()) else cause).split())
    return re.sub(r" \(_ssl\.c:\d+\)", "", text).rpartition(": <")[2][:200]


def create_proxy_server(
    proxy: RecordingProxy, host: str, port: int, authority: Path | None
) -> HttpServer | ConnectServer:
    """Return the server of a proxy. With an authority, clients may also use it as a proxy for HTTPS."""
    if authority is None:
        return HttpServer(proxy, host, port)
    return ConnectServer(proxy, (host, port), authority_context(authority, str(urlsplit(proxy.target).hostname)))


class ConnectServer(TlsServer):
    """A server for plain HTTP whose clients may also open a tunnel to the target, which it decrypts."""

    _app: RecordingProxy

    def __init__(self, proxy: RecordingProxy, address: tuple[str, int], context: ssl.SSLContext) -> None:
        def create_server(app: Any, host: str, port: int) -> HttpServer:
            return HttpServer(app, host, port)

        super().__init__(create_server, proxy, address, context)
        self._tunnels: set[str] = set()
        self.url = server_url(address[0], self._port)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if str(environ.get("REMOTE_PORT")) in self._tunnels:
            environ["wsgi.url_scheme"] = "https"
        return self._app(environ, start_response)

    def _listen_options(self) -> dict[str, Any]:
        return {}

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes = b"") -> None:  # noqa: ARG002 - of the base class
        """Relay a connection. If it begins with a CONNECT to the target, encrypt it first."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        method, _, rest = head.partition(b" ")
        address = urlsplit("//" + rest.partition(b" ")[0].decode("latin-1"))
        if method != b"CONNECT":
            await super()._connect(reader, writer, head)
        elif not self._app.is_target(address):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(self._context)
            await super()._connect(reader, writer)
            with suppress(TimeoutError):  # asyncio waits 30 seconds for a client that does not end the encryption
                async with asyncio.timeout(SHUTDOWN_SECONDS):
                    writer.close()
                    await writer.wait_closed()
            writer.transport.abort()

    def _connected(self, port: str, writer: asyncio.StreamWriter) -> None:
        super()._connected(port, writer)
        if writer.get_extra_info("ssl_object") is not None:
            self._tunnels.add(port)
