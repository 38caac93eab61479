"""Stock: what may be promised where, and the claims of package items on it."""

from __future__ import annotations

from emulator.core.records import OrderItem, Package, PackageItem, Reservation, State, Stock
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


def reserve(tx: Transaction, package: Package, item: PackageItem) -> None:
    """Claim one piece of the item's product at the package's location."""
    product = tx.one(OrderItem, item.order_item).product
    tx.add(Reservation(tx.new_id(Reservation), package.id, item.id, product, package.stock_location))
    restock(tx, package.stock_location, product, -1)


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
