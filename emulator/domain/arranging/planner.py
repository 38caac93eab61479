"""The planner: decide which location packs an order, and what other locations transfer to it.

It compares stock first, then distance, and never exceeds a quota. The rules of real planners are not known. These are
assumed: the simplest that use all three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from emulator.core.errors import Conflict
from emulator.core.json_text import JsonObject, compact_json
from emulator.core.records import (
    Address,
    Columns,
    LocationAddress,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Product,
    State,
    StockLocation,
    TransferItem,
    TransferOrder,
)
from emulator.domain.arranging.documents import (
    ITEM_STATUS,
    PACKAGE_STATUS,
    TRANSFER_STATUS,
    TRANSFER_WAITING,
    WAITING,
    WAITING_FOR_TRANSFER,
    state_with_value,
)
from emulator.domain.arranging.locations import country_code
from emulator.domain.arranging.orders import create_order, create_order_items, parse_lines, quantities_by_product
from emulator.domain.encrypted_ids import encrypted_id
from emulator.domain.planning import (
    FAR_AWAY,
    distance_rank,
    distance_to_address,
    free_stock,
    great_circle_km,
    has_quota,
    highest_suffix,
    next_package_number,
    parse_interval,
    reserve_item,
)
from emulator.domain.state_graph import ITEM_STATE_VALUES
from emulator.state.store import Reader, Transaction

Quantities = Counter[int]
"""Product id -> number of pieces."""


class FulfillmentPlan(NamedTuple):
    """The location that packs a package, and the pieces that each other location transfers to it."""

    location: StockLocation
    transfers: tuple[tuple[StockLocation, Quantities], ...] = ()


class PlacedOrder(NamedTuple):
    """The ids of an order, its packages and its transfer orders."""

    order: int
    packages: list[int]
    transfers: list[int]


def place_order(tx: Transaction, document: JsonObject) -> PlacedOrder:
    """Create an order, and the package and the transfer orders that the planner decides on."""
    lines = parse_lines(tx, document["lines"])
    order = create_order(tx, document)
    address = tx.get_existing(Address, order.shipping_address)
    planned = plan_fulfillment(tx, quantities_by_product(lines), address, resolve_pickup_location(tx, order, address))
    if order.is_click_and_collect:
        order = tx.change(order, retail_store_id=planned.location.id)
    country = country_code(tx, address.country)
    items = [item for line in lines for item in create_order_items(tx, order, line, country)]
    return execute_plan(tx, order, planned, items)


def execute_plan(
    tx: Transaction, order: Order, planned: FulfillmentPlan, items_bought: list[OrderItem]
) -> PlacedOrder:
    """Create the planned package, and a transfer order from each other location."""
    value = WAITING_FOR_TRANSFER if planned.transfers else WAITING
    package = create_package(tx, order, planned.location, value)
    remaining = list(items_bought)
    transfers = []
    for source, pieces in planned.transfers:
        items = [create_package_item(tx, package, each, source.id) for each in take_items(remaining, pieces)]
        transfers.append(create_transfer_order(tx, package, source, items).id)
    for each in remaining:
        create_package_item(tx, package, each)
    tx.queue_event("package.created", package)
    return PlacedOrder(order.id, [package.id], transfers)


def take_items(remaining: list[OrderItem], pieces: Quantities) -> list[OrderItem]:
    """Remove the given quantities from the remaining items, and return the removed items."""
    needed = Counter(pieces)
    removed = []
    for item in list(remaining):
        if needed[item.product] > 0:
            needed[item.product] -= 1
            remaining.remove(item)
            removed.append(item)
    return removed


def plan_fulfillment(
    view: Reader, pieces: Quantities, address: Address, pickup: StockLocation | None = None
) -> FulfillmentPlan:
    """Decide where these pieces are packed. Raise `Conflict` if stock or quotas do not suffice."""
    check_total_stock(view, pieces, pickup)
    location = choose_packing_location(view, pieces, address) if pickup is None else pickup
    if not has_quota(view, location):
        raise Conflict(f"location {location.id} {location.name} has no quota left")
    missing = pieces - available_quantities(view, location, pieces)
    return FulfillmentPlan(location, tuple(plan_transfers(view, location, missing)))


def check_total_stock(view: Reader, pieces: Quantities, pickup: StockLocation | None) -> None:
    """Raise `Conflict` if the total stock of all locations does not suffice."""
    locations = {
        location.id: location for location in [*sending_locations(view), *([] if pickup is None else [pickup])]
    }
    lacking = []
    for product, number in pieces.items():
        there = sum(
            available_quantities(view, location, Counter({product: number}))[product]
            for location in locations.values()
        )
        if there < number:
            lacking.append(f"{view.get_existing(Product, product).sku}: {number} wanted, {there} there")
    if lacking:
        raise Conflict("not enough stock of " + "; ".join(lacking))


def sending_locations(view: Reader) -> list[StockLocation]:
    """Return the active fulfilment centers, which pack orders and send transfers."""
    return [each for each in view.all(StockLocation) if each.is_active and each.is_fulfillment_center]


def choose_packing_location(view: Reader, pieces: Quantities, address: Address) -> StockLocation:
    """Return the location with quota that has most of the pieces. Among equals, return the nearest to the address."""
    locations = [location for location in sending_locations(view) if has_quota(view, location)]
    if not locations:
        raise Conflict("no location that packs has quota left")
    return min(
        locations,
        key=lambda each: (-available_quantities(view, each, pieces).total(), *distance_rank(view, each, address)),
    )


def plan_transfers(
    view: Reader, location: StockLocation, missing: Quantities
) -> Iterator[tuple[StockLocation, Quantities]]:
    """Yield the transfers of the missing pieces, each from the location that has most of them, or is nearest."""

    def rank(other: StockLocation) -> tuple[int, float, int, int]:
        return (
            -available_quantities(view, other, missing).total(),
            distance_between(view, other, location),
            other.priority,
            other.id,
        )

    others = [each for each in sending_locations(view) if each.id != location.id]
    while missing:
        source = min(others, key=rank)
        pieces = available_quantities(view, source, missing)
        yield source, pieces
        missing -= pieces
        others.remove(source)


def available_quantities(view: Reader, location: StockLocation, pieces: Quantities) -> Quantities:
    """Return how many of the pieces are available at a location."""
    return +Counter({id_: min(number, free_stock(view, location.id, id_)) for id_, number in pieces.items()})


def distance_between(view: Reader, start: StockLocation, end: StockLocation) -> float:
    """Return the kilometres between two locations, or infinity if one of them has no coordinates."""
    first, second = view.get_existing(LocationAddress, start.address), view.get_existing(LocationAddress, end.address)
    degrees = (first.latitude, first.longitude, second.latitude, second.longitude)
    return FAR_AWAY if None in degrees else great_circle_km(*(float(str(each)) for each in degrees))


def resolve_pickup_location(view: Reader, order: Order, address: Address) -> StockLocation | None:
    """Return the store where the customer collects the order, or None if the order is shipped.

    It is the store that the order names, or the nearest one.
    """
    if not order.is_click_and_collect:
        return None
    stores = [each for each in view.all(StockLocation) if each.is_active and each.is_pickup_location]
    if order.retail_store_id is not None:
        known = {store.id: store for store in stores}
        if order.retail_store_id not in known:
            raise unknown_store_error(order, stores)
        return known[order.retail_store_id]
    if not stores:
        raise Conflict("no active location offers click and collect")
    return min(stores, key=lambda store: distance_rank(view, store, address))


def unknown_store_error(order: Order, stores: list[StockLocation]) -> Conflict:
    known = [store.id for store in stores]
    return Conflict(f"location {order.retail_store_id} does not offer click and collect", known)


PLAN_ITEM_OFFSET = 66
"""Difference between the plan item and the id of a package, as in the demo scenario."""


def create_package(
    tx: Transaction, order: Order, location: StockLocation, value: str, overrides: Columns | None = None
) -> Package:
    """Create a package without items in the state with this enum value. `overrides` replace the defaults."""
    id_ = tx.new_id(Package)
    kilometres = distance_to_address(tx, location, tx.get_existing(Address, order.shipping_address))
    defaults: Columns = {
        "number": f"{order.number}P{next_package_number(tx, order)}",
        "target_packing_date": order.date_placed + parse_interval(location.target_packing_interval),
        "created_date": tx.now,
        "modified_date": tx.now,
        "extra_information": compact_json({"distance_to_shipping_address": round(kilometres or 0)}),
    }
    return tx.add(
        Package(
            id=id_,
            state=state_with_value(tx, PACKAGE_STATUS, value).id,
            order=order.id,
            shipping_address=order.shipping_address,
            stock_location=location.id,
            plan_item=id_ + PLAN_ITEM_OFFSET,
            id_encrypted=encrypted_id(id_, tx.now),
            **(defaults | (overrides or {})),
        )
    )


def create_package_item(
    tx: Transaction,
    package: Package,
    order_item: OrderItem,
    source: int | None = None,
    overrides: Columns | None = None,
) -> PackageItem:
    """Add an order item to a package, and claim its stock at the source (default: the package's location)."""
    value = tx.get_existing(State, package.state).enum_value
    item = tx.add(
        PackageItem(
            id=tx.new_id(PackageItem),
            state=state_with_value(tx, ITEM_STATUS, ITEM_STATE_VALUES.get(value, value)).id,
            order_item=order_item.id,
            package=package.id,
            created_date=tx.now,
            modified_date=tx.now,
            **(overrides or {}),
        )
    )
    reserve_item(tx, package, item, source)
    return item


def create_transfer_order(
    tx: Transaction, package: Package, source: StockLocation, items: list[PackageItem]
) -> TransferOrder:
    """Create the transfer order that moves these items from a source to the package's location."""
    numbers = (transfer.number for transfer in tx.find(TransferOrder, "package", package.id))
    transfer = tx.add(
        TransferOrder(
            id=tx.new_id(TransferOrder),
            state=state_with_value(tx, TRANSFER_STATUS, TRANSFER_WAITING).id,
            package=package.id,
            source=source.id,
            destination=package.stock_location,
            number=f"{package.number}T{1 + highest_suffix(numbers, 'T')}",
            target_transfer_date=tx.now + parse_interval(source.target_transfer_interval),
            plan_item=package.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    for item in items:
        create_transfer_item(tx, transfer, item)
    tx.queue_event("transfer.status.created", transfer)
    return transfer


def create_transfer_item(tx: Transaction, transfer: TransferOrder, item: PackageItem) -> None:
    tx.add(
        TransferItem(
            id=tx.new_id(TransferItem),
            state=state_with_value(tx, TRANSFER_STATUS, TRANSFER_WAITING, of_items=True).id,
            package_item=item.id,
            product=tx.get_existing(OrderItem, item.order_item).product,
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    tx.change(item, transfer_order=transfer.id)
