"""Records that planner and arranger both make: a package, its items, and the transfer orders that complete it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.jsontext import compact
from emulator.core.records import (
    Address,
    Order,
    OrderItem,
    Package,
    PackageItem,
    State,
    StockLocation,
    TransferItem,
    TransferOrder,
)
from emulator.core.store import Transaction
from emulator.rules.arranging.states import ITEM, PACKAGE, TRANSFER, TRANSFER_WAITING, state_of
from emulator.rules.graph import ITEM_VALUES
from emulator.rules.identity import encrypted_id
from emulator.rules.planning import distance, highest, interval, next_part
from emulator.rules.stock import reserve

PLAN_ITEMS = 66
"""The planner's numbers run ahead of the packages' ids by this, as in the demonstration."""


def new_package(
    tx: Transaction, order: Order, location: StockLocation, value: str, given: Mapping[str, Any] | None = None
) -> Package:
    """Make a package without items in the state of this enum value; `given` columns win."""
    id_ = tx.new_id(Package)
    far = distance(tx, location, tx.one(Address, order.shipping_address))
    made = {
        "number": f"{order.number}P{next_part(tx, order)}",
        "target_packing_date": order.date_placed + interval(location.target_packing_interval),
        "created_date": tx.now,
        "modified_date": tx.now,
        "extra_information": compact({"distance_to_shipping_address": round(far or 0)}),
    }
    return tx.add(
        Package(
            id=id_,
            state=state_of(tx, PACKAGE, value).id,
            order=order.id,
            shipping_address=order.shipping_address,
            stock_location=location.id,
            plan_item=id_ + PLAN_ITEMS,
            id_encrypted=encrypted_id(id_, tx.now),
            **(made | dict(given or {})),  # type: ignore[arg-type]
        )
    )


def new_item(
    tx: Transaction,
    package: Package,
    bought: OrderItem,
    source: int | None = None,
    given: Mapping[str, Any] | None = None,
) -> PackageItem:
    """Put an order item into a package, with its claim on the stock of the source (or of the package's location)."""
    value = tx.one(State, package.state).enum_value
    item = tx.add(
        PackageItem(
            id=tx.new_id(PackageItem),
            state=state_of(tx, ITEM, ITEM_VALUES.get(value, value)).id,
            order_item=bought.id,
            package=package.id,
            created_date=tx.now,
            modified_date=tx.now,
            **(given or {}),
        )
    )
    reserve(tx, package, item, source)
    return item


def new_transfer(tx: Transaction, package: Package, source: StockLocation, items: list[PackageItem]) -> TransferOrder:
    """Make the transfer order that brings these items from a source to where the package is packed."""
    numbers = (found.number for found in tx.find(TransferOrder, "package", package.id))
    transfer = tx.add(
        TransferOrder(
            id=tx.new_id(TransferOrder),
            state=state_of(tx, TRANSFER, TRANSFER_WAITING).id,
            package=package.id,
            source=source.id,
            destination=package.stock_location,
            number=f"{package.number}T{1 + highest(numbers, 'T')}",
            target_transfer_date=tx.now + interval(source.target_transfer_interval),
            plan_item=package.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    for item in items:
        new_transfer_item(tx, transfer, item)
    tx.queue("transfer.status.created", transfer)
    return transfer


def new_transfer_item(tx: Transaction, transfer: TransferOrder, item: PackageItem) -> None:
    tx.add(
        TransferItem(
            id=tx.new_id(TransferItem),
            state=state_of(tx, TRANSFER, TRANSFER_WAITING, of_items=True).id,
            package_item=item.id,
            product=tx.one(OrderItem, item.order_item).product,
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    tx.change(item, transfer_order=transfer.id)
