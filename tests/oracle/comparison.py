"""The emulator and the oracle side by side, and the parts of their answers that are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from emulator.core.records import Webhook, WebhookEvent
from emulator.state.world import World
from tests.oracle import service
from tests.oracle.differences import DIFFERENCES, Difference, expected_response, without_added_headers
from tests.oracle.wire import FULL_ACCESS, RawRequest, RawResponse, WsgiApp, send_wsgi
from tests.oracle_hooks.pair import load_hooks

CRASH_RESPONSE = RawResponse(500, {}, b"")
LISTS = {
    "packages": "/api/v1/oms/packages/",
    "transfers": "/api/v1/oms/transfer_orders/",
    "ranges": "/api/v1/oms/packages/delivery-ranges/",
    "reasons": "/api/v1/oms/packages/package_denial_reason/",
    "items": "/api/v1/oms/packages/package-items/",
    "locations": "/api/v1/oms/stocklocations/list-simple/",
    "logs": "/api/v1/oms/state-transition-logs/",
}
PLACEHOLDERS = {"package": "packages", "transfer": "transfers", "reason": "reasons", "item": "items", "log": "logs"}
"""Placeholder in a target -> the list whose eighth record it names, or the last one of a shorter list."""

JWT_LIFETIME = 86_400


@dataclass(frozen=True)
class Comparison:
    """An emulator and an oracle that knows the same ids."""

    emulator: Any
    ids: Mapping[str, str]
    """Placeholder -> id."""
    jwts: Mapping[str, str] = field(default_factory=dict)
    """Role, or `expired` -> bearer token."""
    app: WsgiApp | None = None
    """The way into the emulator; `emulator.app` if it is None."""

    @classmethod
    def with_emulator(cls, emulator: Any) -> Comparison:
        jwts = {role: emulator.jwt(role, expires_in=JWT_LIFETIME) for role in service.ROLES}
        jwts["expired"] = emulator.jwt(expires_in=-1)
        credentials = {"logs": f"Bearer {jwts['full-access']}"}
        ids = {kind: list_ids(emulator.app, path, credentials.get(kind, FULL_ACCESS)) for kind, path in LISTS.items()}
        service.DATA = service.Data(**ids, jwts={token: role for role, token in jwts.items()})
        return cls(emulator, placeholder_ids(ids) | hook_ids(emulator.world), jwts)

    def through_flask(self) -> Comparison:
        """Return the same comparison with Flask's routing instead of the short way."""
        return replace(self, app=self.emulator.app.serve_through_flask)

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        self.emulator.clock.advance(seconds=seconds)
        now = service.DATA.now() + seconds
        service.DATA.now = lambda: now

    def fill_placeholders(self, request: RawRequest) -> RawRequest:
        """Return the request with ids and bearer tokens filled in."""
        target = request.target
        for name, id_ in self.ids.items() if "{" in target else ():
            target = target.replace(f"{{{name}}}", id_)
        authorization = request.authorization
        for role, token in self.jwts.items() if authorization else ():
            authorization = str(authorization).replace(f"{{{role}}}", token)
        return replace(request, target=target, authorization=authorization)

    def oracle_response(self, request: RawRequest) -> RawResponse:
        if "/whisperer/" in request.target:
            load_hooks(self.emulator.world)
        try:
            return send_wsgi(service.app, self.fill_placeholders(request))
        except ValueError:
            return CRASH_RESPONSE

    def emulator_response(self, request: RawRequest) -> RawResponse:
        return send_wsgi(self.app or self.emulator.app, self.fill_placeholders(request))

    def response_pair(
        self, request: RawRequest, differences: tuple[Difference, ...] = DIFFERENCES
    ) -> tuple[RawResponse, RawResponse]:
        """Return the emulator's answer and the answer expected from it, reduced to the compared parts."""
        expected, actual = (
            expected_response(request, self.oracle_response(request), differences),
            without_added_headers(self.emulator_response(request)),
        )
        kind = expected.headers.pop("X-Stand-In", None)
        if kind is None:
            return actual, expected
        return comparable_part(kind, actual), comparable_part(kind, expected)


def comparable_part(kind: str, answer: RawResponse) -> RawResponse:
    """Return the parts of an answer that do not depend on its documents."""
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return RawResponse(answer.status, headers, page_envelope(answer.body) if kind == "page" and answer.body else b"")


def page_envelope(body: bytes) -> bytes:
    page = json.loads(body)
    facts = {key: page.get(key) for key in ("count", "next", "previous")}
    return json.dumps([list(page), facts, len(page.get("results", ()))], indent=1).encode()


def placeholder_ids(ids: Mapping[str, list[int]]) -> dict[str, str]:
    return {name: str(ids[kind][:8][-1]) for name, kind in PLACEHOLDERS.items()}


def hook_ids(world: World) -> dict[str, str]:
    """Return the ids of a hook and of an event."""
    return {"hook": str(world.records.ids(Webhook)[0]), "event": str(world.records.ids(WebhookEvent)[0])}


def list_ids(app: WsgiApp, path: str, authorization: str = FULL_ACCESS) -> list[int]:
    """Return the ids of all documents. Documents without an id are numbered."""
    documents: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = json.loads(
            send_wsgi(app, RawRequest("ids", f"{path}?limit=100&page={page}", authorization=authorization)).body
        )
        documents += answer["results"]
        if answer["next"] is None:
            return [document.get("id", number) for number, document in enumerate(documents)]
        page += 1
