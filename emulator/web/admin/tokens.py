"""POST /__admin/tokens: credentials for either surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Blueprint, jsonify, request

from emulator.core import jwts
from emulator.core.credentials import CREDENTIALS
from emulator.core.world import World

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

KINDS = ("token", "jwt")
KEYS = ("role", "kind", "expires_in")
LIFETIME = 3600


class Refused(ValueError):
    """What was asked for cannot be given; `known` would have been right."""

    def __init__(self, message: str, known: tuple[str, ...]) -> None:
        self.known = known
        super().__init__(message)


def add_tokens(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.post("/tokens")
    def make_token() -> ResponseReturnValue:
        try:
            return jsonify(made(asked(request.get_data()), world())), 201
        except Refused as error:
            return jsonify(error=str(error), known=error.known), 400


def asked(body: bytes) -> dict[str, Any]:
    """Give what the body asks for; `Refused` for all that is not `{role, kind, expires_in?}`."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"the body is not JSON: {error}", KEYS) from None
    if not isinstance(document, dict):
        raise Refused("the body must be an object", KEYS)
    if unknown := sorted(document.keys() - set(KEYS)):
        raise Refused(f"unknown: {', '.join(unknown)}", KEYS)
    one_of("role", document, tuple(CREDENTIALS))
    one_of("kind", document, KINDS)
    return document


def one_of(key: str, document: dict[str, Any], known: tuple[str, ...]) -> None:
    if document.get(key) not in known:
        raise Refused(f"{key} is {document.get(key)!r}" if key in document else f"{key} is missing", known)


def made(document: dict[str, Any], world: World) -> dict[str, Any]:
    """Give the credential; a jwt expires by the world's clock, a token never does."""
    role, kind = document["role"], document["kind"]
    if kind == "token":
        if "expires_in" in document:
            raise Refused("a token does not expire; expires_in is for a jwt", ("role", "kind"))
        return {"token": role, "kind": kind, "role": role, "expires_at": None}
    seconds = document.get("expires_in", LIFETIME)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Refused(f"expires_in is {seconds!r}, must be a number of seconds", KEYS)
    try:
        issued = jwts.issue(role, world.clock.now(), seconds)
    except ValueError as error:
        raise Refused(str(error), KEYS) from None
    expires_at = issued.expires_at.isoformat().replace("+00:00", "Z")
    return {"token": issued.token, "kind": kind, "role": role, "expires_at": expires_at}
