"""Stock: what may be promised where, and the claims of package items on it."""

from __future__ import annotations

from emulator.core.records import (
    OrderItem,
    Package,
    PackageItem,
    Reservation,
    State,
    Stock,
    TransferItem,
    TransferOrder,
)
from emulator.core.store import Transaction, View

RESERVING = ("100", "200", "300", "350", "400", "950", "990")
"""Packages in states with these values have not been packed, and have gone nowhere else: they claim stock."""
LEFT = ("450", "500", "600", "650", "700", "800")
"""What packages in these states held has left the stock; from all others it may be promised again."""


def settle(tx: Transaction, package: Package) -> None:
    """End the package's claims, if it came to a state in which it has none."""
    value = tx.one(State, package.state).enum_value
    if value not in RESERVING:
        end_reservations(tx, package, give_back=value not in LEFT)


def reserve(tx: Transaction, package: Package, item: PackageItem, location: int | None = None) -> None:
    """Claim one piece of the item's product at a location: the package's, or the one that it is transferred from.

    Where nothing is left to promise, the claim holds nothing: stock is never below zero.
    """
    place = package.stock_location if location is None else location
    product = tx.one(OrderItem, item.order_item).product
    held = taken(tx, place, product)
    tx.add(Reservation(tx.new_id(Reservation), package.id, item.id, product, place, held))


def taken(tx: Transaction, location: int, product: int) -> int:
    """Take a piece from what may be promised; give how many that was: none where all is promised."""
    if tx.related(Stock, "place", (location, product)) and free_stock(tx, location, product) < 1:
        return 0
    restock(tx, location, product, -1)
    return 1


def claims_on(view: View, transfer: TransferOrder) -> list[Reservation]:
    """Give the claims of a transfer order's items on the stock of its source."""
    items = {item.package_item for item in view.find(TransferItem, "transfer_order", transfer.id)}
    found = view.find(Reservation, "package", transfer.package)
    return [claim for claim in found if claim.package_item in items and claim.stock_location == transfer.source]


def arrived(tx: Transaction, transfer: TransferOrder) -> None:
    """What a transfer order brought lies at its destination now, claimed as before."""
    for claim in claims_on(tx, transfer):
        tx.change(claim, stock_location=transfer.destination)


def not_found(tx: Transaction, transfer: TransferOrder, source: int | None) -> None:
    """What its source does not have is claimed from another, or - where there is none - from nobody."""
    for claim in claims_on(tx, transfer):
        if source is None:
            tx.remove(claim)
        else:
            tx.change(claim, stock_location=source, quantity=taken(tx, source, claim.product))


def set_stock(tx: Transaction, location: int, product: int, quantity: int) -> Stock:
    """From now on so much of a product may be promised at a location."""
    for stock in tx.find(Stock, "place", (location, product)):
        return tx.change(stock, quantity=quantity)
    return tx.add(Stock(tx.new_id(Stock), product, location, quantity))


def end_reservations(tx: Transaction, package: Package, *, give_back: bool, items: set[int] | None = None) -> None:
    """End the claims of a package's items (all, or those named).

    What was packed has left the stock; what goes elsewhere may be promised again (`give_back`).
    """
    for reservation in tx.find(Reservation, "package", package.id):
        if items is None or reservation.package_item in items:
            tx.remove(reservation)
            if give_back:
                restock(tx, reservation.stock_location, reservation.product, reservation.quantity)


def restock(tx: Transaction, location: int, product: int, more: int) -> None:
    """Change how much of a product may be promised at a location; where none ever lay, none is counted."""
    for stock in tx.find(Stock, "place", (location, product)):
        tx.change(stock, quantity=stock.quantity + more)


def free_stock(view: View, location: int, product: int) -> int:
    """Give how much of a product may be promised at a location."""
    return sum(stock.quantity for stock in view.find(Stock, "place", (location, product)))
