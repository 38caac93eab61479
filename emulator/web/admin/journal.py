"""The journal: what was asked and answered, newest first, with secrets masked."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from emulator.core.refusals import InvalidDocument, UnknownRecord
from emulator.core.world import World
from emulator.handlers.journal import exchange_document, found
from emulator.web.admin.documents import answered, nothing

PARAMETERS = ("operation", "method", "status", "path", "limit")
USUAL_LIMIT = 100


def add_journal(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/requests")
    def requests() -> Response:
        asked = dict(request.args.items())
        if strangers := [name for name in asked if name not in PARAMETERS]:
            raise InvalidDocument(f"unknown parameter {strangers[0]!r}", PARAMETERS)
        status = whole("status", asked["status"]) if "status" in asked else None
        limit = whole("limit", asked["limit"]) if "limit" in asked else USUAL_LIMIT
        wanted = (asked.get("operation"), asked.get("method"), status, asked.get("path"))
        kept = list(found(world().journal, *wanted))
        return answered({"count": len(kept), "results": [exchange_document(one) for one in kept[:limit]]})

    @pages.get("/requests/<request_id>")
    def one_request(request_id: str) -> Response:
        exchange = world().journal.get(request_id)
        if exchange is None:
            raise UnknownRecord(
                f"no request {request_id!r} is in the journal; it keeps the latest {world().journal.limit}"
            )
        return answered(exchange_document(exchange))

    @pages.delete("/requests")
    def forget() -> Response:
        world().journal.clear()
        return nothing()


def whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidDocument(f"{name} is {text!r}, must be a whole number")
    return int(text[:18])
