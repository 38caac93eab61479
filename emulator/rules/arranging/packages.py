"""A package as a test or a demonstration wants it: a partial document becomes a package that could have come so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.records import (
    Address,
    CargoCompany,
    DeliveryRange,
    Order,
    Package,
    PackageItem,
    Shipment,
    State,
    StockLocation,
)
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction, View
from emulator.rules.arranging import planner
from emulator.rules.arranging.geography import code_of
from emulator.rules.arranging.lines import chosen, lines_of, order_items
from emulator.rules.arranging.making import new_item, new_package, new_transfer
from emulator.rules.arranging.orders import new_order
from emulator.rules.arranging.states import (
    CANCELED,
    PACKAGE,
    WAITING,
    WAITING_FOR_TRANSFER,
    package_state,
    way,
)
from emulator.rules.arranging.values import columns, named
from emulator.rules.commands.packages import ORDER_PREPARING
from emulator.rules.commands.steps import Step, first_carrier, follow, move, new_label, set_order_items, ship
from emulator.rules.planning import distance, has_quota
from emulator.rules.stock import LEFT, end_reservations, reserve
from emulator.rules.stock import settle as settle_claims

PACKAGE_COLUMNS = (
    "number",
    "tracking_number",
    "target_packing_date",
    "invoice_number",
    "invoice_url",
    "remote_id",
    "shipment_date",
    "created_date",
    "modified_date",
    "extra_information",
)
ITEM_COLUMNS = ("selected_barcode", "serial_no", "unit_weight", "discrepancy_reason", "denial_reason")
SHIPMENT_COLUMNS = ("awb_number", "query_number", "pay_on_delivery_amount", "estimated_delivery_date")
ORDER_KEYS: Mapping[str, str] = {
    "order_number": "number",
    "date_placed": "date_placed",
    "channel_name": "channel",
    "payment_type": "payment_type",
    "shipping_address": "shipping_address",
    "customer": "customer",
    "order_gift_box_note": "gift_box_note",
    "order_has_gift_box": "has_gift_box",
    "order_retail_store_id": "retail_store_id",
    "is_click_and_collect": "is_click_and_collect",
    "order_notes": "notes",
    "delivery_type": "delivery_type",
    "omnitron_order_id": "omnitron_id",
}
"""Keys of a package's document that its order has -> the order's own names of them."""

SHIPPED = ("600", "650", "700", "800")
WAITS_FOR_LABEL = "450"
PACKAGING_CANCELED = "900"


def arrange(tx: Transaction, asked: Mapping[str, Any]) -> Package:
    """Make the package that a document describes; what it leaves open is made to fit."""
    state = package_state(tx, asked.get("state", WAITING))
    order = order_for(tx, asked)
    address = tx.one(Address, order.shipping_address)
    location = location_for(tx, asked, order, address)
    package = first_package(tx, order, location, state, asked)
    fill(tx, package, asked.get("items", 1), code_of(tx, address.country))
    if state.enum_value == WAITING_FOR_TRANSFER:
        bring(tx, package)
    package = travel(tx, package, state)
    settle(tx, package, state.enum_value, asked)
    tx.queue("package.created", package)
    return tx.change(tx.one(Package, package.id), **columns(asked, PACKAGE_COLUMNS))


def order_for(tx: Transaction, asked: Mapping[str, Any]) -> Order:
    """Give the order that the document names, or make one."""
    given = {ORDER_KEYS[key]: value for key, value in asked.items() if key in ORDER_KEYS}
    found = tx.find(Order, "number", given.get("number", ""))
    if not found:
        return new_order(tx, given)
    if others := [key for key in ORDER_KEYS if key in asked and key != "order_number"]:
        raise Conflict(f"order {found[0].number} already exists, so {', '.join(others)} cannot be set")
    return found[0]


def location_for(view: View, asked: Mapping[str, Any], order: Order, address: Address) -> StockLocation:
    """Give the location that the document names, where the customer fetches it, or the nearest with quota."""
    if "stock_location" in asked:
        return named(view, StockLocation, asked["stock_location"], "stock location", "erp_code")
    if (pickup := planner.pickup_of(view, order, address)) is not None:
        return pickup

    def rank(place: StockLocation) -> tuple[bool, float, int, int]:
        far = distance(view, place, address)
        return (not has_quota(view, place), planner.FAR_AWAY if far is None else far, place.priority, place.id)

    able = planner.senders(view)
    if not able:
        raise Conflict("no active location that packs")
    return min(able, key=rank)


def first_package(
    tx: Transaction, order: Order, location: StockLocation, state: State, asked: Mapping[str, Any]
) -> Package:
    """Make the package as it began: waiting, if there is a way from there to its state."""
    number = asked.get("number")
    if number is not None and tx.related(Package, "number", number):
        raise Conflict(f"package {number} already exists")
    waiting = next((each for each in tx.find(State, "value", (PACKAGE, state.content_type, WAITING))), None)
    begins = waiting is not None and way(tx, waiting.id, state.id)
    given = columns(asked, ("number",)) | {"delivery_range": range_for(tx, asked.get("delivery_range"))}
    return new_package(tx, order, location, WAITING if begins else state.enum_value, given)


def range_for(view: View, asked: int | None) -> int | None:
    return None if asked is None else named(view, DeliveryRange, asked, "delivery range", "id").id


def fill(tx: Transaction, package: Package, asked: int | list[Mapping[str, Any]], country: str) -> None:
    """Put so many items, or those that are listed, into the package."""
    order = tx.one(Order, package.order)
    if isinstance(asked, int):
        lines = chosen(tx, asked, package.stock_location, order.id)
    else:
        lines = lines_of(tx, asked, ITEM_COLUMNS)
    for line in lines:
        for bought in order_items(tx, order, line, country):
            new_item(tx, package, bought, given=columns(line.columns, ITEM_COLUMNS))


def bring(tx: Transaction, package: Package) -> None:
    """Let all items of a package come from the nearest other location, so that it has something to wait for."""
    here = tx.one(StockLocation, package.stock_location)
    others = [place for place in planner.senders(tx) if place.id != here.id]
    if not others:
        raise Conflict("no other active location that packs, so nothing can be transferred")
    source = min(others, key=lambda place: (planner.between(tx, place, here), place.priority, place.id))
    end_reservations(tx, package, give_back=True)
    items = tx.find(PackageItem, "package", package.id)
    for item in items:
        reserve(tx, package, item, source.id)
    new_transfer(tx, package, source, items)


def travel(tx: Transaction, package: Package, state: State) -> Package:
    """Bring the package along the graph to its state, with an entry in its log for each step."""
    for transition in way(tx, package.state, state.id):
        package = move(package, Step(tx, transition))
    follow(tx, package)
    return package


def settle(tx: Transaction, package: Package, value: str, asked: Mapping[str, Any]) -> None:
    """Give the package all that its state implies: stock, order items, shipment, label."""
    settle_claims(tx, package)
    if value == PACKAGING_CANCELED:
        set_order_items(tx, package, CANCELED)
    if value in LEFT:
        set_order_items(tx, package, ORDER_PREPARING)
    if value in SHIPPED:
        tx.change(package, shipment_date=tx.now)
    with_shipment = asked.get("shipment", {} if value in LEFT else None)
    if with_shipment is not None:
        give_shipment(tx, package, with_shipment, asked.get("tracking_number"))
        if value != WAITS_FOR_LABEL:
            new_label(tx, package)


def give_shipment(tx: Transaction, package: Package, asked: Mapping[str, Any], tracking: str | None) -> None:
    """Make the package's shipment: of the carrier that is named, under the number that is given."""
    company = asked.get("cargo_company")
    carrier = first_carrier(tx) if company is None else named(tx, CargoCompany, company, "cargo company")
    shipment: Shipment = ship(tx, carrier, package, asked.get("awb_number") or tracking)
    shipment = tx.change(shipment, **columns(asked, SHIPMENT_COLUMNS))
    tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)
