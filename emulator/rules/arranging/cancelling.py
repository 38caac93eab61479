"""The operator cancels a package, or an order with all its packages."""

from __future__ import annotations

from emulator.core.records import Order, OrderItem, Package, State, TransferOrder
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction
from emulator.rules.arranging.carrier import sources, wrong_state
from emulator.rules.arranging.planner import Arranged
from emulator.rules.arranging.states import CANCELED
from emulator.rules.commands.packages import tell
from emulator.rules.commands.steps import Step, follow, items_of, move, set_state
from emulator.rules.commands.transfers import bring_items
from emulator.rules.graph import move_of
from emulator.rules.stock import end_reservations

CANCEL = "CANCEL"
OVER = ("900", "910", "920", "1100")
"""Packages in these states are no part of their order any more: others took their place, or nobody will."""


def cancel_package(tx: Transaction, package: Package) -> list[int]:
    """Cancel a package with its items and open transfer orders; give those. `Conflict` from a state that cannot."""
    transition = move_of(tx, package, CANCEL)
    if transition is None:
        raise wrong_state(tx, package, "a cancellation", sources(tx, CANCEL))
    package = move(package, Step(tx, transition))
    end_reservations(tx, package, give_back=True)
    follow(tx, package)
    for item in items_of(tx, package):
        set_state(tx, tx.one(OrderItem, item.order_item), CANCELED)
    called_off = () if package.shipment is None else ("shipment.cancelled",)  # assumed
    tell(tx, package, *called_off)
    cancelled = [transfer.id for transfer in open_transfers(tx, package) if cancel_transfer(tx, transfer)]
    settle_order(tx, tx.one(Order, package.order))
    return cancelled


def open_transfers(tx: Transaction, package: Package) -> list[TransferOrder]:
    return tx.find(TransferOrder, "package", package.id)


def cancel_transfer(tx: Transaction, transfer: TransferOrder) -> bool:
    """Cancel a transfer order that has not arrived; tell whether it was one."""
    transition = move_of(tx, transfer, CANCEL)
    if transition is not None:
        bring_items(tx, move(transfer, Step(tx, transition)))
    return transition is not None


def settle_order(tx: Transaction, order: Order) -> None:
    """An order whose items are all cancelled is cancelled."""
    items = tx.find(OrderItem, "order", order.id)
    if items and all(tx.one(State, item.state).enum_value == CANCELED for item in items):
        set_state(tx, order, CANCELED)


def cancel_order(tx: Transaction, order: Order) -> Arranged:
    """Cancel all packages of an order, or - where one cannot be - none; give what was cancelled."""
    packages = [package for package in tx.find(Package, "order", order.id) if not is_over(tx, package)]
    if not packages:
        raise Conflict(f"order {order.number} has no package to cancel")
    transfers = [transfer for package in packages for transfer in cancel_package(tx, package)]
    for item in tx.find(OrderItem, "order", order.id):
        set_state(tx, item, CANCELED)
    settle_order(tx, order)
    return Arranged(order.id, [package.id for package in packages], transfers)


def is_over(tx: Transaction, package: Package) -> bool:
    return tx.one(State, package.state).enum_value in OVER
