"""`oms.asgi` answers ASGI clients and servers, with bodies in parts, streams of events and faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from emulator import Emulator

LIST = "/api/v1/oms/packages/"
PARTS = ({"body": b'{"remote_id": ', "more_body": True}, {"body": b'"R-1"}'})


class Connection:
    """One request of an ASGI server, and the messages that the application sends."""

    def __init__(self, path: str, method: str = "GET", parts: Any = ({},), **headers: str) -> None:
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "server": ("oms.test", 80),
            "client": ("127.0.0.1", 5000),
            "headers": [(b"host", b"oms.test"), (b"authorization", b"Token full-access")]
            + [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        self._parts: Iterator[Any] = iter(parts)
        self.disconnected = anyio.Event()
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        part = next(self._parts, None)
        if part is None:
            await self.disconnected.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", **part}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if message.get("more_body"):
            self.disconnected.set()


async def start(app: Any) -> None:
    """Start an application as a server does."""
    messages = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    sent = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_body_in_parts_arrives_whole(oms: Emulator) -> None:
    package = oms.package(state="Waiting")["id"]

    async def run() -> int:
        headers = {"content_type": "application/json", "transfer_encoding": "chunked"}
        connection = Connection(f"{LIST}{package}/set_remote_id/", "POST", PARTS, **headers)
        await oms.asgi(connection.scope, connection.receive, connection.send)
        return connection.sent[0]["status"]

    assert anyio.run(run) < 300
    assert oms.session().get(f"{LIST}{package}/").json()["remote_id"] == "R-1"


def test_stream_of_events_ends_when_the_client_of_a_server_disconnects(oms: Emulator) -> None:
    async def run() -> list[Any]:
        app, connection = oms.asgi, Connection("/__admin/events")
        await start(app)
        await app(connection.scope, connection.receive, connection.send)
        return connection.sent

    first, *parts = anyio.run(run)
    assert dict(first["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert parts
    assert all(part["more_body"] for part in parts)


def test_client_that_reads_a_response_to_its_end_gets_one_event(oms: Emulator) -> None:
    async def run() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(oms.asgi), base_url=oms.url) as client:
            return (await client.get("/__admin/events")).text

    assert anyio.run(run).count("data: ") == 1
    with TestClient(oms.asgi, base_url=oms.url) as client:
        assert client.get("/__admin/events").text.count("data: ") == 1


FAULTS = {"reset": ConnectionResetError, "lost_response": ConnectionAbortedError}


@pytest.mark.parametrize(("kind", "error"), FAULTS.items())
def test_closed_connection_is_a_connection_error(oms: Emulator, kind: str, error: type[Exception]) -> None:
    oms.faults.add("list_packages", kind)
    with pytest.raises(error), TestClient(oms.asgi, base_url=oms.url, headers=oms.auth) as client:
        client.get(LIST)


def test_world_answers_below_a_mount(oms: Emulator) -> None:
    other = oms.in_world("other", "empty")
    application = Starlette(routes=[Mount("/oms", other.asgi)])
    with TestClient(application, base_url="http://oms.test", headers=oms.auth) as client:
        oms.in_world("other").package()
        page = client.get(f"/oms{LIST}").json()
        assert page["count"] == 1
        redirect = client.get(f"/oms{LIST[:-1]}", follow_redirects=False)
        assert redirect.headers["Location"].endswith(f"/oms{LIST}")


def test_websocket_is_refused(oms: Emulator) -> None:
    sent: list[Any] = []

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await oms.asgi({"type": "websocket"}, receive, send)

    anyio.run(run)
    assert sent == [{"type": "websocket.close"}]
