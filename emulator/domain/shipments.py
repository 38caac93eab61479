"""Shipments, shipping labels and purchase invoices: create them, and choose the carriers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from emulator.core.errors import ValidationFailed
from emulator.core.json_text import JsonValue
from emulator.core.records import (
    CargoCompany,
    Invoice,
    InvoiceItem,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    ShippingLabel,
    State,
    TransferOrder,
)
from emulator.core.seeded_random import derive_uuid, derive_uuid_text
from emulator.domain.state_graph import Subject, command_error, unknown_id_error
from emulator.state.store import Transaction

CENT = Decimal("0.01")
SHIPMENT_STATUS, SHIPMENT_CREATED = "ShipmentStatus", 99
"""Enum class and id of the only shipment state in the documentation."""


def resolve_carrier(tx: Transaction, parameters: Mapping[str, JsonValue]) -> CargoCompany | None:
    """Return the cargo company that the parameters name, or None if they name none."""
    id_ = parameters.get("cargo_company")
    if id_ is None:
        return None
    if (company := tx.get(CargoCompany, id_)) is None:
        raise unknown_id_error("cargo_company", id_)
    return company


def default_carrier(tx: Transaction) -> CargoCompany:
    """Return the default carrier: the active one with the lowest id."""
    for company in tx.all(CargoCompany):
        if company.is_active:
            return company
    raise command_error("cargo_company", "No cargo company is active.")


def create_shipment(
    tx: Transaction, company: CargoCompany, owner: Subject, awb_number: str | None = None
) -> Shipment:
    """Create the shipment of a package or transfer order. The default AWB number is generated."""
    id_ = tx.new_id(Shipment)
    number = awb_number or f"{derive_uuid('awb', id_, owner.number).int % 10**10:010d}"
    return tx.add(
        Shipment(
            id=id_,
            cargo_company=company.id,
            state=initial_shipment_state(tx),
            package=owner.id if isinstance(owner, Package) else None,
            transfer_order=owner.id if isinstance(owner, TransferOrder) else None,
            created_date=tx.now,
            modified_date=tx.now,
            awb_number=number,
            update_date_time=tx.now,
            query_number=number,
        )
    )


def initial_shipment_state(tx: Transaction) -> int:
    """Return the state of a new shipment: the documented one, or the first of the installation."""
    documented = tx.get(State, SHIPMENT_CREATED)
    if documented is None or documented.enum_class != SHIPMENT_STATUS:
        return next((each.id for each in tx.all(State) if each.enum_class == SHIPMENT_STATUS), SHIPMENT_CREATED)
    return documented.id


def attach_shipment(
    tx: Transaction, package: Package, company: CargoCompany, awb_number: str | None = None
) -> Package:
    """Create the package's shipment, and set its tracking number. Return the changed package."""
    shipment = create_shipment(tx, company, package, awb_number)
    return tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)


def create_label(tx: Transaction, package: Package) -> Package:
    """Create a shipping label for the package, which replaces its former label."""
    id_ = tx.new_id(ShippingLabel)
    label = tx.add(ShippingLabel(id=id_, package=package.id, uuid=derive_uuid_text("label", id_, package.number)))
    return tx.change(package, shipping_label=label.id)


def require_shipment(tx: Transaction, package: Package) -> Shipment:
    """Return the package's shipment. Raise `ValidationFailed` if it has none."""
    if package.shipment is None:
        raise command_error("shipment", f"{package.number} has no shipment.")
    return tx.get_existing(Shipment, package.shipment)


def touch_shipment(tx: Transaction, package: Package) -> None:
    """Set the update time of the package's shipment, if it has one."""
    if package.shipment is not None:
        tx.change(require_shipment(tx, package), update_date_time=tx.now, modified_date=tx.now)


# --- invoices -------------------------------------------------------------------------------------------------------


def create_purchase_invoice(tx: Transaction, package: Package) -> Invoice:
    """Create the package's purchase invoice with an invoice item for each package item.

    Raise `ValidationFailed` if the package already has one (assumed: the service's behaviour is not documented).
    """
    if tx.related(Invoice, "package", package.id):
        raise ValidationFailed({"non_field_errors": ["The package already has a purchase invoice."]})
    order = tx.get_existing(Order, package.order)
    id_ = tx.new_id(Invoice)
    invoice = tx.add(
        Invoice(
            id=id_,
            channel=order.channel,
            address=order.billing_address,
            order=order.id,
            package=package.id,
            created_date=tx.now,
            modified_date=tx.now,
            number=f"{derive_uuid('invoice', id_, package.number).int % 10**10:010d}",
        )
    )
    for item in tx.find(PackageItem, "package", package.id):
        create_invoice_item(tx, invoice, tx.get_existing(OrderItem, item.order_item))
    tx.change(package, invoice=invoice.id, modified_date=tx.now)
    return invoice


def create_invoice_item(tx: Transaction, invoice: Invoice, item: OrderItem) -> None:
    tx.add(
        InvoiceItem(
            id=tx.new_id(InvoiceItem),
            invoice=invoice.id,
            order_item=item.id,
            created_date=tx.now,
            modified_date=tx.now,
            tax_rate=item.tax_rate,
            tax_amount=included_tax(item.net_amount, item.tax_rate),
            total_amount=item.net_amount,
            net_amount=item.net_amount,
        )
    )


def included_tax(amount: str, rate: str) -> str:
    """Return the tax included in an amount: 7.98 in 65.00 at 14 %, as in the documented sample."""
    share = Decimal(amount) * Decimal(rate) / (100 + Decimal(rate))
    return str(share.quantize(CENT, ROUND_HALF_UP))
