"""Deliveries to hooks: what was sent, sending what is due, and disturbing what comes."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.handlers.deliveries import add_delivery_fault, delivery_document
from emulator.web.admin.documents import answered, asked_document, asked_parameters, no_document, nothing, whole


def add_hooks(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/hooks/deliveries")
    def deliveries() -> Response:
        limit = asked_parameters("limit").get("limit")
        log = list(world().outbox.log)
        latest = log if limit is None else log[max(len(log) - whole("limit", limit), 0) :]
        return answered({"count": len(log), "results": [delivery_document(delivery) for delivery in latest]})

    @pages.post("/hooks/flush")
    def flush_hooks() -> Response:
        no_document()
        return answered(world().outbox.flush()._asdict())

    @pages.get("/hooks/disturbances")
    def disturbances() -> Response:
        armed = [each._asdict() for each in world().outbox.faults]
        return answered({"count": len(armed), "results": armed})

    @pages.post("/hooks/disturbances")
    def disturb_deliveries() -> Response:
        return answered(add_delivery_fault(world(), asked_document())._asdict(), 201)

    @pages.delete("/hooks/disturbances")
    def leave_deliveries_alone() -> Response:
        world().outbox.clear_faults()
        return nothing()
