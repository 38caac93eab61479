"""Control API: list webhook deliveries, send due ones, and inject delivery faults."""

from __future__ import annotations

from flask import Blueprint, Response

from emulator.handlers.deliveries import delivery_document, disturb, flush
from emulator.web.admin.shared import (
    CurrentWorld,
    json_response,
    no_content,
    parse_int,
    query_parameters,
    read_document,
    require_no_document,
)


def add_webhooks(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/hooks/deliveries")
    def deliveries() -> Response:
        limit = query_parameters("limit").get("limit")
        log = list(current.world().mailbox.log)
        latest = log if limit is None else log[max(len(log) - parse_int("limit", limit), 0) :]
        return json_response({"count": len(log), "results": [delivery_document(delivery) for delivery in latest]})

    @api.post("/hooks/flush")
    def flush_hooks() -> Response:
        require_no_document()
        return json_response(flush(current.world())._asdict())

    @api.get("/hooks/disturbances")
    def delivery_faults() -> Response:
        armed = [each._asdict() for each in current.world().mailbox.disturbances]
        return json_response({"count": len(armed), "results": armed})

    @api.post("/hooks/disturbances")
    def add_delivery_fault() -> Response:
        return json_response(disturb(current.world(), read_document())._asdict(), 201)

    @api.delete("/hooks/disturbances")
    def remove_delivery_faults() -> Response:
        current.world().mailbox.disturbances.clear()
        return no_content()
