"""Carrier events: the progress of a delivery, and the cancellation of a shipment."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.errors import Conflict
from emulator.core.records import Order, OrderItem, Package, State, TransferOrder, Transition
from emulator.domain.arranging.documents import CANCELED
from emulator.domain.arranging.planner import PlacedOrder
from emulator.domain.commands.packages import queue_events
from emulator.domain.commands.shipping import touch_shipment
from emulator.domain.commands.steps import CommandStep, apply_transition, items_of, move_items, set_state
from emulator.domain.commands.transfers import move_transfer_items
from emulator.domain.planning import end_reservations
from emulator.domain.state_graph import actor_transition
from emulator.state.store import Reader, Transaction

CARRIER_TRANSITIONS: Mapping[str, str] = {
    "attempted": "CARRIER_ATTEMPTED",
    "failed": "CARRIER_FAILED",
    "delivered": "CARRIER_DELIVERED",
}
"""Event -> command code of its transitions."""
CANCELLED_EVENT = "cancelled"
WITH_CARRIER_VALUES = ("450", "500", "600", "650", "700")
"""Values of the package states in which the shipment can be cancelled (assumed)."""


def apply_carrier_event(tx: Transaction, package: Package, event: str) -> None:
    """Apply a carrier event to a package. Raise `Conflict` if the package's state does not allow it."""
    if event == CANCELLED_EVENT:
        cancel_shipment(tx, package)
        return
    transition = actor_transition(tx, package, CARRIER_TRANSITIONS[event])
    if transition is None:
        raise wrong_state_conflict(tx, package, f"{event!r}", source_state_names(tx, CARRIER_TRANSITIONS[event]))
    package = apply_transition(package, CommandStep(tx, transition))
    move_items(tx, package)
    touch_shipment(tx, package)
    queue_events(tx, package, "shipment.status.updated")


def cancel_shipment(tx: Transaction, package: Package) -> None:
    """Remove shipment, label and tracking number from the package. Its state does not change (assumed)."""
    if tx.get_existing(State, package.state).enum_value not in WITH_CARRIER_VALUES:
        names = [state.name for state in tx.all(State) if is_with_carrier(state)]
        raise wrong_state_conflict(tx, package, f"{CANCELLED_EVENT!r}", names)
    if package.shipment is None:
        raise Conflict(f"{package.number} has no shipment to cancel")
    tx.queue_event("shipment.cancelled", package)
    tx.change(package, shipment=None, shipping_label=None, tracking_number=None, modified_date=tx.now)


def is_with_carrier(state: State) -> bool:
    return state.enum_class == "PackageStatus" and state.enum_value in WITH_CARRIER_VALUES


def source_state_names(view: Reader, code: str) -> list[str]:
    """Return the names of the package states from which transitions with this code start."""
    states = [
        view.get_existing(State, each.source_state) for each in view.all(Transition) if each.command_code == code
    ]
    return list(dict.fromkeys(state.name for state in states if state.enum_class == "PackageStatus"))


def wrong_state_conflict(view: Reader, package: Package, what: str, names: list[str]) -> Conflict:
    """Return the error that names the package's state and the states that would be right."""
    present = view.get_existing(State, package.state).name
    needed = " or ".join(f'"{name}"' for name in names) or "that this installation does not have"
    return Conflict(f'{what} requires a state {needed}, but {package.number} is in state "{present}"', names)


CANCEL_CODE = "CANCEL"
ENDED_VALUES = ("900", "910", "920", "1100")
"""Values of the package states that end a package: it is cancelled, or another package replaces it."""


def cancel_package(tx: Transaction, package: Package) -> list[int]:
    """Cancel a package with its items and open transfer orders. Return the ids of the cancelled transfer orders.

    Raise `Conflict` if the package's state does not allow it.
    """
    transition = actor_transition(tx, package, CANCEL_CODE)
    if transition is None:
        raise wrong_state_conflict(tx, package, "a cancellation", source_state_names(tx, CANCEL_CODE))
    package = apply_transition(package, CommandStep(tx, transition))
    end_reservations(tx, package, give_back=True)
    move_items(tx, package)
    for item in items_of(tx, package):
        set_state(tx, tx.get_existing(OrderItem, item.order_item), CANCELED)
    event_types = () if package.shipment is None else ("shipment.cancelled",)  # assumed
    queue_events(tx, package, *event_types)
    cancelled = [transfer.id for transfer in list_open_transfers(tx, package) if cancel_transfer(tx, transfer)]
    cancel_order_if_empty(tx, tx.get_existing(Order, package.order))
    return cancelled


def list_open_transfers(tx: Transaction, package: Package) -> list[TransferOrder]:
    return tx.find(TransferOrder, "package", package.id)


def cancel_transfer(tx: Transaction, transfer: TransferOrder) -> bool:
    """Cancel a transfer order unless it has arrived. Return whether it was cancelled."""
    transition = actor_transition(tx, transfer, CANCEL_CODE)
    if transition is not None:
        move_transfer_items(tx, apply_transition(transfer, CommandStep(tx, transition)))
    return transition is not None


def cancel_order_if_empty(tx: Transaction, order: Order) -> None:
    """Cancel the order if all its items are cancelled."""
    items = tx.find(OrderItem, "order", order.id)
    if items and all(tx.get_existing(State, item.state).enum_value == CANCELED for item in items):
        set_state(tx, order, CANCELED)


def cancel_order(tx: Transaction, order: Order) -> PlacedOrder:
    """Cancel all packages of an order, or none if one of them cannot be cancelled."""
    packages = [package for package in tx.find(Package, "order", order.id) if not has_ended(tx, package)]
    if not packages:
        raise Conflict(f"order {order.number} has no package to cancel")
    transfers = [transfer for package in packages for transfer in cancel_package(tx, package)]
    for item in tx.find(OrderItem, "order", order.id):
        set_state(tx, item, CANCELED)
    cancel_order_if_empty(tx, order)
    return PlacedOrder(order.id, [package.id for package in packages], transfers)


def has_ended(tx: Transaction, package: Package) -> bool:
    return tx.get_existing(State, package.state).enum_value in ENDED_VALUES
