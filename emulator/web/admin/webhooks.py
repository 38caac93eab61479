"""Control API: list webhook deliveries, send due ones, and inject delivery faults."""

from __future__ import annotations

from flask import Blueprint, Response

from emulator.handlers.deliveries import add_delivery_fault, delivery_document
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
        log = list(current.world().outbox.log)
        latest = log if limit is None else log[max(len(log) - parse_int("limit", limit), 0) :]
        return json_response({"count": len(log), "results": [delivery_document(delivery) for delivery in latest]})

    @api.post("/hooks/flush")
    def flush_hooks() -> Response:
        require_no_document()
        return json_response(current.world().outbox.flush()._asdict())

    @api.get("/hooks/disturbances")
    def delivery_faults() -> Response:
        armed = [each._asdict() for each in current.world().outbox.faults]
        return json_response({"count": len(armed), "results": armed})

    @api.post("/hooks/disturbances")
    def add_fault() -> Response:
        return json_response(add_delivery_fault(current.world(), read_document())._asdict(), 201)

    @api.delete("/hooks/disturbances")
    def remove_delivery_faults() -> Response:
        current.world().outbox.clear_faults()
        return no_content()
