"""Commands of transfer orders: the changes that each makes in addition to the state transition."""

from __future__ import annotations

import orjson

from emulator.core.fields import CharField, IntegerField
from emulator.core.records import CargoCompany, Package, State, TransferItem, TransferOrder
from emulator.domain.commands.packages import Command, Parameters, finish_move
from emulator.domain.planning import find_other_source, recreate_transfer
from emulator.domain.shipments import create_shipment, default_carrier, resolve_carrier
from emulator.domain.state_graph import CommandStep, actor_transition, apply_transition, set_state
from emulator.domain.stock import move_reservations, receive_transfer
from emulator.state.store import Transaction

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
TRANSFERS_COMPLETE = "TRANSFERS_COMPLETE"
"""Command code of the planner's transition, which a package makes when its last transfer order arrives."""


def move_only(transfer: TransferOrder, _parameters: Parameters, step: CommandStep) -> None:
    """Move the items with their transfer order."""
    move_transfer_items(step.tx, transfer)


def mark_ready(transfer: TransferOrder, parameters: Parameters, step: CommandStep) -> None:
    """Mark the transfer order as ready. Create a shipment unless the transition's configuration disables it."""
    company = resolve_carrier(step.tx, parameters)
    configuration = orjson.loads(step.transition.configuration)
    if not isinstance(configuration, dict) or configuration.get("create_shipment", True):
        move_with_shipment(transfer, step, company)
    else:
        move_transfer_items(step.tx, transfer)


def mark_ready_advanced(transfer: TransferOrder, parameters: Parameters, step: CommandStep) -> None:
    """Mark the transfer order as ready, with the given carrier and tracking number."""
    move_with_shipment(transfer, step, resolve_carrier(step.tx, parameters), parameters["tracking_number"])


def move_with_shipment(
    transfer: TransferOrder, step: CommandStep, company: CargoCompany | None, awb_number: str | None = None
) -> None:
    shipment = create_shipment(step.tx, company or default_carrier(step.tx), transfer, awb_number)
    transfer = step.tx.change(transfer, transfer_shipment=shipment.id)
    move_transfer_items(step.tx, transfer, "shipment.created")


def cancel_and_recreate(transfer: TransferOrder, _parameters: Parameters, step: CommandStep) -> None:
    """Cancel the transfer order, and create another one of the same items."""
    move_transfer_items(step.tx, transfer)
    recreate_transfer(step.tx, transfer, transfer.source)


def report_product_not_found(transfer: TransferOrder, _parameters: Parameters, step: CommandStep) -> None:
    """Cancel the transfer order, and transfer its items from another location that has them, if any."""
    move_transfer_items(step.tx, transfer)
    source = find_other_source(step.tx, transfer)
    move_reservations(step.tx, transfer, None if source is None else source.id)
    if source is not None:
        recreate_transfer(step.tx, transfer, source.id)


def deliver_transfer(transfer: TransferOrder, _parameters: Parameters, step: CommandStep) -> None:
    """Complete the transfer order. With the last transfer of a package, the package starts waiting for packing."""
    move_transfer_items(step.tx, transfer)
    receive_transfer(step.tx, transfer)
    move_to_waiting(step.tx.get_existing(Package, transfer.package), step)


def move_to_waiting(package: Package, step: CommandStep) -> None:
    """Move the package from Waiting for Transfer to Waiting if all its transfers have arrived."""
    tx = step.tx
    transfers = tx.find(TransferOrder, "package", package.id)
    values = {tx.get_existing(State, transfer.state).enum_value for transfer in transfers} - {CANCELLED}
    transition = actor_transition(tx, package, TRANSFERS_COMPLETE)
    if values != {TRANSFERRED} or transition is None:
        return
    package = apply_transition(package, CommandStep(tx, transition, None, step.request_id))
    finish_move(tx, package)


def move_transfer_items(tx: Transaction, transfer: TransferOrder, *event_types: str) -> None:
    """Move the items with their transfer order. Queue the events of the transition and the given events."""
    value = tx.get_existing(State, transfer.state).enum_value
    for item in tx.find(TransferItem, "transfer_order", transfer.id):
        set_state(tx, item, value)
    tx.queue_event("transfer.status.transitioned", transfer)
    if value in SPECIFIC_EVENTS:
        tx.queue_event(SPECIFIC_EVENTS[value], transfer)
    if value in SHIPMENT_EVENTS and transfer.transfer_shipment is not None:
        tx.queue_event(SHIPMENT_EVENTS[value], transfer)
    for event_type in event_types:
        tx.queue_event(event_type, transfer)


TRANSFER_COMMANDS = {
    "PKG_STATE_TRANSITION": Command(move_only),
    "READY_TO_SHIP_TRANSFER_ORDER": Command(mark_ready, {"cargo_company": IntegerField(required=False)}),
    "READY_TO_SHIP_TRANSFER_ORDER_ADVANCE": Command(
        mark_ready_advanced, {"cargo_company": IntegerField(), "tracking_number": CharField(max_length=255)}
    ),
    "RENEW_TRANSFER": Command(cancel_and_recreate),
    "DISPATCH_TRANSFER_ORDER": Command(move_only),
    "DELIVER_TRANSFER_ORDER": Command(deliver_transfer),
    "TRANSFER_PRODUCT_NOT_FOUND": Command(report_product_not_found),
}
