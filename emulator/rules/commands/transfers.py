"""Commands of transfer orders: their changes beyond the state transition."""

from __future__ import annotations

import orjson

from emulator.core.fields import CharField, IntegerField
from emulator.core.records import Package, State, TransferItem, TransferOrder
from emulator.core.store import Transaction
from emulator.rules.commands.command import Command
from emulator.rules.commands.packages import tell
from emulator.rules.commands.steps import (
    Outcome,
    Parameters,
    Step,
    first_carrier,
    follow,
    move,
    named_carrier,
    set_state,
    ship,
)
from emulator.rules.graph import move_of
from emulator.rules.planning import another_source, transfer_anew
from emulator.rules.stock import arrived, not_found

SPECIFIC_EVENTS = {
    "ready_to_shipment": "transfer.status.ready_to_shipment",
    "in_transit": "transfer.status.in_transit",
    "transferred": "transfer.status.transferred",
    "cancelled": "transfer.status.cancelled",
}
"""Transfer state value -> event type of every transition to this state."""
SHIPMENT_EVENTS = {
    "in_transit": "shipment.status.updated",
    "transferred": "shipment.status.updated",
    "cancelled": "shipment.cancelled",
}
"""Transfer state value -> event type of the transfer's shipment in a transition to this state (assumed)."""
TRANSFERRED, CANCELLED = "transferred", "cancelled"


def only_the_state(transfer: TransferOrder, _parameters: Parameters, step: Step) -> Outcome:
    """Move the items with their transfer order."""
    bring_items(step.tx, transfer)
    return None


def ready(transfer: TransferOrder, parameters: Parameters, step: Step) -> Outcome:
    """Mark the transfer order as ready. Create a shipment unless the transition's configuration disables it."""
    company = named_carrier(step.tx, parameters)
    configuration = orjson.loads(step.transition.configuration)
    if not isinstance(configuration, dict) or configuration.get("create_shipment", True):
        shipment = ship(step.tx, company or first_carrier(step.tx), transfer)
        transfer = step.tx.change(transfer, transfer_shipment=shipment.id)
        bring_items(step.tx, transfer, "shipment.created")
    else:
        bring_items(step.tx, transfer)
    return None


def ready_advanced(transfer: TransferOrder, parameters: Parameters, step: Step) -> Outcome:
    """Mark the transfer order as ready, with the given carrier and tracking number."""
    company = named_carrier(step.tx, parameters) or first_carrier(step.tx)
    shipment = ship(step.tx, company, transfer, parameters["tracking_number"])
    transfer = step.tx.change(transfer, transfer_shipment=shipment.id)
    bring_items(step.tx, transfer, "shipment.created")
    return None


def renew(transfer: TransferOrder, _parameters: Parameters, step: Step) -> Outcome:
    """Cancel the transfer order, and create another one of the same items."""
    bring_items(step.tx, transfer)
    transfer_anew(step.tx, transfer, transfer.source)
    return None


def product_not_found(transfer: TransferOrder, _parameters: Parameters, step: Step) -> Outcome:
    """Cancel the transfer order, and transfer its items from another location that has them, if any."""
    bring_items(step.tx, transfer)
    source = another_source(step.tx, transfer)
    not_found(step.tx, transfer, None if source is None else source.id)
    if source is not None:
        transfer_anew(step.tx, transfer, source.id)
    return None


def deliver(transfer: TransferOrder, _parameters: Parameters, step: Step) -> Outcome:
    """Complete the transfer order. With the last transfer of a package, the package starts waiting for packing."""
    bring_items(step.tx, transfer)
    arrived(step.tx, transfer)
    complete_package(step.tx.one(Package, transfer.package), step)
    return None


def complete_package(package: Package, step: Step) -> None:
    """Move the package from Waiting for Transfer to Waiting if all its transfers have arrived."""
    tx = step.tx
    transfers = tx.find(TransferOrder, "package", package.id)
    values = {tx.one(State, transfer.state).enum_value for transfer in transfers} - {CANCELLED}
    transition = move_of(tx, package, "TRANSFERS_COMPLETE")
    if values != {TRANSFERRED} or transition is None:
        return
    package = move(package, Step(tx, transition, None, step.request_id))
    follow(tx, package)
    tell(tx, package)


def bring_items(tx: Transaction, transfer: TransferOrder, *event_types: str) -> None:
    """Move the items with their transfer order. Queue the events of the transition and the given events."""
    value = tx.one(State, transfer.state).enum_value
    for item in tx.find(TransferItem, "transfer_order", transfer.id):
        set_state(tx, item, value)
    tx.queue("transfer.status.transitioned", transfer)
    if value in SPECIFIC_EVENTS:
        tx.queue(SPECIFIC_EVENTS[value], transfer)
    if value in SHIPMENT_EVENTS and transfer.transfer_shipment is not None:
        tx.queue(SHIPMENT_EVENTS[value], transfer)
    for event_type in event_types:
        tx.queue(event_type, transfer)


TRANSFER_COMMANDS = {
    "PKG_STATE_TRANSITION": Command(only_the_state),
    "READY_TO_SHIP_TRANSFER_ORDER": Command(ready, {"cargo_company": IntegerField(required=False)}),
    "READY_TO_SHIP_TRANSFER_ORDER_ADVANCE": Command(
        ready_advanced, {"cargo_company": IntegerField(), "tracking_number": CharField(max_length=255)}
    ),
    "RENEW_TRANSFER": Command(renew),
    "DISPATCH_TRANSFER_ORDER": Command(only_the_state),
    "DELIVER_TRANSFER_ORDER": Command(deliver),
    "TRANSFER_PRODUCT_NOT_FOUND": Command(product_not_found),
}
