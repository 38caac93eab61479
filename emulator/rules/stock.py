"""Stock: the available quantities of products at locations, and the claims of package items on them."""

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
"""Values of the package states in which packages claim stock: they are not packed yet, and not replaced."""
LEFT = ("450", "500", "600", "650", "700", "800")
"""Values of the package states in which the items have left the stock. In other states, their stock is available."""


def release_finished_claims(tx: Transaction, package: Package) -> None:
    """End the package's claims if its state has none."""
    value = tx.one(State, package.state).enum_value
    if value not in RESERVING:
        end_reservations(tx, package, give_back=value not in LEFT)


def reserve_item(tx: Transaction, package: Package, item: PackageItem, location: int | None = None) -> None:
    """Claim one piece of the item's product at a location. The default is the package's location.

    Without available stock, the claim has quantity 0, so that stock is never below zero.
    """
    location_id = package.stock_location if location is None else location
    product = tx.one(OrderItem, item.order_item).product
    quantity = take_from_stock(tx, location_id, product)
    tx.add(Reservation(tx.new_id(Reservation), package.id, item.id, product, location_id, quantity))


def take_from_stock(tx: Transaction, location: int, product: int) -> int:
    """Take one piece from the available stock. Return the number taken: 0 if no piece is available, else 1."""
    if tx.related(Stock, "place", (location, product)) and free_stock(tx, location, product) < 1:
        return 0
    change_stock(tx, location, product, -1)
    return 1


def transfer_claims(view: View, transfer: TransferOrder) -> list[Reservation]:
    """Return the claims of a transfer order's items on the stock of its source."""
    items = {item.package_item for item in view.find(TransferItem, "transfer_order", transfer.id)}
    claims = view.find(Reservation, "package", transfer.package)
    return [claim for claim in claims if claim.package_item in items and claim.stock_location == transfer.source]


def receive_transfer(tx: Transaction, transfer: TransferOrder) -> None:
    """Move the claims of a transfer order's items to its destination."""
    for claim in transfer_claims(tx, transfer):
        tx.change(claim, stock_location=transfer.destination)


def move_claims(tx: Transaction, transfer: TransferOrder, source: int | None) -> None:
    """Move the claims of a transfer order's items to another source, or remove them without one."""
    for claim in transfer_claims(tx, transfer):
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


def free_stock(view: View, location: int, product: int) -> int:
    """Return the available quantity of a product at a location."""
    return sum(stock.quantity for stock in view.find(Stock, "place", (location, product)))
