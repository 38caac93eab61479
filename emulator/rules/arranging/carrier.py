"""Carrier events: the progress of a delivery, and the cancellation of a shipment."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.records import Package, State, Transition
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction, View
from emulator.rules.commands.packages import queue_events
from emulator.rules.commands.shipping import touch_shipment
from emulator.rules.commands.steps import CommandStep, apply_transition, move_items
from emulator.rules.graph import actor_transition

CARRIER_TRANSITIONS: Mapping[str, str] = {
    "attempted": "CARRIER_ATTEMPTED",
    "failed": "CARRIER_FAILED",
    "delivered": "CARRIER_DELIVERED",
}
"""Event -> command code of its transitions."""
CANCELLED_EVENT = "cancelled"
WITH_CARRIER = ("450", "500", "600", "650", "700")
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
    if tx.one(State, package.state).enum_value not in WITH_CARRIER:
        names = [state.name for state in tx.all(State) if is_in_transit(state)]
        raise wrong_state_conflict(tx, package, f"{CANCELLED_EVENT!r}", names)
    if package.shipment is None:
        raise Conflict(f"{package.number} has no shipment to cancel")
    tx.queue("shipment.cancelled", package)
    tx.change(package, shipment=None, shipping_label=None, tracking_number=None, modified_date=tx.now)


def is_in_transit(state: State) -> bool:
    return state.enum_class == "PackageStatus" and state.enum_value in WITH_CARRIER


def source_state_names(view: View, code: str) -> list[str]:
    """Return the names of the package states from which transitions with this code start."""
    states = [view.one(State, each.source_state) for each in view.all(Transition) if each.command_code == code]
    return list(dict.fromkeys(state.name for state in states if state.enum_class == "PackageStatus"))


def wrong_state_conflict(view: View, package: Package, what: str, names: list[str]) -> Conflict:
    """Return the error that names the package's state and the states that would be right."""
    present = view.one(State, package.state).name
    needed = " or ".join(f'"{name}"' for name in names) or "that this installation does not have"
    return Conflict(f'{what} requires a state {needed}, but {package.number} is in state "{present}"', names)
