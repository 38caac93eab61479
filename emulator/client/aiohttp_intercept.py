"""`oms.intercept` for aiohttp: its connector opens connections to the intercepted hosts in process.

The connection is a transport of asyncio. aiohttp writes its request into it and parses the response, so its timeouts,
retries and errors apply.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from emulator.client.session import InProcessAdapter, MethodPatch, OpenedResponse, intercept_hosts
from emulator.core.wsgi import environ_key, server_environ
from emulator.web.fault_injection import Close, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LIMITS = Adjustments()
"""Limits of the parser of requests."""


def build_patch() -> MethodPatch:
    """Replace the method that opens a connection, and the one that returns an open connection of the pool."""
    create, get = aiohttp.TCPConnector._create_connection, aiohttp.BaseConnector._get  # noqa: SLF001 - no public hook

    async def create_connection(connector: Any, request: aiohttp.ClientRequest, *options: Any) -> Any:
        if (adapter := patch.find_adapter(str(request.url))) is None:
            return await create(connector, request, *options)
        protocol = connector._factory()  # noqa: SLF001 - as other connectors do
        protocol.connection_made(InProcessTransport(protocol, adapter, request))
        return protocol

    async def get_connection(connector: Any, key: ConnectionKey, *options: Any) -> Any:
        host = f"[{key.host}]" if ":" in key.host else key.host
        if patch.find_adapter(f"http{'s' if key.is_ssl else ''}://{host}:{key.port}/") is not None:
            return None
        return await get(connector, key, *options)

    patch = MethodPatch(
        {
            (aiohttp.TCPConnector, "_create_connection"): create_connection,
            (aiohttp.BaseConnector, "_get"): get_connection,
        }
    )
    return patch


intercept_aiohttp = partial(intercept_hosts, (aiohttp.TCPConnector, "_create_connection"), build_patch)
"""Send requests to hosts, of every session of aiohttp, to the application until the block ends."""


class InProcessTransport(asyncio.Transport):
    """A connection for one request, which the application answers."""

    def __init__(self, protocol: Any, adapter: InProcessAdapter, request: aiohttp.ClientRequest) -> None:
        super().__init__()
        self._protocol, self._adapter, self._url = protocol, adapter, request.url
        self._loop = asyncio.get_running_loop()
        self._parser = HTTPRequestParser(LIMITS)
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    # What aiohttp calls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a part of the request. Start the response after the last part."""
        rest = bytes(data)
        while rest and not self._parser.completed:
            rest = rest[self._parser.received(rest) :]
            if self._parser.expect_continue and self._parser.headers_finished:
                self._parser.expect_continue = False
                self._loop.call_soon(self._protocol.data_received, CONTINUE)
        if self._parser.completed and self._task is None and not self._is_closing:
            self._task = self._loop.create_task(self._respond())

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._lose_connection(None)
        if self._task is not None:
            self._task.cancel()

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the address of the host. There is no socket."""
        return (self._url.host, self._url.port) if name == "peername" else default

    def get_write_buffer_size(self) -> int:
        """Return 0: each part of the request is taken at once."""
        return 0

    def pause_reading(self) -> None:
        """Continue to receive: the body is in memory already."""

    def resume_reading(self) -> None:
        """Continue to receive."""

    # The response

    async def _respond(self) -> None:
        """Send the response, and close the connection, also after an error."""
        try:
            if self._parser.error is None:
                await self._send(await self._loop.run_in_executor(None, self._adapter.open, self._environ()))
        finally:
            self._lose_connection(None)

    async def _send(self, opened: OpenedResponse) -> None:
        head: bytes | None = response_head(opened)
        for action in opened.actions:
            if isinstance(action, Wait):
                await asyncio.sleep(action.seconds)
            elif isinstance(action, Close):
                self._lose_connection(
                    ConnectionResetError(104, "Connection reset by peer") if action.by_reset else None
                )
                return
            else:
                self._protocol.data_received((head or b"") + action)
                head = None

    def _environ(self) -> WSGIEnvironment:
        parser: Any = self._parser  # its attributes have no types
        environ = dict(server_environ(self._url.scheme, self._url.authority))
        environ.update({environ_key(name): value for name, value in parser.headers.items()})
        environ["REQUEST_METHOD"], environ["PATH_INFO"] = parser.command, parser.path
        environ["QUERY_STRING"], environ["wsgi.input"] = parser.query, parser.get_body_stream()
        return environ

    def _lose_connection(self, error: Exception | None) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self._protocol.connection_lost, error)


def response_head(opened: OpenedResponse) -> bytes:
    """Return the status line and the headers. The connection is closed afterwards, so that it is not used again."""
    headers = [*opened.headers, ("Connection", "close")]
    lines = [f"HTTP/1.1 {opened.status} {opened.reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")
