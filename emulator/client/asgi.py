"""`oms.asgi`: the application for ASGI clients, such as `httpx.ASGITransport`, and for ASGI servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import anyio.to_thread

from emulator.client.session import InProcessAdapter, OpenedResponse
from emulator.core.wsgi import environ_key, server_environ, wsgi_path
from emulator.web.app import EmulatorApp
from emulator.web.fault_injection import Close, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Message: TypeAlias = MutableMapping[str, Any]
"""A scope or a message of ASGI."""
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
TEST_CLIENT = "testclient"
"""Name of the client's host in Starlette's test client."""
NO_RESPONSE = "the connection was closed without a response"
DEBUG_EXTENSION = "http.response.debug"
"""Extension of Starlette's test client, which reads a response to its end."""


class ClientDisconnected(Exception):
    """The client closed the connection before the end of its request."""


class AsgiApp:
    """Answers requests over ASGI with the responses of the WSGI application.

    A delay is really waited for. A fault that closes the connection is a `ConnectionError`, or a short body. A stream
    of events ends after one message, unless a server runs the application.
    """

    def __init__(self, app: EmulatorApp, world: str | None) -> None:
        self._adapter = InProcessAdapter(app, world)
        self._is_served = False
        """Whether a server started the application (lifespan protocol)."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            self._is_served = True
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ClientDisconnected:
            return
        is_streamed = self._is_served and DEBUG_EXTENSION not in (scope.get("extensions") or {})
        open_response = partial(self._adapter.open, build_environ(scope, body), is_streamed=is_streamed)
        opened = await anyio.to_thread.run_sync(open_response)
        if not opened.is_detached:
            await send(start_message(opened))
            await send({"type": "http.response.body", "body": next(opened.actions)})
            return
        error: list[ConnectionError] = []
        async with anyio.create_task_group() as group:
            group.start_soon(cancel_on_disconnect, receive, group.cancel_scope)
            error += await send_parts(opened, send)
            group.cancel_scope.cancel()
        if error:
            raise error[0]


async def cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def send_parts(opened: OpenedResponse, send: Send) -> list[ConnectionError]:
    """Send the parts of a body. Return the error of a fault that closes the connection before the first part."""
    is_started = False
    while (action := await anyio.to_thread.run_sync(next, opened.actions, None)) is not None:
        if isinstance(action, Wait):
            await anyio.sleep(action.seconds)
        elif isinstance(action, Close):
            if not is_started:
                reset = ConnectionResetError(104, "Connection reset by peer")
                return [reset if action.by_reset else ConnectionAbortedError(NO_RESPONSE)]
            break
        else:
            if not is_started:
                await send(start_message(opened))
            is_started = True
            await send({"type": "http.response.body", "body": action, "more_body": True})
    if not is_started:
        await send(start_message(opened))
    await send({"type": "http.response.body", "body": b""})
    return []


def start_message(opened: OpenedResponse) -> Message:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in opened.headers]
    return {"type": "http.response.start", "status": opened.status, "headers": headers}


async def read_body(receive: Receive) -> bytes:
    """Return the body of a request, which may arrive in parts. Raise `ClientDisconnected` if it does not end."""
    parts, is_complete = [], False
    while not is_complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        parts.append(message.get("body", b""))
        is_complete = not message.get("more_body", False)
    return b"".join(parts)


def build_environ(scope: Message, body: bytes) -> WSGIEnvironment:
    """Return the WSGI environment of a request."""
    environ = dict(server_environ(scope.get("scheme", "http"), server_name(scope)))
    for name, value in scope["headers"]:
        key = environ_key(name.decode("latin-1"))
        separator = "; " if key == "HTTP_COOKIE" else ","
        known = f"{environ[key]}{separator}" if key in environ and key != "HTTP_HOST" else ""
        environ[key] = known + value.decode("latin-1")
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:  # the parts of the body are joined
        environ["CONTENT_LENGTH"] = str(len(body))
    root, path = scope.get("root_path", "").encode().decode("latin-1"), request_path(scope)
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = root, path.removeprefix(root)
    environ["REQUEST_METHOD"], environ["QUERY_STRING"] = scope["method"], scope["query_string"].decode("latin-1")
    environ["wsgi.input"] = BytesIO(body)
    client = scope.get("client")
    environ["REMOTE_ADDR"] = "127.0.0.1" if client is None or client[0] == TEST_CLIENT else client[0]
    return environ


def server_name(scope: Message) -> str:
    """Return the host and the port of the server."""
    host, port = scope.get("server") or ("localhost", None)
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def request_path(scope: Message) -> str:
    """Return the decoded path. WSGI represents each byte as a character of Latin-1."""
    raw = scope.get("raw_path")
    return wsgi_path(raw.decode("latin-1")) if raw else scope["path"].encode().decode("latin-1")
