"""Control API: create orders, packages and stock locations, set stock, report carrier events."""

from __future__ import annotations

from flask import Blueprint, Response

from emulator.web.admin.shared import CurrentWorld, json_response, read_document, require_no_document, run_write


def add_arranging(api: Blueprint, current: CurrentWorld) -> None:
    add_orders(api, current)
    add_packages(api, current)
    add_stock(api, current)


def add_orders(api: Blueprint, current: CurrentWorld) -> None:
    @api.post("/orders")
    def make_order() -> Response:
        return json_response(run_write(current.world(), "control_make_order", read_document()), 201)

    @api.post("/orders/<int:id_>/cancel")
    def cancel_order(id_: int) -> Response:
        require_no_document()
        return json_response(run_write(current.world(), "control_cancel_order", id=id_))


def add_packages(api: Blueprint, current: CurrentWorld) -> None:
    @api.post("/packages")
    def make_package() -> Response:
        return json_response(run_write(current.world(), "control_make_package", read_document()), 201)

    @api.post("/packages/<int:pk>/carrier")
    def report_carrier(pk: int) -> Response:
        return json_response(run_write(current.world(), "control_report_carrier", read_document(), pk=pk))

    @api.post("/packages/<int:pk>/cancel")
    def cancel_package(pk: int) -> Response:
        require_no_document()
        return json_response(run_write(current.world(), "control_cancel_package", pk=pk))


def add_stock(api: Blueprint, current: CurrentWorld) -> None:
    @api.put("/stock/<int:location>/<path:sku>")
    def put_stock(location: int, sku: str) -> Response:
        stock = run_write(current.world(), "control_put_stock", read_document(), location_id=location, sku=sku)
        return json_response(stock)

    @api.post("/stock_locations")
    def make_stock_location() -> Response:
        return json_response(run_write(current.world(), "control_make_stock_location", read_document()), 201)

    @api.patch("/stock_locations/<int:id_>")
    def change_stock_location(id_: int) -> Response:
        return json_response(run_write(current.world(), "control_change_stock_location", read_document(), id=id_))
