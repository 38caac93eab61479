"""Orders that are over are forgotten with all that is theirs, so that a world that runs for long does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from emulator.core.records import (
    Address,
    Customer,
    Invoice,
    InvoiceDocument,
    InvoiceItem,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    ShippingLabel,
    State,
    TransferItem,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)
from emulator.core.store import Transaction, View
from emulator.rules.stock import end_reservations


def forget_orders(tx: Transaction, orders: Iterable[int]) -> int:
    """Forget these orders; give how many. One whose events still wait for a hook stays, and so does a base's."""
    going = [order for id_ in orders if (order := tx.get(Order, id_)) is not None and may_go(tx, order)]
    packages = {id_ for order in going for id_ in tx.related(Package, "order", order.id)}
    transfers = {id_ for package in packages for id_ in tx.related(TransferOrder, "package", package)}
    loose = [*shipments_of(tx, packages, transfers), *labels_of(tx, packages)]
    for order in going:
        forget_order(tx, order)
    for record in loose:
        tx.remove(record)
    return len(going)


def may_go(view: View, order: Order) -> bool:
    if view.base.has(Order, order.id):
        return False
    return not any(
        event.due is not None for subject in subjects_of(view, order) for event in events_of(view, subject)
    )


def subjects_of(view: View, order: Order) -> Iterator[Any]:
    """Give the records of an order that have logs and events."""
    for package in view.find(Package, "order", order.id):
        yield package
        yield from view.find(TransferOrder, "package", package.id)
    yield order


def subject_key(view: View, subject: Any) -> tuple[int, int]:
    return (view.one(State, subject.state).content_type, subject.id)


def events_of(view: View, subject: Any) -> list[WebhookEvent]:
    return view.find(WebhookEvent, "subject", subject_key(view, subject))


def own(view: View, kind: type[Any]) -> Iterator[Any]:
    """Give the records of a kind that are the world's own."""
    return (view.one(kind, id_) for id_ in view.added_ids(kind))


def shipments_of(view: View, packages: set[int], transfers: set[int]) -> list[Shipment]:
    """Give the shipments of packages and transfer orders, those that were called off too."""
    return [each for each in own(view, Shipment) if each.package in packages or each.transfer_order in transfers]


def labels_of(view: View, packages: set[int]) -> list[ShippingLabel]:
    return [each for each in own(view, ShippingLabel) if each.package in packages]


def forget_order(tx: Transaction, order: Order) -> None:
    """Forget an order, from what refers to others to what is referred to."""
    for subject in subjects_of(tx, order):
        for record in [*events_of(tx, subject), *tx.find(TransitionLog, "subject", subject_key(tx, subject))]:
            tx.remove(record)
    for package in tx.find(Package, "order", order.id):
        forget_package(tx, package)
    for item in tx.find(OrderItem, "order", order.id):
        tx.remove(item)
    tx.remove(order)
    addresses = {order.shipping_address, order.billing_address}
    customer = tx.one(Customer, order.customer)
    if not tx.related(Order, "customer", customer.id) and not tx.base.has(Customer, customer.id):
        for id_ in addresses:
            tx.remove(tx.one(Address, id_))
        tx.remove(customer)


def forget_package(tx: Transaction, package: Package) -> None:
    end_reservations(tx, package, give_back=True)
    for transfer in tx.find(TransferOrder, "package", package.id):
        for item in tx.find(TransferItem, "transfer_order", transfer.id):
            tx.remove(item)
        tx.remove(transfer)
    for invoice in tx.find(Invoice, "package", package.id):
        for line in tx.find(InvoiceItem, "invoice", invoice.id):
            tx.remove(line)
        tx.remove(invoice)
    for kind in (InvoiceDocument, PackageItem):
        for record in tx.find(kind, "package", package.id):
            tx.remove(record)
    tx.remove(package)
