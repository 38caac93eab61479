"""Faults: armed, listed with how often each was met, disarmed."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.faulting import arm_asked, disarm, disarm_all
from emulator.rules.arming import fault_document
from emulator.web.admin.documents import answered, asked_document, nothing


def add_faults(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/faults")
    def faults() -> Response:
        armed = [fault_document(fault) for fault in world().faults.copy().armed]
        return answered({"count": len(armed), "results": armed})

    @pages.post("/faults")
    def arm_fault() -> Response:
        present = world()
        return answered(fault_document(arm_asked(present, asked_document())), 201)

    @pages.delete("/faults")
    def disarm_faults() -> Response:
        disarm_all(world())
        return nothing()

    @pages.delete("/faults/<int:id>")
    def disarm_fault(id: int) -> Response:  # noqa: A002 - the name in the path
        disarm(world(), id)
        return nothing()
