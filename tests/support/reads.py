"""All GET responses of a world on both surfaces. Two worlds are equal if these are equal."""

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
from emulator.core.records import (
    DenialReason,
    Package,
    PackageItem,
    ShippingLabel,
    State,
    TransferOrder,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.state.store import Snapshot

HOST = "oms.test"
OWNERS: tuple[tuple[str, type[Any]], ...] = (
    ("/shipping-label/", ShippingLabel),
    ("/transfer_orders/", TransferOrder),
    ("/hook_events/", WebhookEvent),
    ("/hooks/", Webhook),
    ("/packages/package-items/", PackageItem),
    ("/package-item/", PackageItem),
    ("/package_denial_reason/", DenialReason),
    ("/package-denial-reason/", DenialReason),
    ("/state-transition-logs/", TransitionLog),
    ("", Package),
)
CHILD_KINDS = {"log_id": TransitionLog, "webhook_event_id": WebhookEvent}
JWT_LIFETIME = 10**9
"""In seconds, longer than any test advances a clock."""


class ReceivedResponse(NamedTuple):
    """The response to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


SendRequest = Callable[..., ReceivedResponse]
"""(method, path, body, headers) -> the response."""


def wsgi_sender(oms: WorldHandle) -> SendRequest:
    """Return a function that sends requests in process, with the host of the tests."""
    client = Client(oms._emulator_app)

    def send(
        method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> ReceivedResponse:
        answer = client.open(path, method=method, data=body, headers=headers, base_url=f"http://{HOST}")
        return ReceivedResponse(answer.status_code, dict(answer.headers), answer.data)

    return send


@contextmanager
def http_sender(url: str) -> Iterator[SendRequest]:
    """Yield a function that sends requests over one connection, with the host of the tests. Use it in one thread."""
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
    """Return the Authorization header for each scheme."""
    bearer = {"Authorization": f"Bearer {oms.jwt(expires_in=JWT_LIFETIME)}"}
    return {"Token": {"Authorization": "Token full-access"}, "Bearer": bearer, None: {}}


def read_everything(oms: WorldHandle, send: SendRequest | None = None) -> dict[str, bytes]:
    """Return the responses to all GET requests of a world by path, and its export."""
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
    """Yield the responses at a path and at the pages that follow."""
    while path is not None:
        answer = send("GET", path, None, headers)
        assert answer.status == 200, (path, answer)
        yield path, answer.body
        document = answer.json if answer.headers["Content-Type"] == "application/json" else {}
        following = document.get("next") if isinstance(document, dict) else None
        path = None if following is None else following.removeprefix(f"http://{HOST}")


def existing_paths(route: Route, root: Snapshot) -> Iterator[str]:
    """Yield every path of a route for which a record exists."""
    if not route.path_parameters:
        yield route.path
        return
    if route.operation == "get_event_queue":  # the queue is always empty
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
