"""Credentials for either surface."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import Blueprint, Response

from emulator.core import jwts
from emulator.core.credentials import CREDENTIALS
from emulator.core.refusals import InvalidDocument
from emulator.core.world import World
from emulator.web.admin.documents import answered, asked_document

KINDS = ("token", "jwt")
KEYS = ("role", "kind", "expires_in")
LIFETIME = 3600


def add_tokens(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.post("/tokens")
    def make_token() -> Response:
        return answered(made(checked(asked_document()), world()), 201)


def checked(document: Any) -> dict[str, Any]:
    """Give the document if it is `{role, kind, expires_in?}`."""
    if not isinstance(document, dict):
        raise InvalidDocument("the body must be an object", KEYS)
    if unknown := sorted(document.keys() - set(KEYS)):
        raise InvalidDocument(f"unknown: {', '.join(unknown)}", KEYS)
    one_of("role", document, CREDENTIALS)
    one_of("kind", document, KINDS)
    return document


def one_of(key: str, document: dict[str, Any], known: Collection[str]) -> None:
    value = document.get(key)
    if not isinstance(value, str) or value not in known:
        raise InvalidDocument(f"{key} is {value!r}" if key in document else f"{key} is missing", known)


def made(document: dict[str, Any], world: World) -> dict[str, Any]:
    """Give the credential; a jwt expires by the world's clock, a token never does."""
    role, kind = document["role"], document["kind"]
    if kind == "token":
        if "expires_in" in document:
            raise InvalidDocument("a token does not expire; expires_in is for a jwt", ("role", "kind"))
        return {"token": role, "kind": kind, "role": role, "expires_at": None}
    seconds = document.get("expires_in", LIFETIME)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidDocument(f"expires_in is {seconds!r}, must be a number of seconds", KEYS)
    try:
        issued = jwts.issue(role, world.clock.now(), seconds)
    except ValueError as error:
        raise InvalidDocument(str(error), KEYS) from None
    expires_at = issued.expires_at.isoformat().replace("+00:00", "Z")
    return {"token": issued.token, "kind": kind, "role": role, "expires_at": expires_at}
