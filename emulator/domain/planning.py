"""Planning: find other locations for items that a location refuses or does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt

from emulator.core.json_text import JsonObject, compact_json
from emulator.core.records import (
    Address,
    City,
    LocationAddress,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Reservation,
    State,
    Stock,
    StockLocation,
    TransferItem,
    TransferOrder,
)
from emulator.domain.encrypted_ids import encrypted_id
from emulator.domain.state_graph import state_with_value
from emulator.state.store import Reader, Transaction

EARTH_RADIUS_KM = 6371
FAR_AWAY = float("inf")
WAITING, CANCELLATION_WAITING = "100", "990"
FIRST_PACKED_VALUE = 400
"""Packages in states with a lower value use the quota of their location."""


def replan(tx: Transaction, package: Package, items: list[PackageItem]) -> JsonObject | None:
    """Create a package of these items at another location. Return the documented response.

    Return None if no location has the items, or if the installation has no waiting state for the new package.
    """
    if not items or waiting_state(tx, package) is None:
        return None
    location = nearest_with_stock(tx, package, items)
    return None if location is None else create_group_package(tx, package, location, items)


def waiting_state(view: Reader, package: Package) -> State | None:
    return state_with_value(view, "PackageStatus", WAITING, beside=view.get_existing(State, package.state))


def create_group_package(
    tx: Transaction, package: Package, location: StockLocation, items: list[PackageItem]
) -> JsonObject:
    """Create a waiting package of these items at a location. Return the documented response."""
    child = create_successor_package(tx, package, location)
    for item in items:
        reserve_item(tx, child, copy_package_item(tx, item, child))
    tx.queue_event("package.created", child)
    return {
        "package__id": child.id,
        "package__number": child.number,
        "package__stock_location__id": location.id,
        "package__stock_location__name": location.name,
        "is_same_location": location.id == package.stock_location,
    }


def create_successor_package(tx: Transaction, parent: Package, location: StockLocation) -> Package:
    """Create the package `...P{n+1}` that replaces its parent."""
    id_ = tx.new_id(Package)
    waiting = waiting_state(tx, parent)
    order = tx.get_existing(Order, parent.order)
    extra = {
        "parent_package": {"id": parent.id, "number": parent.number},
        "distance_to_shipping_address": round(
            distance_to_address(tx, location, tx.get_existing(Address, parent.shipping_address)) or 0
        ),
    }
    return tx.add(
        Package(
            id=id_,
            state=parent.state if waiting is None else waiting.id,
            order=order.id,
            shipping_address=parent.shipping_address,
            stock_location=location.id,
            number=f"{order.number}P{next_package_number(tx, order)}",
            target_packing_date=order.date_placed + parse_interval(location.target_packing_interval),
            delivery_range=parent.delivery_range,
            plan_item=parent.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
            extra_information=compact_json(extra),
            id_encrypted=encrypted_id(id_, tx.now),
        )
    )


def copy_package_item(tx: Transaction, item: PackageItem, package: Package) -> PackageItem:
    """Add the same order item to another package, in the waiting state."""
    waiting = state_with_value(tx, "PackageItemStatus", WAITING, beside=tx.get_existing(State, item.state))
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


def next_package_number(tx: Transaction, order: Order) -> int:
    """Return the number of the order's next package."""
    return 1 + highest_suffix((package.number for package in tx.find(Package, "order", order.id)), "P")


def highest_suffix(numbers: Iterable[str], mark: str) -> int:
    """Return the highest suffix of numbers such as `...P3` or `...T2`, or 0."""
    suffixes = (number.rpartition(mark)[2] for number in numbers)
    return max((int(suffix) for suffix in suffixes if suffix.isascii() and suffix.isdigit()), default=0)


def nearest_with_stock(tx: Transaction, package: Package, items: list[PackageItem]) -> StockLocation | None:
    """Return the other fulfilment center with quota and all items that is nearest to the customer."""
    quantities = Counter(tx.get_existing(OrderItem, item.order_item).product for item in items)
    address = tx.get_existing(Address, package.shipping_address)
    locations = [
        location
        for location in tx.all(StockLocation)
        if location.is_active and location.is_fulfillment_center and location.id != package.stock_location
        if has_quota(tx, location) and can_fulfill(tx, location, quantities)
    ]
    return min(locations, key=lambda location: distance_rank(tx, location, address), default=None)


