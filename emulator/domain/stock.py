"""Stock, its reservations, and the quotas of stock locations.

A package reserves one piece for each item until it is packed or ended. A reservation lowers the available quantity.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from emulator.core.records import (
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
from emulator.state.store import Reader, Transaction

Quantities: TypeAlias = Counter[int]
"""Product id -> number of pieces."""
RESERVING_VALUES = ("100", "200", "300", "350", "400", "950", "990")
"""Values of the package states that reserve stock: the package is not packed yet, and not replaced."""
PACKED_VALUES = ("450", "500", "600", "650", "700", "800")
"""Values of the package states in which the items have left the stock. In other states, their stock is available."""
CANCELLATION_WAITING = "990"
FIRST_PACKED_VALUE = 400
"""Packages in states with a lower value use the quota of their location."""


def free_stock(view: Reader, location: int, product: int) -> int:
    """Return the available quantity of a product at a location."""
    return sum(stock.quantity for stock in view.find(Stock, "place", (location, product)))


def available_quantities(view: Reader, location: StockLocation, pieces: Quantities) -> Quantities:
    """Return how many of the pieces are available at a location."""
    return +Counter({id_: min(number, free_stock(view, location.id, id_)) for id_, number in pieces.items()})


def can_fulfill(view: Reader, location: StockLocation, pieces: Quantities) -> bool:
    """Return whether all of the pieces are available at a location."""
    return all(free_stock(view, location.id, product) >= number for product, number in pieces.items())


def set_stock(tx: Transaction, location: int, product: int, quantity: int) -> Stock:
    """Set the available quantity of a product at a location."""
    for stock in tx.find(Stock, "place", (location, product)):
        return tx.change(stock, quantity=quantity)
    return tx.add(Stock(tx.new_id(Stock), product, location, quantity))


def change_stock(tx: Transaction, location: int, product: int, difference: int) -> None:
    """Change the available quantity of a product at a location, if the location has a stock record for it."""
    for stock in tx.find(Stock, "place", (location, product)):
        tx.change(stock, quantity=stock.quantity + difference)


def take_from_stock(tx: Transaction, location: int, product: int) -> int:
    """Take one piece from the available stock. Return the number taken: 0 if no piece is available, else 1."""
    if tx.related(Stock, "place", (location, product)) and free_stock(tx, location, product) < 1:
        return 0
    change_stock(tx, location, product, -1)
    return 1


def reserve_item(tx: Transaction, package: Package, item: PackageItem, location: int | None = None) -> None:
    """Reserve one piece of the item's product at a location. The default is the package's location.

    Without available stock, the reservation has quantity 0, so that stock is never below zero.
    """
    location_id = package.stock_location if location is None else location
    product = tx.get_existing(OrderItem, item.order_item).product
    quantity = take_from_stock(tx, location_id, product)
    tx.add(Reservation(tx.new_id(Reservation), package.id, item.id, product, location_id, quantity))


def end_reservations(tx: Transaction, package: Package, *, give_back: bool, items: set[int] | None = None) -> None:
    """End the reservations of all or some of a package's items.

    `give_back` makes their stock available again. It is false for packed items, which have left the stock.
    """
    for reservation in tx.find(Reservation, "package", package.id):
        if items is None or reservation.package_item in items:
            tx.remove(reservation)
            if give_back:
                change_stock(tx, reservation.stock_location, reservation.product, reservation.quantity)


def release_reservations_if_ended(tx: Transaction, package: Package) -> None:
    """End the package's reservations if its state has none."""
    value = tx.get_existing(State, package.state).enum_value
    if value not in RESERVING_VALUES:
        end_reservations(tx, package, give_back=value not in PACKED_VALUES)


def transfer_reservations(view: Reader, transfer: TransferOrder) -> list[Reservation]:
    """Return the reservations of a transfer order's items at its source."""
    items = {item.package_item for item in view.find(TransferItem, "transfer_order", transfer.id)}
    reservations = view.find(Reservation, "package", transfer.package)
    return [each for each in reservations if each.package_item in items and each.stock_location == transfer.source]


def receive_transfer(tx: Transaction, transfer: TransferOrder) -> None:
    """Move the reservations of a transfer order's items to its destination."""
    for reservation in transfer_reservations(tx, transfer):
        tx.change(reservation, stock_location=transfer.destination)


def move_reservations(tx: Transaction, transfer: TransferOrder, source: int | None) -> None:
    """Move the reservations of a transfer order's items to another source, or remove them without one."""
    for reservation in transfer_reservations(tx, transfer):
        if source is None:
            tx.remove(reservation)
        else:
            quantity = take_from_stock(tx, source, reservation.product)
            tx.change(reservation, stock_location=source, quantity=quantity)


def has_quota(view: Reader, location: StockLocation) -> bool:
    """Return whether the location accepts one more package."""
    return location.max_quota is None or used_quota(view, location.id) < location.max_quota


def used_quota(view: Reader, location: int) -> int:
    """Return how many packages of a location use its quota: those not packed yet, or waiting for cancellation."""
    return sum(view.count(Package, (location, state.id)) for state in view.all(State) if counts_on_quota(state))


def counts_on_quota(state: State) -> bool:
    is_unpacked = state.enum_value.isdigit() and int(state.enum_value) < FIRST_PACKED_VALUE
    return state.enum_class == "PackageStatus" and (is_unpacked or state.enum_value == CANCELLATION_WAITING)
