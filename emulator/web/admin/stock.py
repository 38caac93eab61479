"""Stock, and the locations where it lies."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.handlers import control
from emulator.web.admin.documents import answered, asked_document


def add_stock(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.put("/stock/<int:location>/<path:sku>")
    def put_stock(location: int, sku: str) -> Response:
        return answered(control.put_stock(world(), location, sku, asked_document()))

    @pages.post("/stock_locations")
    def make_stock_location() -> Response:
        return answered(control.make_stock_location(world(), asked_document()), 201)

    @pages.patch("/stock_locations/<int:id_>")
    def change_stock_location(id_: int) -> Response:
        return answered(control.change_stock_location(world(), id_, asked_document()))
