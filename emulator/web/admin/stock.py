"""Stock, and the locations where it lies."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.web.admin.documents import answered, asked_document
from emulator.web.admin.here import write


def add_stock(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.put("/stock/<int:location>/<path:sku>")
    def put_stock(location: int, sku: str) -> Response:
        return answered(write(world(), "control_put_stock", asked_document(), location_id=location, sku=sku))

    @pages.post("/stock_locations")
    def make_stock_location() -> Response:
        return answered(write(world(), "control_make_stock_location", asked_document()), 201)

    @pages.patch("/stock_locations/<int:id_>")
    def change_stock_location(id_: int) -> Response:
        return answered(write(world(), "control_change_stock_location", asked_document(), id=id_))
