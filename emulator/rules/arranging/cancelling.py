"""Cancel a package, or an order with all its packages."""

from __future__ import annotations

from emulator.core.records import Order, OrderItem, Package, State, TransferOrder
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction
from emulator.rules.arranging.carrier import source_state_names, wrong_state_conflict
from emulator.rules.arranging.planner import PlacedOrder
from emulator.rules.arranging.states import CANCELED
from emulator.rules.commands.packages import queue_events
from emulator.rules.commands.steps import CommandStep, apply_transition, items_of, move_items, set_state
from emulator.rules.commands.transfers import move_transfer_items
from emulator.rules.graph import actor_transition
from emulator.rules.stock import end_reservations

CANCEL = "CANCEL"
FINAL_STATES = ("900", "910", "920", "1100")
"""Values of the package states that end a package: it is cancelled, or another package replaces it."""


def cancel_package(tx: Transaction, package: Package) -> list[int]:
    """Cancel a package with its items and open transfer orders. Return the ids of the cancelled transfer orders.

    Raise `Conflict` if the package's state does not allow it.
    """
    transition = actor_transition(tx, package, CANCEL)
    if transition is None:
        raise wrong_state_conflict(tx, package, "a cancellation", source_state_names(tx, CANCEL))
    package = apply_transition(package, CommandStep(tx, transition))
    end_reservations(tx, package, give_back=True)
    move_items(tx, package)
    for item in items_of(tx, package):
        set_state(tx, tx.one(OrderItem, item.order_item), CANCELED)
    event_types = () if package.shipment is None else ("shipment.cancelled",)  # assumed
    queue_events(tx, package, *event_types)
    cancelled = [transfer.id for transfer in list_open_transfers(tx, package) if cancel_transfer(tx, transfer)]
    cancel_order_if_empty(tx, tx.one(Order, package.order))
    return cancelled


def list_open_transfers(tx: Transaction, package: Package) -> list[TransferOrder]:
    return tx.find(TransferOrder, "package", package.id)


def cancel_transfer(tx: Transaction, transfer: TransferOrder) -> bool:
    """Cancel a transfer order unless it has arrived. Return whether it was cancelled."""
    transition = actor_transition(tx, transfer, CANCEL)
    if transition is not None:
        move_transfer_items(tx, apply_transition(transfer, CommandStep(tx, transition)))
    return transition is not None


def cancel_order_if_empty(tx: Transaction, order: Order) -> None:
    """Cancel the order if all its items are cancelled."""
    items = tx.find(OrderItem, "order", order.id)
    if items and all(tx.one(State, item.state).enum_value == CANCELED for item in items):
        set_state(tx, order, CANCELED)


def cancel_order(tx: Transaction, order: Order) -> PlacedOrder:
    """Cancel all packages of an order, or none if one of them cannot be cancelled."""
    packages = [package for package in tx.find(Package, "order", order.id) if not is_finished(tx, package)]
    if not packages:
        raise Conflict(f"order {order.number} has no package to cancel")
    transfers = [transfer for package in packages for transfer in cancel_package(tx, package)]
    for item in tx.find(OrderItem, "order", order.id):
        set_state(tx, item, CANCELED)
    cancel_order_if_empty(tx, order)
    return PlacedOrder(order.id, [package.id for package in packages], transfers)


def is_finished(tx: Transaction, package: Package) -> bool:
    return tx.one(State, package.state).enum_value in FINAL_STATES
