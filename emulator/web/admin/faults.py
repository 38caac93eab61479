"""Control API: arm, list and disarm faults."""

from __future__ import annotations

from flask import Blueprint, Response

from emulator.faulting import arm_asked, disarm, disarm_all
from emulator.rules.arming import fault_document
from emulator.web.admin.shared import CurrentWorld, json_response, no_content, read_document


def add_faults(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/faults")
    def faults() -> Response:
        armed = [fault_document(fault) for fault in current.world().faults.copy().armed]
        return json_response({"count": len(armed), "results": armed})

    @api.post("/faults")
    def arm_fault() -> Response:
        world = current.world()
        return json_response(fault_document(arm_asked(world, read_document())), 201)

    @api.delete("/faults")
    def disarm_faults() -> Response:
        disarm_all(current.world())
        return no_content()

    @api.delete("/faults/<int:id>")
    def disarm_fault(id: int) -> Response:  # noqa: A002 - the name in the path
        disarm(current.world(), id)
        return no_content()
