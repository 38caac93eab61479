"""A demonstration consists of blocks of records, and the id of a record tells its block."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

from emulator.core.bases import group_relations
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

R = TypeVar("R")

BLOCK = 5
"""Packages in a block."""
ORDERS = 4
"""Orders in a block. The last two packages belong to one order."""
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
    Order: ORDERS,
    OrderItem: 8,
    Package: BLOCK,
    PackageItem: 8,
    Reservation: 8,
    Shipment: 6,
    ShippingLabel: 5,
    TransferItem: 3,
    TransferOrder: 1,
    TransitionLog: 24,
    WebhookEvent: 6,
}
"""The number of ids of each kind that are reserved for a block."""
GAPLESS = (Customer, Order, Package, PackageItem, TransferOrder, WebhookEvent)
"""Kinds of which a whole block uses all its ids."""
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
"""Relations whose key is an id -> the kind of that id. The id tells the block."""


def first_id(kind: type[Any], block: int) -> int:
    """Return the first id of this kind in a block."""
    return FIRST[kind] + block * STRIDE[kind]


def block_of(kind: type[Any], id_: int) -> int:
    """Return the block that an id of this kind belongs to."""
    return (id_ - FIRST[kind]) // STRIDE[kind]


class Block:
    """The records of one block, by kind and id."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tables: dict[type[Any], dict[int, Any]] = {kind: {} for kind in FIRST}

    def new_id(self, kind: type[Any]) -> int:
        """Return the next free id of this kind."""
        return first_id(kind, self.number) + len(self.tables[kind])

    def add(self, record: R) -> R:
        """Add the record, and return it."""
        self.tables[type(record)][record.id] = record  # type: ignore[attr-defined]
        return record

    def get(self, kind: type[R], id_: int) -> R | None:
        return self.tables[kind].get(id_)

    def related(self, kind: type[Any], relation: str, key: Any) -> tuple[int, ...]:
        """Return the ids under this key of the relation."""
        return self._relations.get((kind, relation), {}).get(key, ())

    @cached_property
    def _relations(self) -> dict[tuple[type[Any], str], dict[Any, tuple[int, ...]]]:
        return group_relations(self.tables)
