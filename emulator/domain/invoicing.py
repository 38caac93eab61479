"""Purchase invoices of packages."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from emulator.core.errors import ValidationFailed
from emulator.core.records import Invoice, InvoiceItem, Order, OrderItem, Package, PackageItem
from emulator.core.seeded_random import derive_uuid
from emulator.state.store import Transaction

CENT = Decimal("0.01")


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
