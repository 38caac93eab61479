"""Every GET of a world on both surfaces, and what it answers: two worlds are the same if all of it is."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from werkzeug.test import Client

from emulator.api.routes import ROUTES, Route
from emulator.client.world_handle import WorldHandle
from emulator.core.records import Package, ShippingLabel, State, TransferOrder, TransitionLog, Webhook, WebhookEvent
from emulator.state.store import Snapshot

HOST = "oms.test"
OWNERS: tuple[tuple[str, type[Any]], ...] = (
    ("/shipping-label/", ShippingLabel),
    ("/transfer_orders/", TransferOrder),
    ("/hook_events/", WebhookEvent),
    ("/hooks/", Webhook),
    ("", Package),
)
CHILD_KINDS = {"log_id": TransitionLog, "webhook_event_id": WebhookEvent}
JWT_LIFETIME = 10**9
"""Seconds: a token of the tests outlives every move of a clock."""


class ReceivedResponse(NamedTuple):
    """What came back for a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


SendRequest = Callable[..., ReceivedResponse]
"""(method, path, body, headers) -> what came back."""


def wsgi_sender(oms: WorldHandle) -> SendRequest:
    """Give what asks a world's server without a socket, under the host of the tests."""
    client = Client(oms._emulator_app)

    def send(
        method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> ReceivedResponse:
        answer = client.open(path, method=method, data=body, headers=headers, base_url=f"http://{HOST}")
        return ReceivedResponse(answer.status_code, dict(answer.headers), answer.data)

    return send


@contextmanager
def http_sender(url: str) -> Iterator[SendRequest]:
    """Give what asks a server on a port, under the same host; one connection, so for one thread."""
    address = urlsplit(url)
    wire = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)

    def send(
        method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> ReceivedResponse:
        wire.request(method, path, body, {"Host": HOST, **(headers or {})})
        answer = wire.getresponse()
        return ReceivedResponse(answer.status, dict(answer.getheaders()), answer.read())

    try:
        yield send
    finally:
        wire.close()


def auth_headers(oms: WorldHandle) -> dict[str | None, dict[str, str]]:
    """Give the header that each scheme needs."""
    bearer = {"Authorization": f"Bearer {oms.jwt(expires_in=JWT_LIFETIME)}"}
    return {"Token": {"Authorization": "Token full-access"}, "Bearer": bearer, None: {}}


def read_everything(oms: WorldHandle, send: SendRequest | None = None) -> dict[str, bytes]:
    """Give the answer of each GET there is in a world, by its path; the export's too."""
    send = send or wsgi_sender(oms)
    headers = auth_headers(oms)
    found: dict[str, bytes] = {}
    for route in ROUTES:
        if route.method == "GET" and "<..." not in route.path:
            for path in existing_paths(route, oms.world.records):
                found.update(read_pages(send, oms.prefix + path, headers[route.auth_scheme]))
    found["export"] = send("GET", f"{oms.prefix}/__admin/export").body
    return found


def read_pages(send: SendRequest, path: str | None, headers: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Give what is at a path, and on the pages that follow."""
    while path is not None:
        answer = send("GET", path, None, headers)
        assert answer.status == 200, (path, answer)
        yield path, answer.body
        document = answer.json if answer.headers["Content-Type"] == "application/json" else {}
        following = document.get("next") if isinstance(document, dict) else None
        path = None if following is None else following.removeprefix(f"http://{HOST}")


def existing_paths(route: Route, root: Snapshot) -> Iterator[str]:
    """Give every path that a route has an answer for."""
    if not route.path_parameters:
        yield route.path
        return
    owner = next(kind for part, kind in OWNERS if part in route.path)
    for record in root.all(owner):
        path = route.path.replace("<pk>", str(record.id))
        if len(route.path_parameters) == 1:
            yield path
            continue
        kind = CHILD_KINDS[route.path_parameters[1]]
        for id_ in root.related(kind, "subject", (root.get_existing(State, record.state).content_type, record.id)):
            yield path.replace(f"<{route.path_parameters[1]}>", str(id_))
