"""Commands that ship packages: their changes beyond the state transition."""

from __future__ import annotations

from emulator.core.fields import CharField, IntegerField, ListField
from emulator.core.records import InvoiceDocument, Package, Shipment
from emulator.domain.commands.packages import queue_events, resolve_items
from emulator.domain.commands.steps import (
    Command,
    CommandStep,
    Outcome,
    Parameters,
    create_label,
    create_shipment,
    default_carrier,
    move_items,
    resolve_carrier,
)
from emulator.domain.state_graph import command_error
from emulator.state.store import Transaction


def ship_package(package: Package, _parameters: Parameters, step: CommandStep) -> Outcome:
    """Ship the package with its existing shipment. The carrier is not notified."""
    require_shipment(step.tx, package)
    return mark_shipped(package, step)


def ship_without_shipment(package: Package, _parameters: Parameters, step: CommandStep) -> Outcome:
    """Ship the package, with or without a shipment."""
    return mark_shipped(package, step)


def ship_advanced(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Ship the package with the given carrier and tracking number."""
    company = resolve_carrier(step.tx, parameters) or default_carrier(step.tx)
    number = parameters["tracking_number"]
    shipment = create_shipment(step.tx, company, package, number)
    package = step.tx.change(package, shipment=shipment.id, tracking_number=number)
    create_label(step.tx, package)
    return mark_shipped(package, step, "shipment.created", "package.shipment.awb_number")


def mark_shipped(package: Package, step: CommandStep, *event_types: str) -> Outcome:
    # The order items stay in state Preparing, as in the documented sample of a delivered package.
    tx = step.tx
    package = tx.change(package, shipment_date=tx.now)
    move_items(tx, package)
    queue_events(tx, package, *event_types)
    return None


def update_shipment_status(package: Package, _parameters: Parameters, step: CommandStep) -> Outcome:
    """Deliver the package: move its items, and update the times of its shipment."""
    move_items(step.tx, package)
    touch_shipment(step.tx, package)
    queue_events(step.tx, package, "shipment.status.updated")
    return None


def touch_shipment(tx: Transaction, package: Package) -> None:
    if package.shipment is not None:
        shipment = tx.get_existing(Shipment, package.shipment)
        tx.change(shipment, update_date_time=tx.now, modified_date=tx.now)


def update_shipment_info(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Change carrier and numbers of the shipment, and create a new label."""
    tx, number = step.tx, parameters["tracking_number"]
    shipment = require_shipment(tx, package)
    company = resolve_carrier(tx, parameters)
    shipment = tx.change(
        shipment,
        cargo_company=shipment.cargo_company if company is None else company.id,
        awb_number=number,
        query_number=parameters.get("query_number", number),
        update_date_time=tx.now,
        modified_date=tx.now,
    )
    package = tx.change(package, tracking_number=number)
    create_label(tx, package)
    tx.queue_event("package.shipment.awb_number", package)
    return None


def update_label(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Create a new label. A package that waited for it becomes packed."""
    resolve_items(step.tx, package, parameters)
    require_shipment(step.tx, package)
    package = create_label(step.tx, package)
    if step.transition.source_state != step.transition.destination_state:
        move_items(step.tx, package)
        queue_events(step.tx, package)
    return None


def require_shipment(tx: Transaction, package: Package) -> Shipment:
    """Return the package's shipment. Raise `ValidationFailed` if it has none."""
    if package.shipment is None:
        raise command_error("shipment", f"{package.number} has no shipment.")
    return tx.get_existing(Shipment, package.shipment)


def update_invoice(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Replace the package's invoice document."""
    tx = step.tx
    for former in tx.find(InvoiceDocument, "package", package.id):
        tx.remove(former)
    tx.add(
        InvoiceDocument(
            id=tx.new_id(InvoiceDocument),
            package=package.id,
            number=parameters["invoice_number"],
            document_type=parameters["invoice_document_type"],
            content=parameters["document_content"],
            date=parameters["invoice_date"],
            created_date=tx.now,
        )
    )
    tx.change(package, invoice_number=parameters["invoice_number"])
    return None


NUMBER = CharField(max_length=255)
SHIPPING_COMMANDS = {
    "SHIP_PACKAGE": Command(ship_package),
    "SHIPMENT_ORDER": Command(ship_package),
    "SHIP_PACKAGE_WITHOUT_SHIPMENT": Command(ship_without_shipment),
    "SHIPMENT_ORDER_ADVANCE": Command(ship_advanced, {"cargo_company": IntegerField(), "tracking_number": NUMBER}),
    "UPDATE_PACKAGE_SHIPMENT_STATUS": Command(update_shipment_status),
    "UPDATE_SHIPMENT_INFO_OF_PACKAGE": Command(
        update_shipment_info,
        {
            "cargo_company": IntegerField(required=False),
            "tracking_number": NUMBER,
            "query_number": CharField(required=False, max_length=255),
        },
    ),
    "UPDATE_SHIPMENT_LABEL": Command(
        update_label, {"package_items": ListField(child=IntegerField(), allow_empty=True)}
    ),
    "UPDATE_INVOICE_OF_THE_PACKAGE": Command(
        update_invoice,
        {
            "invoice_number": NUMBER,
            "invoice_document_type": NUMBER,
            "document_content": CharField(),
            "invoice_date": CharField(max_length=32),
        },
    ),
}
