"""What each transfer order command changes, beyond the move along the graph."""

from __future__ import annotations

import orjson

from emulator.core.records import State, TransferItem, TransferOrder
from emulator.core.store import Transaction
from emulator.rules.commands.steps import (
    Outcome,
    Parameters,
    Step,
    carrier,
    first_carrier,
    set_state,
    ship,
)
from emulator.rules.graph import refuse
from emulator.rules.planning import transfer_anew

SPECIFIC_EVENTS = {
    "ready_to_shipment": "transfer.status.ready_to_shipment",
    "in_transit": "transfer.status.in_transit",
    "transferred": "transfer.status.transferred",
    "cancelled": "transfer.status.cancelled",
}
"""Transfer state value -> the event type of a move to this state."""


def only_the_state(transfer: TransferOrder, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """The items follow their transfer, and nothing else changes."""
    follow(step.tx, transfer)
    return None


def ready(transfer: TransferOrder, parameters: Parameters, step: Step) -> Outcome:
    """Ready for dispatch; a shipment is made unless the transition's configuration says no."""
    company = carrier(step.tx, parameters, required=False)
    configuration = orjson.loads(step.transition.configuration)
    if not isinstance(configuration, dict) or configuration.get("create_shipment", True):
        company = company or first_carrier(step.tx)
        shipment = ship(step.tx, company, transfer)
        transfer = step.tx.change(transfer, transfer_shipment=shipment.id)
    follow(step.tx, transfer)
    return None


def ready_advanced(transfer: TransferOrder, parameters: Parameters, step: Step) -> Outcome:
    """Ready for dispatch with a carrier and a tracking number from outside; the carrier is not told."""
    company = carrier(step.tx, parameters, required=True) or first_carrier(step.tx)
    shipment = ship(step.tx, company, transfer, tracking_number(parameters))
    follow(step.tx, step.tx.change(transfer, transfer_shipment=shipment.id))
    return None


def renew(transfer: TransferOrder, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """Cancelled, and another transfer order of the same items takes its place."""
    follow(step.tx, transfer)
    transfer_anew(step.tx, transfer)
    return None


def tracking_number(parameters: Parameters) -> str:
    number = parameters.get("tracking_number")
    if number is None:
        raise refuse("tracking_number", "This field is required.")
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise refuse("tracking_number", "Not a valid string.")
    if not str(number).strip():
        raise refuse("tracking_number", "This field may not be blank.")
    return str(number).strip()


def follow(tx: Transaction, transfer: TransferOrder) -> None:
    """Let all items of the transfer follow it, and queue the events of its move."""
    value = tx.one(State, transfer.state).enum_value
    for item in tx.find(TransferItem, "transfer_order", transfer.id):
        set_state(tx, item, value)
    tx.queue("transfer.status.transitioned", transfer)
    if value in SPECIFIC_EVENTS:
        tx.queue(SPECIFIC_EVENTS[value], transfer)


TRANSFER_COMMANDS = {
    "PKG_STATE_TRANSITION": only_the_state,
    "READY_TO_SHIP_TRANSFER_ORDER": ready,
    "READY_TO_SHIP_TRANSFER_ORDER_ADVANCE": ready_advanced,
    "RENEW_TRANSFER": renew,
}
