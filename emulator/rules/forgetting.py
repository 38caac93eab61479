"""Delete finished orders with all their records, so that a long-running world does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    Record,
    RecordKind,
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


def delete_orders(tx: Transaction, orders: Iterable[int]) -> int:
    """Delete orders and return how many. Orders of the scenario and orders with pending events are kept."""
    deletable = [order for id_ in orders if (order := tx.get(Order, id_)) is not None and is_deletable(tx, order)]
    packages = {id_ for order in deletable for id_ in tx.related(Package, "order", order.id)}
    transfers = {id_ for package in packages for id_ in tx.related(TransferOrder, "package", package)}
    shipping_records = [*list_shipments(tx, packages, transfers), *list_labels(tx, packages)]
    for order in deletable:
        delete_order(tx, order)
    for record in shipping_records:
        tx.remove(record)
    return len(deletable)


def is_deletable(view: View, order: Order) -> bool:
    if view.base.has(Order, order.id):
        return False
    events = (event for subject in logged_records(view, order) for event in list_events(view, subject))
    return all(event.due is None for event in events)


def logged_records(view: View, order: Order) -> Iterator[Order | Package | TransferOrder]:
    """Yield the records of an order that have logs and events."""
    for package in view.find(Package, "order", order.id):
        yield package
        yield from view.find(TransferOrder, "package", package.id)
    yield order


def subject_key(view: View, subject: Order | Package | TransferOrder) -> tuple[int, int]:
    return (view.one(State, subject.state).content_type, subject.id)


def list_events(view: View, subject: Order | Package | TransferOrder) -> list[WebhookEvent]:
    return view.find(WebhookEvent, "subject", subject_key(view, subject))


def changed_records(view: View, kind: RecordKind) -> Iterator[Record]:
    """Yield the records of a kind that were added after the scenario's start."""
    return (view.one(kind, id_) for id_ in view.added_ids(kind))


def list_shipments(view: View, packages: set[int], transfers: set[int]) -> list[Shipment]:
    """Return the shipments of packages and transfer orders, including cancelled ones."""
    return [
        each
        for each in changed_records(view, Shipment)
        if each.package in packages or each.transfer_order in transfers
    ]


def list_labels(view: View, packages: set[int]) -> list[ShippingLabel]:
    return [each for each in changed_records(view, ShippingLabel) if each.package in packages]


def delete_order(tx: Transaction, order: Order) -> None:
    """Delete an order. Records are deleted before the records that they refer to."""
    for subject in logged_records(tx, order):
        for record in [*list_events(tx, subject), *tx.find(TransitionLog, "subject", subject_key(tx, subject))]:
            tx.remove(record)
    for package in tx.find(Package, "order", order.id):
        delete_package(tx, package)
    for item in tx.find(OrderItem, "order", order.id):
        tx.remove(item)
    tx.remove(order)
    addresses = {order.shipping_address, order.billing_address}
    customer = tx.one(Customer, order.customer)
    if not tx.related(Order, "customer", customer.id) and not tx.base.has(Customer, customer.id):
        for id_ in addresses:
            tx.remove(tx.one(Address, id_))
        tx.remove(customer)


def delete_package(tx: Transaction, package: Package) -> None:
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
