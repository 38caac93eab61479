"""The emulator and the oracle side by side, and the parts of their answers that are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.oracle import service
from tests.oracle.differences import DIFFERENCES, Difference, expected_answer, without_added_headers
from tests.oracle.wire import FULL, Answer, Ask, Wsgi, ask

CRASH = Answer(500, {}, b"")
LISTS = {
    "packages": "/api/v1/oms/packages/",
    "transfers": "/api/v1/oms/transfer_orders/",
    "ranges": "/api/v1/oms/packages/delivery-ranges/",
}

JWT_LIFETIME = 86_400


@dataclass(frozen=True)
class Sides:
    """An emulator and an oracle that knows the same ids."""

    emulator: Any
    package: str
    transfer: str
    jwts: Mapping[str, str] = field(default_factory=dict)
    """Role, or `expired` -> bearer token."""

    @classmethod
    def of(cls, emulator: Any) -> Sides:
        ids = {kind: ids_of(emulator.app, path) for kind, path in LISTS.items()}
        jwts = {role: emulator.jwt(role, expires_in=JWT_LIFETIME) for role in service.ROLES}
        jwts["expired"] = emulator.jwt(expires_in=-1)
        service.DATA = service.Data(**ids, jwts={token: role for role, token in jwts.items()})
        return cls(emulator, str(ids["packages"][7]), str(ids["transfers"][7]), jwts)

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        self.emulator.clock.advance(seconds=seconds)
        now = service.DATA.now() + seconds
        service.DATA.now = lambda: now

    def addressed(self, request: Ask) -> Ask:
        """Return the request with ids and bearer tokens filled in."""
        target = request.target.replace("{package}", self.package).replace("{transfer}", self.transfer)
        authorization = request.authorization
        for role, token in self.jwts.items() if authorization else ():
            authorization = str(authorization).replace(f"{{{role}}}", token)
        return replace(request, target=target, authorization=authorization)

    def theirs(self, request: Ask) -> Answer:
        try:
            return ask(service.app, self.addressed(request))
        except ValueError:
            return CRASH

    def ours(self, request: Ask) -> Answer:
        return ask(self.emulator.app, self.addressed(request))

    def pair(self, request: Ask, differences: tuple[Difference, ...] = DIFFERENCES) -> tuple[Answer, Answer]:
        """Return the emulator's answer and the answer expected from it, reduced to the compared parts."""
        theirs, ours = (
            expected_answer(request, self.theirs(request), differences),
            without_added_headers(self.ours(request)),
        )
        kind = theirs.headers.pop("X-Stand-In", None)
        if kind is None:
            return ours, theirs
        return comparable_part(kind, ours), comparable_part(kind, theirs)


def comparable_part(kind: str, answer: Answer) -> Answer:
    """Return the parts of an answer that do not depend on its documents."""
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return Answer(answer.status, headers, page_envelope(answer.body) if kind == "page" and answer.body else b"")


def page_envelope(body: bytes) -> bytes:
    page = json.loads(body)
    facts = {key: page.get(key) for key in ("count", "next", "previous")}
    return json.dumps([list(page), facts, len(page.get("results", ()))], indent=1).encode()


def ids_of(app: Wsgi, path: str) -> list[int]:
    """Return the ids of all documents. Documents without an id are numbered."""
    documents: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = json.loads(ask(app, Ask("ids", f"{path}?limit=100&page={page}", authorization=FULL)).body)
        documents += answer["results"]
        if answer["next"] is None:
            return [document.get("id", number) for number, document in enumerate(documents)]
        page += 1
