"""Create a package from a partial document, with the records and the history that its state implies."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.errors import Conflict
from emulator.core.json_text import JsonObject
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
from emulator.domain.arranging import planner
from emulator.domain.arranging.documents import (
    CANCELED,
    PACKAGE_STATUS,
    WAITING,
    WAITING_FOR_TRANSFER,
    find_record,
    resolve_package_state,
    shortest_path,
    to_columns,
)
from emulator.domain.arranging.locations import country_code
from emulator.domain.arranging.orders import choose_lines, create_order, create_order_items, parse_lines
from emulator.domain.arranging.planner import create_package, create_package_item, create_transfer_order
from emulator.domain.commands.packages import ORDER_PREPARING
from emulator.domain.commands.steps import (
    CommandStep,
    apply_transition,
    create_label,
    create_shipment,
    default_carrier,
    move_items,
    set_order_item_states,
)
from emulator.domain.planning import PACKED_VALUES, distance_rank, end_reservations, has_quota, reserve_item
from emulator.domain.planning import release_reservations_if_ended as settle_claims
from emulator.state.store import Reader, Transaction

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

SHIPPED_VALUES = ("600", "650", "700", "800")
WAITING_FOR_LABEL = "450"
CANCELLED_VALUE = "900"


def arrange_package(tx: Transaction, document: JsonObject) -> Package:
    """Create the package that a document describes. Omitted values get consistent defaults."""
    state = resolve_package_state(tx, document.get("state", WAITING))
    order = find_or_create_order(tx, document)
    address = tx.get_existing(Address, order.shipping_address)
    location = resolve_stock_location(tx, document, order, address)
    package = create_initial_package(tx, order, location, state, document)
    add_items(tx, package, document.get("items", 1), country_code(tx, address.country))
    if state.enum_value == WAITING_FOR_TRANSFER:
        transfer_all_items(tx, package)
    package = move_to_state(tx, package, state)
    apply_state_effects(tx, package, state.enum_value, document)
    tx.queue_event("package.created", package)
    return tx.change(tx.get_existing(Package, package.id), **to_columns(document, PACKAGE_COLUMNS))


def find_or_create_order(tx: Transaction, document: JsonObject) -> Order:
    """Return the order that the document names, or create one."""
    order_document = {ORDER_KEYS[key]: value for key, value in document.items() if key in ORDER_KEYS}
    orders = tx.find(Order, "number", order_document.get("number", ""))
    if not orders:
        return create_order(tx, order_document)
    if others := [key for key in ORDER_KEYS if key in document and key != "order_number"]:
        raise Conflict(f"order {orders[0].number} already exists, so {', '.join(others)} cannot be set")
    return orders[0]


def resolve_stock_location(view: Reader, document: JsonObject, order: Order, address: Address) -> StockLocation:
    """Return the location that the document names, the pickup location, or the nearest location with quota."""
    if "stock_location" in document:
        return find_record(view, StockLocation, document["stock_location"], "stock location", "erp_code")
    if (pickup := planner.resolve_pickup_location(view, order, address)) is not None:
        return pickup

    locations = planner.sending_locations(view)
    if not locations:
        raise Conflict("no active location that packs")
    return min(locations, key=lambda each: (not has_quota(view, each), *distance_rank(view, each, address)))


def create_initial_package(
    tx: Transaction, order: Order, location: StockLocation, state: State, document: JsonObject
) -> Package:
    """Create the package in its initial state: waiting, or its final state if no path leads there from waiting."""
    number = document.get("number")
    if number is not None and tx.related(Package, "number", number):
        raise Conflict(f"package {number} already exists")
    waiting = next((each for each in tx.find(State, "value", (PACKAGE_STATUS, state.content_type, WAITING))), None)
    starts_waiting = waiting is not None and shortest_path(tx, waiting.id, state.id)
    overrides = to_columns(document, ("number",)) | {
        "delivery_range": resolve_delivery_range(tx, document.get("delivery_range"))
    }
    return create_package(tx, order, location, WAITING if starts_waiting else state.enum_value, overrides)


def resolve_delivery_range(view: Reader, id_: int | None) -> int | None:
    return None if id_ is None else find_record(view, DeliveryRange, id_, "delivery range", "id").id


def add_items(tx: Transaction, package: Package, items: int | list[JsonObject], country: str) -> None:
    """Add items to the package: those listed, or a number of single pieces."""
    order = tx.get_existing(Order, package.order)
    if isinstance(items, int):
        lines = choose_lines(tx, items, package.stock_location, order.id)
    else:
        lines = parse_lines(tx, items, ITEM_COLUMNS)
    for line in lines:
        for order_item in create_order_items(tx, order, line, country):
            create_package_item(tx, package, order_item, overrides=to_columns(line.columns, ITEM_COLUMNS))


def transfer_all_items(tx: Transaction, package: Package) -> None:
    """Transfer all items of the package from the nearest other location."""
    destination = tx.get_existing(StockLocation, package.stock_location)
    others = [location for location in planner.sending_locations(tx) if location.id != destination.id]
    if not others:
        raise Conflict("no other active location that packs, so nothing can be transferred")
    source = min(
        others,
        key=lambda location: (planner.distance_between(tx, location, destination), location.priority, location.id),
    )
    end_reservations(tx, package, give_back=True)
    items = tx.find(PackageItem, "package", package.id)
    for item in items:
        reserve_item(tx, package, item, source.id)
    create_transfer_order(tx, package, source, items)


def move_to_state(tx: Transaction, package: Package, state: State) -> Package:
    """Move the package along the graph to its state, with a log entry for each transition."""
    for transition in shortest_path(tx, package.state, state.id):
        package = apply_transition(package, CommandStep(tx, transition))
    move_items(tx, package)
    return package


def apply_state_effects(tx: Transaction, package: Package, value: str, document: JsonObject) -> None:
    """Apply the effects of the package's state on stock, order items, shipment and label."""
    settle_claims(tx, package)
    if value == CANCELLED_VALUE:
        set_order_item_states(tx, package, CANCELED)
    if value in PACKED_VALUES:
        set_order_item_states(tx, package, ORDER_PREPARING)
    if value in SHIPPED_VALUES:
        tx.change(package, shipment_date=tx.now)
    shipment_document = document.get("shipment", {} if value in PACKED_VALUES else None)
    if shipment_document is not None:
        add_shipment(tx, package, shipment_document, document.get("tracking_number"))
        if value != WAITING_FOR_LABEL:
            create_label(tx, package)


def add_shipment(tx: Transaction, package: Package, document: JsonObject, tracking_number: str | None) -> None:
    """Create the package's shipment with the given or default carrier and number."""
    name_or_id = document.get("cargo_company")
    carrier = (
        default_carrier(tx) if name_or_id is None else find_record(tx, CargoCompany, name_or_id, "cargo company")
    )
    shipment: Shipment = create_shipment(tx, carrier, package, document.get("awb_number") or tracking_number)
    shipment = tx.change(shipment, **to_columns(document, SHIPMENT_COLUMNS))
    tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)
