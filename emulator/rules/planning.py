"""Who packs what: where items go when a location will not, or cannot, send them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any

from emulator.core.jsontext import compact
from emulator.core.records import (
    Address,
    City,
    LocationAddress,
    Order,
    OrderItem,
    Package,
    PackageItem,
    State,
    StockLocation,
    TransferItem,
    TransferOrder,
)
from emulator.core.store import Transaction, View
from emulator.rules.graph import state_valued
from emulator.rules.identity import encrypted_id
from emulator.rules.stock import free_stock, reserve

EARTH_RADIUS_KM = 6371
WAITING, CANCELLATION_WAITING = "100", "990"
PACKED = 400
"""Packages in states below this value count on the quota of their location."""


def replan(tx: Transaction, package: Package, items: list[PackageItem]) -> dict[str, Any] | None:
    """Make a new package of these items elsewhere; give the documented answer, or None where no location has them.

    An installation that knows no waiting state has none that a new package could be in: it plans nothing.
    """
    if not items or waiting_state(tx, package) is None:
        return None
    location = nearest_with_stock(tx, package, items)
    return None if location is None else plan_group(tx, package, location, items)


def waiting_state(view: View, package: Package) -> State | None:
    return state_valued(view, "PackageStatus", WAITING, beside=view.one(State, package.state))


def plan_group(
    tx: Transaction, package: Package, location: StockLocation, items: list[PackageItem]
) -> dict[str, Any]:
    """Make a new, waiting package of these items at a location; give the documented answer."""
    child = new_package(tx, package, location)
    for item in items:
        reserve(tx, child, copy_item(tx, item, child))
    tx.queue("package.created", child)
    return {
        "package__id": child.id,
        "package__number": child.number,
        "package__stock_location__id": location.id,
        "package__stock_location__name": location.name,
        "is_same_location": location.id == package.stock_location,
    }


def new_package(tx: Transaction, parent: Package, location: StockLocation) -> Package:
    """Make the package `...P{n+1}` that takes over from its parent."""
    id_ = tx.new_id(Package)
    waiting = waiting_state(tx, parent)
    order = tx.one(Order, parent.order)
    extra = {
        "parent_package": {"id": parent.id, "number": parent.number},
        "distance_to_shipping_address": round(distance(tx, location, tx.one(Address, parent.shipping_address)) or 0),
    }
    return tx.add(
        Package(
            id=id_,
            state=parent.state if waiting is None else waiting.id,
            order=order.id,
            shipping_address=parent.shipping_address,
            stock_location=location.id,
            number=f"{order.number}P{next_part(tx, order)}",
            target_packing_date=order.date_placed + interval(location.target_packing_interval),
            delivery_range=parent.delivery_range,
            plan_item=parent.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
            extra_information=compact(extra),
            id_encrypted=encrypted_id(id_, tx.now),
        )
    )


def copy_item(tx: Transaction, item: PackageItem, package: Package) -> PackageItem:
    """Put the same order item into another package, waiting."""
    waiting = state_valued(tx, "PackageItemStatus", WAITING, beside=tx.one(State, item.state))
    return tx.add(
        PackageItem(
            id=tx.new_id(PackageItem),
            state=item.state if waiting is None else waiting.id,
            order_item=item.order_item,
            package=package.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )


def next_part(tx: Transaction, order: Order) -> int:
    """Give the number of the order's next package: one more than the highest there is."""
    return 1 + highest((found.number for found in tx.find(Package, "order", order.id)), "P")


def highest(numbers: Iterable[str], mark: str) -> int:
    """Give the highest part of numbers such as `...P3` or `...T2`; 0 where there is none."""
    parts = (number.rpartition(mark)[2] for number in numbers)
    return max((int(part) for part in parts if part.isascii() and part.isdigit()), default=0)


