"""Create packages in any state, apply carrier events to them, and cancel packages and orders.

A package is created from a partial document, with the records and the history that its state implies.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.errors import Conflict
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject
from emulator.core.records import (
    Address,
    CargoCompany,
    DeliveryRange,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    State,
    StockLocation,
    TransferOrder,
    Transition,
)
from emulator.domain import state_graph
from emulator.domain.arranging import find_record, plain_columns, to_columns
from emulator.domain.arranging.locations import country_code
from emulator.domain.arranging.orders import (
    PlacedOrder,
    choose_lines,
    create_order,
    create_order_items,
    parse_lines,
)
from emulator.domain.commands.packages import ORDER_PREPARING, WAITING_FOR_LABEL, finish_move, queue_events
from emulator.domain.commands.transfers import move_transfer_items
from emulator.domain.planning import (
    create_package,
    create_package_item,
    create_transfer_order,
    distance_rank,
    resolve_pickup_location,
    sending_locations,
)
from emulator.domain.shipments import create_label, create_shipment, default_carrier, touch_shipment
from emulator.domain.stock import (
    PACKED_VALUES,
    end_reservations,
    has_quota,
    release_reservations_if_ended,
    reserve_item,
)
from emulator.state.store import Reader, Transaction

PACKAGE_COLUMNS = plain_columns(Package, "plan_item", "id_encrypted")
ITEM_COLUMNS = plain_columns(PackageItem, "created_date", "modified_date")
SHIPMENT_COLUMNS = plain_columns(Shipment, "created_date", "modified_date", "update_date_time")
ORDER_KEYS: Mapping[str, str] = load_fixture("order_keys")
"""Key of a package document that belongs to the order -> key of the order document."""


SHIPPED_VALUES = ("600", "650", "700", "800")
ENDED_VALUES = ("900", "910", "920", "1100")
"""Values of the package states that end a package: it is cancelled, or another package replaces it."""
PACKAGE_CANCELED, ORDER_CANCELED = "900", "100"
CARRIER_TRANSITIONS: Mapping[str, str] = {
    "attempted": "CARRIER_ATTEMPTED",
    "failed": "CARRIER_FAILED",
    "delivered": "CARRIER_DELIVERED",
}
"""Carrier event -> command code of its transitions."""
CANCELLED_EVENT = "cancelled"
WITH_CARRIER_VALUES = ("450", "500", "600", "650", "700")
"""Values of the package states in which the shipment can be cancelled (assumed)."""
CANCEL_CODE = "CANCEL"
"""Command code of the transitions that cancel packages and transfer orders."""


# --- creation -----------------------------------------------------------------------------------------------------


def arrange_package(tx: Transaction, document: JsonObject) -> Package:
    """Create the package that a document describes. Omitted values get consistent defaults."""
    state = state_graph.resolve_package_state(tx, document.get("state", state_graph.WAITING))
    order = find_or_create_order(tx, document)
    address = tx.get_existing(Address, order.shipping_address)
    location = resolve_stock_location(tx, document, order, address)
    package = create_initial_package(tx, order, location, state, document)
    add_items(tx, package, document.get("items", 1), country_code(tx, address.country))
    if state.enum_value == state_graph.WAITING_FOR_TRANSFER:
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
    if (pickup := resolve_pickup_location(view, order, address)) is not None:
        return pickup
    locations = sending_locations(view)
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
    waiting = state_graph.sibling_state(tx, state, state_graph.WAITING)
    if waiting is not None and state_graph.shortest_path(tx, waiting.id, state.id):
        state = waiting
    overrides = to_columns(document, ("number",))
    if (range_id := document.get("delivery_range")) is not None:
        overrides["delivery_range"] = find_record(tx, DeliveryRange, range_id, "delivery range", "id").id
    return create_package(tx, order, location, state=state.id, **overrides)


def add_items(tx: Transaction, package: Package, items: int | list[JsonObject], country: str) -> None:
    """Add items to the package: those listed, or a number of single pieces."""
    order = tx.get_existing(Order, package.order)
    if isinstance(items, int):
        lines = choose_lines(tx, items, package.stock_location, order.id)
    else:
        lines = parse_lines(tx, items, ITEM_COLUMNS)
    for line in lines:
        for order_item in create_order_items(tx, order, line, country):
            create_package_item(tx, package, order_item, **to_columns(line.columns, ITEM_COLUMNS))


def transfer_all_items(tx: Transaction, package: Package) -> None:
    """Transfer all items of the package from the nearest other location."""
    destination = tx.get_existing(StockLocation, package.stock_location)
    others = [location for location in sending_locations(tx) if location.id != destination.id]
    if not others:
        raise Conflict("no other active location that packs, so nothing can be transferred")
    source = min(others, key=lambda location: distance_rank(tx, location, destination))
    end_reservations(tx, package, give_back=True)
    items = tx.find(PackageItem, "package", package.id)
    for item in items:
        reserve_item(tx, package, item, source.id)
    create_transfer_order(tx, package, source, items)


def move_to_state(tx: Transaction, package: Package, state: State) -> Package:
    """Move the package along the graph to its state, with a log entry for each transition."""
    for transition in state_graph.shortest_path(tx, package.state, state.id):
        package = state_graph.apply_transition(package, state_graph.CommandStep(tx, transition))
    state_graph.move_items(tx, package)
    return package


def apply_state_effects(tx: Transaction, package: Package, value: str, document: JsonObject) -> None:
    """Apply the effects of the package's state on stock, order items, shipment and label."""
    release_reservations_if_ended(tx, package)
    if value == PACKAGE_CANCELED:
        state_graph.set_order_item_states(tx, package, ORDER_CANCELED)
    if value in PACKED_VALUES:
        state_graph.set_order_item_states(tx, package, ORDER_PREPARING)
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
    if name_or_id is None:
        carrier = default_carrier(tx)
    else:
        carrier = find_record(tx, CargoCompany, name_or_id, "cargo company")
    shipment = create_shipment(tx, carrier, package, document.get("awb_number") or tracking_number)
    shipment = tx.change(shipment, **to_columns(document, SHIPMENT_COLUMNS))
    tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)