def distance_rank(view: Reader, location: StockLocation, address: Address) -> tuple[float, int, int]:
    """Return the sort key that puts the nearest location first, then the lowest priority and id."""
    kilometres = distance_to_address(view, location, address)
    return (FAR_AWAY if kilometres is None else kilometres, location.priority, location.id)


def can_fulfill(tx: Transaction, location: StockLocation, quantities: Counter[int]) -> bool:
    """Return whether these quantities of all products are available at the location."""
    return all(free_stock(tx, location.id, product) >= quantity for product, quantity in quantities.items())


def has_quota(view: Reader, location: StockLocation) -> bool:
    """Return whether the location accepts one more package."""
    return location.max_quota is None or used_quota(view, location.id) < location.max_quota


def used_quota(view: Reader, location: int) -> int:
    """Return how many packages of a location use its quota: those not packed yet, or waiting for cancellation."""
    return sum(view.count(Package, (location, state.id)) for state in view.all(State) if counts_on_quota(state))


def counts_on_quota(state: State) -> bool:
    is_unpacked = state.enum_value.isdigit() and int(state.enum_value) < FIRST_PACKED_VALUE
    return state.enum_class == "PackageStatus" and (is_unpacked or state.enum_value == CANCELLATION_WAITING)


def distance_to_address(view: Reader, location: StockLocation, address: Address) -> float | None:
    """Return the kilometres from a location to the city of an address, or None if either has no coordinates."""
    start, city = view.get_existing(LocationAddress, location.address), view.get_existing(City, address.city)
    degrees = (start.latitude, start.longitude, city.latitude, city.longitude)
    return None if None in degrees else great_circle_km(*(float(str(each)) for each in degrees))


