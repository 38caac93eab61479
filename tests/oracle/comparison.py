"""The emulator and the oracle side by side, and the parts of their answers that are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.oracle import service
from tests.oracle.differences import DIFFERENCES, Difference, expected_response, without_added_headers
from tests.oracle.wire import FULL_ACCESS, RawRequest, RawResponse, WsgiApp, send_wsgi

CRASH_RESPONSE = RawResponse(500, {}, b"")
LISTS = {
    "packages": "/api/v1/oms/packages/",
    "transfers": "/api/v1/oms/transfer_orders/",
    "ranges": "/api/v1/oms/packages/delivery-ranges/",
}

JWT_LIFETIME = 86_400


@dataclass(frozen=True)
class Comparison:
    """An emulator and an oracle that knows the same ids."""

    emulator: Any
    package: str
    transfer: str
    jwts: Mapping[str, str] = field(default_factory=dict)
    """Role, or `expired` -> bearer token."""
    app: WsgiApp | None = None
    """The way into the emulator; `emulator.app` if it is None."""

    @classmethod
    def with_emulator(cls, emulator: Any) -> Comparison:
        ids = {kind: list_ids(emulator.app, path) for kind, path in LISTS.items()}
        jwts = {role: emulator.jwt(role, expires_in=JWT_LIFETIME) for role in service.ROLES}
        jwts["expired"] = emulator.jwt(expires_in=-1)
        service.DATA = service.Data(**ids, jwts={token: role for role, token in jwts.items()})
        return cls(emulator, str(ids["packages"][7]), str(ids["transfers"][7]), jwts)

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
        target = request.target.replace("{package}", self.package).replace("{transfer}", self.transfer)
        authorization = request.authorization
        for role, token in self.jwts.items() if authorization else ():
            authorization = str(authorization).replace(f"{{{role}}}", token)
        return replace(request, target=target, authorization=authorization)

    def oracle_response(self, request: RawRequest) -> RawResponse:
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


def list_ids(app: WsgiApp, path: str) -> list[int]:
    """Return the ids of all documents. Documents without an id are numbered."""
    documents: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = json.loads(
            send_wsgi(app, RawRequest("ids", f"{path}?limit=100&page={page}", authorization=FULL_ACCESS)).body
        )
        documents += answer["results"]
        if answer["next"] is None:
            return [document.get("id", number) for number, document in enumerate(documents)]
        page += 1