# --- carrier events -----------------------------------------------------------------------------------------------


def apply_carrier_event(tx: Transaction, package: Package, event: str) -> None:
    """Apply a carrier event to a package. Raise `Conflict` if the package's state does not allow it."""
    if event == CANCELLED_EVENT:
        cancel_shipment(tx, package)
        return
    transition = state_graph.actor_transition(tx, package, CARRIER_TRANSITIONS[event])
    if transition is None:
        raise wrong_state_conflict(tx, package, f"{event!r}", source_state_names(tx, CARRIER_TRANSITIONS[event]))
    package = state_graph.apply_transition(package, state_graph.CommandStep(tx, transition))
    touch_shipment(tx, package)
    finish_move(tx, package, "shipment.status.updated")


def cancel_shipment(tx: Transaction, package: Package) -> None:
    """Remove shipment, label and tracking number from the package. Its state does not change (assumed)."""
    if tx.get_existing(State, package.state).enum_value not in WITH_CARRIER_VALUES:
        states = (state for state in tx.all(State) if state.enum_class == state_graph.PACKAGE_STATUS)
        names = [state.name for state in states if state.enum_value in WITH_CARRIER_VALUES]
        raise wrong_state_conflict(tx, package, f"{CANCELLED_EVENT!r}", names)
    if package.shipment is None:
        raise Conflict(f"{package.number} has no shipment to cancel")
    tx.queue_event("shipment.cancelled", package)
    tx.change(package, shipment=None, shipping_label=None, tracking_number=None, modified_date=tx.now)


def source_state_names(view: Reader, code: str) -> list[str]:
    """Return the names of the package states from which transitions with this code start."""
    states = [
        view.get_existing(State, each.source_state) for each in view.all(Transition) if each.command_code == code
    ]
    return list(dict.fromkeys(state.name for state in states if state.enum_class == state_graph.PACKAGE_STATUS))


def wrong_state_conflict(view: Reader, package: Package, what: str, names: list[str]) -> Conflict:
    """Return the error that names the package's state and the states that would be right."""
    present = view.get_existing(State, package.state).name
    needed = " or ".join(f'"{name}"' for name in names) or "that this installation does not have"
    return Conflict(f'{what} requires a state {needed}, but {package.number} is in state "{present}"', names)


# --- cancellation -------------------------------------------------------------------------------------------------


def cancel_package(tx: Transaction, package: Package) -> list[int]:
    """Cancel a package and its open transfer orders, and return their ids. Raise `Conflict` if it is too late."""
    transition = state_graph.actor_transition(tx, package, CANCEL_CODE)
    if transition is None:
        raise wrong_state_conflict(tx, package, "a cancellation", source_state_names(tx, CANCEL_CODE))
    package = state_graph.apply_transition(package, state_graph.CommandStep(tx, transition))
    end_reservations(tx, package, give_back=True)
    state_graph.move_items(tx, package)
    state_graph.set_order_item_states(tx, package, ORDER_CANCELED)
    event_types = () if package.shipment is None else ("shipment.cancelled",)  # assumed
    queue_events(tx, package, *event_types)
    transfers = tx.find(TransferOrder, "package", package.id)
    cancelled = [transfer.id for transfer in transfers if cancel_transfer(tx, transfer)]
    cancel_order_if_empty(tx, tx.get_existing(Order, package.order))
    return cancelled


def cancel_transfer(tx: Transaction, transfer: TransferOrder) -> bool:
    """Cancel a transfer order unless it has arrived. Return whether it was cancelled."""
    transition = state_graph.actor_transition(tx, transfer, CANCEL_CODE)
    if transition is not None:
        move_transfer_items(tx, state_graph.apply_transition(transfer, state_graph.CommandStep(tx, transition)))
    return transition is not None


def cancel_order_if_empty(tx: Transaction, order: Order) -> None:
    """Cancel the order if all its items are cancelled."""
    items = tx.find(OrderItem, "order", order.id)
    if items and all(tx.get_existing(State, item.state).enum_value == ORDER_CANCELED for item in items):
        state_graph.set_state(tx, order, ORDER_CANCELED)


def cancel_order(tx: Transaction, order: Order) -> PlacedOrder:
    """Cancel all packages of an order, or none if one of them cannot be cancelled."""
    packages = [
        package
        for package in tx.find(Package, "order", order.id)
        if tx.get_existing(State, package.state).enum_value not in ENDED_VALUES
    ]
    if not packages:
        raise Conflict(f"order {order.number} has no package to cancel")
    transfers = [transfer for package in packages for transfer in cancel_package(tx, package)]
    for item in tx.find(OrderItem, "order", order.id):
        state_graph.set_state(tx, item, ORDER_CANCELED)
    cancel_order_if_empty(tx, order)
    return PlacedOrder(order.id, [package.id for package in packages], transfers)