def great_circle_km(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Return the kilometres between two points in degrees."""
    south, west, north, east = map(radians, (latitude, longitude, to_latitude, to_longitude))
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def parse_interval(text: str) -> timedelta:
    """Parse a duration in the vendor's form, such as `5 00:00:00`."""
    days, _, clock = text.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    return timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def find_other_source(tx: Transaction, transfer: TransferOrder) -> StockLocation | None:
    """Return the first active location, except source and destination, that has all items of a transfer."""
    items = tx.find(TransferItem, "transfer_order", transfer.id)
    quantities = Counter(item.product for item in items)
    for location in tx.all(StockLocation):
        is_candidate = location.is_active and location.id not in {transfer.source, transfer.destination}
        if is_candidate and can_fulfill(tx, location, quantities):
            return location
    return None


def recreate_transfer(tx: Transaction, transfer: TransferOrder, source: int) -> TransferOrder:
    """Create a waiting transfer order of the same items to the same destination."""
    waiting = state_with_value(tx, "TransferStatus", "waiting", beside=tx.get_existing(State, transfer.state))
    package = tx.get_existing(Package, transfer.package)
    numbers = (each.number for each in tx.find(TransferOrder, "package", package.id))
    sender = tx.get_existing(StockLocation, source)
    successor = tx.add(
        TransferOrder(
            id=tx.new_id(TransferOrder),
            state=transfer.state if waiting is None else waiting.id,
            package=package.id,
            source=source,
            destination=transfer.destination,
            number=f"{package.number}T{1 + highest_suffix(numbers, 'T')}",
            target_transfer_date=tx.now + parse_interval(sender.target_transfer_interval),
            plan_item=transfer.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    for item in tx.find(TransferItem, "transfer_order", transfer.id):
        copy_transfer_item(tx, item, successor)
    tx.queue_event("transfer.status.created", successor)
    return successor


def copy_transfer_item(tx: Transaction, item: TransferItem, transfer: TransferOrder) -> None:
    """Add the same package item to another transfer order, waiting. The package item then refers to the new one."""
    waiting = state_with_value(tx, "TransferStatus", "waiting", beside=tx.get_existing(State, item.state))
    tx.add(
        item._replace(
            id=tx.new_id(TransferItem),
            state=item.state if waiting is None else waiting.id,
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    package_item = tx.get_existing(PackageItem, item.package_item)
    if package_item.transfer_order is not None:
        tx.change(package_item, transfer_order=transfer.id, modified_date=tx.now)


RESERVING_VALUES = ("100", "200", "300", "350", "400", "950", "990")
"""Values of the package states in which packages claim stock: they are not packed yet, and not replaced."""
PACKED_VALUES = ("450", "500", "600", "650", "700", "800")
"""Values of the package states in which the items have left the stock. In other states, their stock is available."""


def release_reservations_if_ended(tx: Transaction, package: Package) -> None:
    """End the package's claims if its state has none."""
    value = tx.get_existing(State, package.state).enum_value
    if value not in RESERVING_VALUES:
        end_reservations(tx, package, give_back=value not in PACKED_VALUES)


def reserve_item(tx: Transaction, package: Package, item: PackageItem, location: int | None = None) -> None:
    """Claim one piece of the item's product at a location. The default is the package's location.

    Without available stock, the claim has quantity 0, so that stock is never below zero.
    """
    location_id = package.stock_location if location is None else location
    product = tx.get_existing(OrderItem, item.order_item).product
    quantity = take_from_stock(tx, location_id, product)
    tx.add(Reservation(tx.new_id(Reservation), package.id, item.id, product, location_id, quantity))


def take_from_stock(tx: Transaction, location: int, product: int) -> int:
    """Take one piece from the available stock. Return the number taken: 0 if no piece is available, else 1."""
    if tx.related(Stock, "place", (location, product)) and free_stock(tx, location, product) < 1:
        return 0
    change_stock(tx, location, product, -1)
    return 1


def transfer_reservations(view: Reader, transfer: TransferOrder) -> list[Reservation]:
    """Return the claims of a transfer order's items on the stock of its source."""
    items = {item.package_item for item in view.find(TransferItem, "transfer_order", transfer.id)}
    claims = view.find(Reservation, "package", transfer.package)
    return [claim for claim in claims if claim.package_item in items and claim.stock_location == transfer.source]


def receive_transfer(tx: Transaction, transfer: TransferOrder) -> None:
    """Move the claims of a transfer order's items to its destination."""
    for claim in transfer_reservations(tx, transfer):
        tx.change(claim, stock_location=transfer.destination)


def move_reservations(tx: Transaction, transfer: TransferOrder, source: int | None) -> None:
    """Move the claims of a transfer order's items to another source, or remove them without one."""
    for claim in transfer_reservations(tx, transfer):
        if source is None:
            tx.remove(claim)
        else:
            tx.change(claim, stock_location=source, quantity=take_from_stock(tx, source, claim.product))


def set_stock(tx: Transaction, location: int, product: int, quantity: int) -> Stock:
    """Set the available quantity of a product at a location."""
    for stock in tx.find(Stock, "place", (location, product)):
        return tx.change(stock, quantity=quantity)
    return tx.add(Stock(tx.new_id(Stock), product, location, quantity))


def end_reservations(tx: Transaction, package: Package, *, give_back: bool, items: set[int] | None = None) -> None:
    """End the claims of all or some of a package's items.

    `give_back` makes their stock available again. It is false for packed items, which have left the stock.
    """
    for reservation in tx.find(Reservation, "package", package.id):
        if items is None or reservation.package_item in items:
            tx.remove(reservation)
            if give_back:
                change_stock(tx, reservation.stock_location, reservation.product, reservation.quantity)


def change_stock(tx: Transaction, location: int, product: int, difference: int) -> None:
    """Change the available quantity of a product at a location, if the location has a stock record for it."""
    for stock in tx.find(Stock, "place", (location, product)):
        tx.change(stock, quantity=stock.quantity + difference)


def free_stock(view: Reader, location: int, product: int) -> int:
    """Return the available quantity of a product at a location."""
    return sum(stock.quantity for stock in view.find(Stock, "place", (location, product)))
