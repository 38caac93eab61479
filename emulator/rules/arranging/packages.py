"""Create a package from a partial document, with the records and the history that its state implies."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.jsontext import JsonObject
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
from emulator.rules.planning import distance_rank, has_quota
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
"""Key of a package document that belongs to the order -> key of the order document."""

SHIPPED = ("600", "650", "700", "800")
WAITS_FOR_LABEL = "450"
PACKAGING_CANCELED = "900"


def arrange(tx: Transaction, document: JsonObject) -> Package:
    """Create the package that a document describes. Omitted values get consistent defaults."""
    state = package_state(tx, document.get("state", WAITING))
    order = order_for(tx, document)
    address = tx.one(Address, order.shipping_address)
    location = location_for(tx, document, order, address)
    package = first_package(tx, order, location, state, document)
    fill(tx, package, document.get("items", 1), code_of(tx, address.country))
    if state.enum_value == WAITING_FOR_TRANSFER:
        bring(tx, package)
    package = travel(tx, package, state)
    settle(tx, package, state.enum_value, document)
    tx.queue("package.created", package)
    return tx.change(tx.one(Package, package.id), **columns(document, PACKAGE_COLUMNS))


def order_for(tx: Transaction, document: JsonObject) -> Order:
    """Return the order that the document names, or create one."""
    order_document = {ORDER_KEYS[key]: value for key, value in document.items() if key in ORDER_KEYS}
    orders = tx.find(Order, "number", order_document.get("number", ""))
    if not orders:
        return new_order(tx, order_document)
    if others := [key for key in ORDER_KEYS if key in document and key != "order_number"]:
        raise Conflict(f"order {orders[0].number} already exists, so {', '.join(others)} cannot be set")
    return orders[0]


def location_for(view: View, document: JsonObject, order: Order, address: Address) -> StockLocation:
    """Return the location that the document names, the pickup location, or the nearest location with quota."""
    if "stock_location" in document:
        return named(view, StockLocation, document["stock_location"], "stock location", "erp_code")
    if (pickup := planner.pickup_of(view, order, address)) is not None:
        return pickup

    locations = planner.senders(view)
    if not locations:
        raise Conflict("no active location that packs")
    return min(locations, key=lambda each: (not has_quota(view, each), *distance_rank(view, each, address)))


def first_package(
    tx: Transaction, order: Order, location: StockLocation, state: State, document: JsonObject
) -> Package:
    """Create the package in its initial state: waiting, or its final state if no path leads there from waiting."""
    number = document.get("number")
    if number is not None and tx.related(Package, "number", number):
        raise Conflict(f"package {number} already exists")
    waiting = next((each for each in tx.find(State, "value", (PACKAGE, state.content_type, WAITING))), None)
    starts_waiting = waiting is not None and way(tx, waiting.id, state.id)
    overrides = columns(document, ("number",)) | {"delivery_range": range_for(tx, document.get("delivery_range"))}
    return new_package(tx, order, location, WAITING if starts_waiting else state.enum_value, overrides)


def range_for(view: View, id_: int | None) -> int | None:
    return None if id_ is None else named(view, DeliveryRange, id_, "delivery range", "id").id


def fill(tx: Transaction, package: Package, items: int | list[JsonObject], country: str) -> None:
    """Add items to the package: those listed, or a number of single pieces."""
    order = tx.one(Order, package.order)
    if isinstance(items, int):
        lines = chosen(tx, items, package.stock_location, order.id)
    else:
        lines = lines_of(tx, items, ITEM_COLUMNS)
    for line in lines:
        for order_item in order_items(tx, order, line, country):
            new_item(tx, package, order_item, overrides=columns(line.columns, ITEM_COLUMNS))


def bring(tx: Transaction, package: Package) -> None:
    """Transfer all items of the package from the nearest other location."""
    destination = tx.one(StockLocation, package.stock_location)
    others = [location for location in planner.senders(tx) if location.id != destination.id]
    if not others:
        raise Conflict("no other active location that packs, so nothing can be transferred")
    source = min(
        others, key=lambda location: (planner.between(tx, location, destination), location.priority, location.id)
    )
    end_reservations(tx, package, give_back=True)
    items = tx.find(PackageItem, "package", package.id)
    for item in items:
        reserve(tx, package, item, source.id)
    new_transfer(tx, package, source, items)


def travel(tx: Transaction, package: Package, state: State) -> Package:
    """Move the package along the graph to its state, with a log entry for each transition."""
    for transition in way(tx, package.state, state.id):
        package = move(package, Step(tx, transition))
    follow(tx, package)
    return package


def settle(tx: Transaction, package: Package, value: str, document: JsonObject) -> None:
    """Apply the effects of the package's state on stock, order items, shipment and label."""
    settle_claims(tx, package)
    if value == PACKAGING_CANCELED:
        set_order_items(tx, package, CANCELED)
    if value in LEFT:
        set_order_items(tx, package, ORDER_PREPARING)
    if value in SHIPPED:
        tx.change(package, shipment_date=tx.now)
    shipment_document = document.get("shipment", {} if value in LEFT else None)
    if shipment_document is not None:
        give_shipment(tx, package, shipment_document, document.get("tracking_number"))
        if value != WAITS_FOR_LABEL:
            new_label(tx, package)


def give_shipment(tx: Transaction, package: Package, document: JsonObject, tracking_number: str | None) -> None:
    """Create the package's shipment with the given or default carrier and number."""
    name_or_id = document.get("cargo_company")
    carrier = first_carrier(tx) if name_or_id is None else named(tx, CargoCompany, name_or_id, "cargo company")
    shipment: Shipment = ship(tx, carrier, package, document.get("awb_number") or tracking_number)
    shipment = tx.change(shipment, **columns(document, SHIPMENT_COLUMNS))
    tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)
