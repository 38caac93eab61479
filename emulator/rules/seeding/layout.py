"""Which ids belong to which block: by arithmetic, so that any record is found without looking."""

from __future__ import annotations

from typing import Any

from emulator.core.records import (
    Address,
    Customer,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Reservation,
    Shipment,
    ShippingLabel,
    TransferItem,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)

FIRST: dict[type[Any], int] = {
    Address: 2001,
    Customer: 1201,
    Order: 6301,
    OrderItem: 6201,
    Package: 6501,
    PackageItem: 6701,
    Reservation: 5501,
    Shipment: 3001,
    ShippingLabel: 2901,
    TransferItem: 1401,
    TransferOrder: 1301,
    TransitionLog: 48001,
    WebhookEvent: 3101,
}
"""The first id of each kind that is generated."""
STRIDE: dict[type[Any], int] = {
    Address: 8,
    Customer: 4,
    Order: 4,
    OrderItem: 8,
    Package: 5,
    PackageItem: 8,
    Reservation: 8,
    Shipment: 6,
    ShippingLabel: 5,
    TransferItem: 3,
    TransferOrder: 1,
    TransitionLog: 24,
    WebhookEvent: 6,
}
"""How many ids of each kind a block may use."""
OWNERS: dict[tuple[type[Any], str], type[Any]] = {
    (Order, "customer"): Customer,
    (OrderItem, "order"): Order,
    (Package, "order"): Order,
    (Package, "shipping_address"): Address,
    (PackageItem, "package"): Package,
    (Reservation, "package"): Package,
    (TransferOrder, "package"): Package,
    (TransferItem, "transfer_order"): TransferOrder,
}
"""Relations whose key is an id that tells the block."""


def first_of(kind: type[Any], block: int) -> int:
    """Give the first id of this kind in a block."""
    return FIRST[kind] + block * STRIDE[kind]


def block_of(kind: type[Any], id_: int) -> int:
    """Give the block that an id of this kind would belong to."""
    return (id_ - FIRST[kind]) // STRIDE[kind]
