"""`oms.intercept` for httpx: its transports pass requests to the intercepted hosts to the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.client import RemoteDisconnected

import anyio
import httpx
import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from emulator.client.session import InProcessAdapter, MethodPatch, WsgiResponse, intercept_hosts

BODILESS = frozenset((204, 304))


def build_patch() -> MethodPatch:
    """Replace the methods of both transports that send a request."""
    send, send_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if (adapter := patch.find_adapter(str(request.url))) is None:
            return send(transport, request)
        return exchange(adapter, request, request.read())

    async def handle_async_request(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if (adapter := patch.find_adapter(str(request.url))) is None:
            return await send_async(transport, request)
        content = await request.aread()
        return await anyio.to_thread.run_sync(exchange, adapter, request, content)

    patch = MethodPatch(
        {
            (httpx.HTTPTransport, "handle_request"): handle_request,
            (httpx.AsyncHTTPTransport, "handle_async_request"): handle_async_request,
        }
    )
    return patch


intercept_httpx = partial(intercept_hosts, (httpx.HTTPTransport, "handle_request"), build_patch)
"""Send requests to hosts, of every client of httpx, to the application until the block ends."""


def exchange(adapter: InProcessAdapter, request: httpx.Request, content: bytes) -> httpx.Response:
    """Return the response of the application. Raise the errors of httpx for a fault."""
    try:
        response = adapter.call_app(prepared(request, content), request.extensions.get("timeout", {}).get("read"))[0]
    except (ReadTimeoutError, requests.ConnectionError):
        raise httpx.ReadTimeout("The read operation timed out", request=request) from None
    except ProtocolError as error:
        if isinstance(error.args[1], RemoteDisconnected):
            message = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(message, request=request) from None
        raise httpx.ReadError(str(error.args[1]), request=request) from None
    extensions = {"http_version": b"HTTP/1.1", "reason_phrase": response.reason.encode()}
    stream = ResponseBody(response, is_checked=request.method != "HEAD" and response.status not in BODILESS)
    return httpx.Response(response.status, headers=response.headers, stream=stream, extensions=extensions)


def prepared(request: httpx.Request, content: bytes) -> requests.PreparedRequest:
    """Return the same request in the form that the adapter takes."""
    same = requests.PreparedRequest()
    same.method, same.url, same.body = request.method, str(request.url), content
    same.headers = requests.structures.CaseInsensitiveDict(request.headers)
    return same


class ResponseBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a response. Reading it raises an error if it is shorter than its Content-Length."""

    def __init__(self, response: WsgiResponse, *, is_checked: bool) -> None:
        self._body = response.body
        lengths = [int(value) for name, value in response.headers if name.lower() == "content-length"]
        self._expected = lengths[0] if lengths and is_checked else len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        if len(self._body) < self._expected:
            message = f"received {len(self._body)} bytes, expected {self._expected}"
            raise httpx.RemoteProtocolError(
                f"peer closed connection without sending complete message body ({message})"
            )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part