def nearest_with_stock(tx: Transaction, package: Package, items: list[PackageItem]) -> StockLocation | None:
    """Give the fulfilment location nearest to the customer, other than the package's own, that has all items."""
    wanted = Counter(tx.one(OrderItem, item.order_item).product for item in items)
    address = tx.one(Address, package.shipping_address)
    able = [
        location
        for location in tx.all(StockLocation)
        if location.is_active and location.is_fulfillment_center and location.id != package.stock_location
        if has_quota(tx, location) and has_stock(tx, location, wanted)
    ]

    def rank(location: StockLocation) -> tuple[float, int, int]:
        far = distance(tx, location, address)
        return (float("inf") if far is None else far, location.priority, location.id)

    return min(able, key=rank, default=None)


def has_stock(tx: Transaction, location: StockLocation, wanted: Counter[int]) -> bool:
    """Tell whether all of the wanted products may be promised at the location."""
    return all(free_stock(tx, location.id, product) >= quantity for product, quantity in wanted.items())


def has_quota(view: View, location: StockLocation) -> bool:
    """Tell whether the location can have one more package in work."""
    return location.max_quota is None or quota(view, location.id) < location.max_quota


def quota(view: View, location: int) -> int:
    """Give how many packages of a location count on its quota: those not packed yet, or waiting for cancellation."""
    return sum(view.count(Package, (location, state.id)) for state in view.all(State) if counts_on_quota(state))


def counts_on_quota(state: State) -> bool:
    early = state.enum_value.isdigit() and int(state.enum_value) < PACKED
    waits = state.enum_value == CANCELLATION_WAITING
    return state.enum_class == "PackageStatus" and (early or waits)


def distance(view: View, location: StockLocation, address: Address) -> float | None:
    """Give the kilometres from a location to the city of an address; None where either has no point on the map."""
    here, there = view.one(LocationAddress, location.address), view.one(City, address.city)
    points = (here.latitude, here.longitude, there.latitude, there.longitude)
    if any(point is None for point in points):
        return None
    return great_circle(*(float(str(point)) for point in points))


def great_circle(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Give the kilometres between two points in degrees."""
    south, west, north, east = map(radians, (latitude, longitude, to_latitude, to_longitude))
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def interval(text: str) -> timedelta:
    """Give a duration such as `5 00:00:00`, as the vendor prints them."""
    days, _, clock = text.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    return timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def another_source(tx: Transaction, transfer: TransferOrder) -> StockLocation | None:
    """Give the active location, beside source and destination, that has all items of a transfer; the first by id."""
    items = tx.find(TransferItem, "transfer_order", transfer.id)
    wanted = Counter(item.product for item in items)
    for location in tx.all(StockLocation):
        able = location.is_active and location.id not in {transfer.source, transfer.destination}
        if able and has_stock(tx, location, wanted):
            return location
    return None


def transfer_anew(tx: Transaction, transfer: TransferOrder, source: int) -> TransferOrder:
    """Make another transfer order of the same items to the same place, waiting."""
    waiting = state_valued(tx, "TransferStatus", "waiting", beside=tx.one(State, transfer.state))
    package = tx.one(Package, transfer.package)
    numbers = (found.number for found in tx.find(TransferOrder, "package", package.id))
    sender = tx.one(StockLocation, source)
    renewed = tx.add(
        TransferOrder(
            id=tx.new_id(TransferOrder),
            state=transfer.state if waiting is None else waiting.id,
            package=package.id,
            source=source,
            destination=transfer.destination,
            number=f"{package.number}T{1 + highest(numbers, 'T')}",
            target_transfer_date=tx.now + interval(sender.target_transfer_interval),
            plan_item=transfer.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    for item in tx.find(TransferItem, "transfer_order", transfer.id):
        copy_transfer_item(tx, item, renewed)
    tx.queue("transfer.status.created", renewed)
    return renewed


def copy_transfer_item(tx: Transaction, item: TransferItem, transfer: TransferOrder) -> None:
    """Put the same package item into another transfer order, waiting; the package item then belongs to that one."""
    waiting = state_valued(tx, "TransferStatus", "waiting", beside=tx.one(State, item.state))
    tx.add(
        item._replace(
            id=tx.new_id(TransferItem),
            state=item.state if waiting is None else waiting.id,
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    package_item = tx.one(PackageItem, item.package_item)
    if package_item.transfer_order is not None:
        tx.change(package_item, transfer_order=transfer.id, modified_date=tx.now)
