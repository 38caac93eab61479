"""Which records of a list may differ from the base's: how each changed record leads to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from emulator.core.records import (
    Address,
    Customer,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    TransferItem,
    TransferOrder,
    WebhookEvent,
)
from emulator.core.store import REMOVED, View

Lead = Callable[[View, Any], Iterable[int]]


def itself(view: View, record: Any) -> Iterable[int]:  # noqa: ARG001 - every lead's signature
    return (record.id,)


def its_package(view: View, record: Any) -> Iterable[int]:  # noqa: ARG001 - every lead's signature
    return () if record.package is None else (record.package,)


def of_order(view: View, order: int) -> Iterable[int]:
    return view.related(Package, "order", order)


def of_customer(view: View, customer: Customer) -> Iterable[int]:
    return [id_ for order in view.related(Order, "customer", customer.id) for id_ in of_order(view, order)]


def of_address(view: View, address: Address) -> Iterable[int]:
    return view.related(Package, "shipping_address", address.id)


TO_PACKAGES: dict[type[Any], Lead] = {
    Package: itself,
    PackageItem: its_package,
    Shipment: its_package,
    Order: lambda view, order: of_order(view, order.id),
    OrderItem: lambda view, item: of_order(view, item.order),
    Customer: of_customer,
    Address: of_address,
}


def through_packages(lead: Lead) -> Lead:
    """Give the lead to the transfer orders of the packages that a lead finds."""

    def transfers(view: View, record: Any) -> Iterable[int]:
        packages = lead(view, record)
        return [id_ for package in packages for id_ in view.related(TransferOrder, "package", package)]

    return transfers


def of_shipment(view: View, shipment: Shipment) -> Iterable[int]:
    if shipment.transfer_order is not None:
        return (shipment.transfer_order,)
    return through_packages(its_package)(view, shipment)


TO_TRANSFERS: dict[type[Any], Lead] = {
    **{kind: through_packages(TO_PACKAGES[kind]) for kind in (Package, Order, Customer)},
    TransferOrder: itself,
    TransferItem: lambda _, item: (item.transfer_order,),
    Shipment: of_shipment,
}

LEADS: dict[type[Any], dict[type[Any], Lead]] = {
    Package: TO_PACKAGES,
    TransferOrder: TO_TRANSFERS,
    WebhookEvent: {WebhookEvent: itself},
}
"""List -> changed kind -> the records of the list that look at it. Reference data is not here: what is wanted of it
becomes a set of ids in every query anew."""


def changed(view: View, kind: type[Any]) -> set[int]:
    """Give the ids of a kind that may have other values than in the base."""
    found: set[int] = set()
    for changed_kind, lead in LEADS[kind].items():
        for id_, record in view.maps.get(changed_kind, {}).items():
            if record is not REMOVED:
                found.update(lead(view, record))
            if lead is not itself and (before := view.base.get(changed_kind, id_)) is not None:
                found.update(lead(view, before))
    return found
