"""Which listed records depend on a changed record.

The filters of a list read several kinds of records. A table leads from a record of each kind to the listed records
whose values may have changed with it.
"""

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

Dependents = Callable[[View, Any], Iterable[int]]


def itself(view: View, record: Any) -> Iterable[int]:  # noqa: ARG001 - the common signature
    return (record.id,)


def its_package(view: View, record: Any) -> Iterable[int]:  # noqa: ARG001 - the common signature
    return () if record.package is None else (record.package,)


def of_order(view: View, order: int) -> Iterable[int]:
    return view.related(Package, "order", order)


def of_customer(view: View, customer: Customer) -> Iterable[int]:
    return [id_ for order in view.related(Order, "customer", customer.id) for id_ in of_order(view, order)]


def of_address(view: View, address: Address) -> Iterable[int]:
    return view.related(Package, "shipping_address", address.id)


TO_PACKAGES: dict[type[Any], Dependents] = {
    Package: itself,
    PackageItem: its_package,
    Shipment: its_package,
    Order: lambda view, order: of_order(view, order.id),
    OrderItem: lambda view, item: of_order(view, item.order),
    Customer: of_customer,
    Address: of_address,
}


def through_packages(dependents: Dependents) -> Dependents:
    """Return a function that finds the transfer orders of the dependent packages."""

    def transfers(view: View, record: Any) -> Iterable[int]:
        packages = dependents(view, record)
        return [id_ for package in packages for id_ in view.related(TransferOrder, "package", package)]

    return transfers


def of_shipment(view: View, shipment: Shipment) -> Iterable[int]:
    if shipment.transfer_order is not None:
        return (shipment.transfer_order,)
    return through_packages(its_package)(view, shipment)


TO_TRANSFERS: dict[type[Any], Dependents] = {
    **{kind: through_packages(TO_PACKAGES[kind]) for kind in (Package, Order, Customer)},
    TransferOrder: itself,
    TransferItem: lambda _, item: (item.transfer_order,),
    Shipment: of_shipment,
}

DEPENDENTS: dict[type[Any], dict[type[Any], Dependents]] = {
    Package: TO_PACKAGES,
    TransferOrder: TO_TRANSFERS,
    WebhookEvent: {WebhookEvent: itself},
}
"""Listed kind -> changed kind -> the dependent records. Reference data is not here: each query resolves its
conditions on reference data to a set of ids."""


def changed_ids(view: View, kind: type[Any]) -> set[int]:
    """Return the ids of listed records whose values may differ from the base's."""
    ids: set[int] = set()
    for changed_kind, dependents in DEPENDENTS[kind].items():
        for id_, record in view.maps.get(changed_kind, {}).items():
            if record is not REMOVED:
                ids.update(dependents(view, record))
            if dependents is not itself and (before := view.base.get(changed_kind, id_)) is not None:
                ids.update(dependents(view, before))
    return ids
