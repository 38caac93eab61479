"""The carrier: what happens to a package on its way, and to a shipment that is called off."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.records import Package, State, Transition
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction, View
from emulator.rules.commands.packages import tell
from emulator.rules.commands.shipping import touch_shipment
from emulator.rules.commands.steps import Step, follow, move
from emulator.rules.graph import move_of

MOVES: Mapping[str, str] = {
    "attempted": "CARRIER_ATTEMPTED",
    "failed": "CARRIER_FAILED",
    "delivered": "CARRIER_DELIVERED",
}
"""Event -> code of the transitions that it takes."""
CALLED_OFF = "cancelled"
WITH_CARRIER = ("450", "500", "600", "650", "700")
"""Packages in these states have a shipment that can still be called off (assumed)."""


def carry(tx: Transaction, package: Package, event: str) -> None:
    """Let the carrier report an event of a package; `Conflict` from a state in which it cannot happen."""
    if event == CALLED_OFF:
        call_off(tx, package)
        return
    transition = move_of(tx, package, MOVES[event])
    if transition is None:
        raise wrong_state(tx, package, f"{event!r}", sources(tx, MOVES[event]))
    package = move(package, Step(tx, transition))
    follow(tx, package)
    touch_shipment(tx, package)
    tell(tx, package, "shipment.status.updated")


def call_off(tx: Transaction, package: Package) -> None:
    """Take shipment, label and tracking number from the package; its state stays (assumed)."""
    if tx.one(State, package.state).enum_value not in WITH_CARRIER:
        names = [state.name for state in tx.all(State) if is_with_carrier(state)]
        raise wrong_state(tx, package, f"{CALLED_OFF!r}", names)
    if package.shipment is None:
        raise Conflict(f"{package.number} has no shipment to cancel")
    tx.queue("shipment.cancelled", package)
    tx.change(package, shipment=None, shipping_label=None, tracking_number=None, modified_date=tx.now)


def is_with_carrier(state: State) -> bool:
    return state.enum_class == "PackageStatus" and state.enum_value in WITH_CARRIER


def sources(view: View, code: str) -> list[str]:
    """Give the names of the states from which a move with this code starts, for packages."""
    found = {
        view.one(State, each.source_state).name: None
        for each in view.all(Transition)
        if each.command_code == code and view.one(State, each.source_state).enum_class == "PackageStatus"
    }
    return list(found)


def wrong_state(view: View, package: Package, what: str, names: list[str]) -> Conflict:
    """Give the refusal that names the state the package is in, and those that would be right."""
    present = view.one(State, package.state).name
    needed = " or ".join(f'"{name}"' for name in names) or "that this installation does not have"
    return Conflict(f'{what} requires a state {needed}, but {package.number} is in state "{present}"', names)
