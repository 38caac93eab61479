"""Control API: create credentials for both surfaces."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Blueprint, Response

from emulator.core import jwts
from emulator.core.credentials import CREDENTIALS
from emulator.core.refusals import InvalidDocument
from emulator.core.world import World
from emulator.web.admin.shared import CurrentWorld, json_response, read_document

KINDS = ("token", "jwt")
KEYS = ("role", "kind", "expires_in")
DEFAULT_LIFETIME = 3600


def add_tokens(api: Blueprint, current: CurrentWorld) -> None:
    @api.post("/tokens")
    def make_token() -> Response:
        return json_response(create_token(checked_request(read_document()), current.world()), 201)


def checked_request(document: Any) -> dict[str, Any]:
    """Validate a document of the form `{role, kind, expires_in?}`."""
    if not isinstance(document, dict):
        raise InvalidDocument("the body must be an object", KEYS)
    if unknown := sorted(document.keys() - set(KEYS)):
        raise InvalidDocument(f"unknown keys: {', '.join(unknown)}", KEYS)
    check_one_of("role", document, CREDENTIALS)
    check_one_of("kind", document, KINDS)
    return document


def check_one_of(key: str, document: dict[str, Any], known: Collection[str]) -> None:
    value = document.get(key)
    if not isinstance(value, str) or value not in known:
        problem = f"unknown {key} {value!r}" if key in document else f"{key} is missing"
        raise InvalidDocument(problem, known)


def create_token(document: dict[str, Any], world: World) -> dict[str, Any]:
    """Return a credential. A jwt expires by the clock of the world, a token does not expire."""
    role, kind = document["role"], document["kind"]
    if kind == "token":
        if "expires_in" in document:
            raise InvalidDocument("a token does not expire; expires_in requires the kind jwt", ("role", "kind"))
        return {"token": role, "kind": kind, "role": role, "expires_at": None}
    seconds = document.get("expires_in", DEFAULT_LIFETIME)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidDocument(f"expires_in must be a number of seconds (got {seconds!r})", KEYS)
    try:
        issued = jwts.issue(role, world.clock.now(), seconds)
    except ValueError as error:
        raise InvalidDocument(str(error), KEYS) from None
    expires_at = issued.expires_at.isoformat().replace("+00:00", "Z")
    return {"token": issued.token, "kind": kind, "role": role, "expires_at": expires_at}
