"""Orders: placed and cancelled."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.web.admin.documents import answered, asked_document, no_document
from emulator.web.admin.here import write


def add_orders(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.post("/orders")
    def make_order() -> Response:
        return answered(write(world(), "control_make_order", asked_document()), 201)

    @pages.post("/orders/<int:id_>/cancel")
    def cancel_order(id_: int) -> Response:
        no_document()
        return answered(write(world(), "control_cancel_order", id=id_))
