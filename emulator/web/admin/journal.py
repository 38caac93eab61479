"""The journal: what was asked and answered, newest first, with secrets masked."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.refusals import UnknownRecord
from emulator.core.world import World
from emulator.handlers.journal import brief_document, exchange_document, found
from emulator.web.admin.documents import answered, asked_parameters, nothing, whole, yes_or_no

PARAMETERS = ("operation", "method", "status", "path", "limit", "brief")
USUAL_LIMIT = 100


def add_journal(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/requests")
    def requests() -> Response:
        asked = asked_parameters(*PARAMETERS)
        status = whole("status", asked["status"]) if "status" in asked else None
        limit = whole("limit", asked["limit"]) if "limit" in asked else USUAL_LIMIT
        wanted = (asked.get("operation"), asked.get("method"), status, asked.get("path"))
        told = brief_document if yes_or_no("brief", asked.get("brief", "false")) else exchange_document
        kept = list(found(world().journal, *wanted))
        return answered({"count": len(kept), "results": [told(one) for one in kept[:limit]]})

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
