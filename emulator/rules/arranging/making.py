"""Create packages, their items, and the transfer orders that bring items to them."""

from __future__ import annotations

from emulator.core.jsontext import compact
from emulator.core.records import (
    Address,
    Columns,
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
from emulator.rules.arranging.states import ITEM, PACKAGE, TRANSFER, TRANSFER_WAITING, state_with_value
from emulator.rules.graph import ITEM_VALUES
from emulator.rules.identity import encrypted_id
from emulator.rules.planning import distance_to_address, highest_suffix, next_package_number, parse_interval
from emulator.rules.stock import reserve_item

PLAN_ITEMS = 66
"""Difference between the plan item and the id of a package, as in the demo scenario."""


def create_package(
    tx: Transaction, order: Order, location: StockLocation, value: str, overrides: Columns | None = None
) -> Package:
    """Create a package without items in the state with this enum value. `overrides` replace the defaults."""
    id_ = tx.new_id(Package)
    kilometres = distance_to_address(tx, location, tx.one(Address, order.shipping_address))
    defaults: Columns = {
        "number": f"{order.number}P{next_package_number(tx, order)}",
        "target_packing_date": order.date_placed + parse_interval(location.target_packing_interval),
        "created_date": tx.now,
        "modified_date": tx.now,
        "extra_information": compact({"distance_to_shipping_address": round(kilometres or 0)}),
    }
    return tx.add(
        Package(
            id=id_,
            state=state_with_value(tx, PACKAGE, value).id,
            order=order.id,
            shipping_address=order.shipping_address,
            stock_location=location.id,
            plan_item=id_ + PLAN_ITEMS,
            id_encrypted=encrypted_id(id_, tx.now),
            **(defaults | (overrides or {})),
        )
    )


def create_package_item(
    tx: Transaction,
    package: Package,
    order_item: OrderItem,
    source: int | None = None,
    overrides: Columns | None = None,
) -> PackageItem:
    """Add an order item to a package, and claim its stock at the source (default: the package's location)."""
    value = tx.one(State, package.state).enum_value
    item = tx.add(
        PackageItem(
            id=tx.new_id(PackageItem),
            state=state_with_value(tx, ITEM, ITEM_VALUES.get(value, value)).id,
            order_item=order_item.id,
            package=package.id,
            created_date=tx.now,
            modified_date=tx.now,
            **(overrides or {}),
        )
    )
    reserve_item(tx, package, item, source)
    return item


def create_transfer_order(
    tx: Transaction, package: Package, source: StockLocation, items: list[PackageItem]
) -> TransferOrder:
    """Create the transfer order that moves these items from a source to the package's location."""
    numbers = (transfer.number for transfer in tx.find(TransferOrder, "package", package.id))
    transfer = tx.add(
        TransferOrder(
            id=tx.new_id(TransferOrder),
            state=state_with_value(tx, TRANSFER, TRANSFER_WAITING).id,
            package=package.id,
            source=source.id,
            destination=package.stock_location,
            number=f"{package.number}T{1 + highest_suffix(numbers, 'T')}",
            target_transfer_date=tx.now + parse_interval(source.target_transfer_interval),
            plan_item=package.plan_item,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    for item in items:
        create_transfer_item(tx, transfer, item)
    tx.queue("transfer.status.created", transfer)
    return transfer


def create_transfer_item(tx: Transaction, transfer: TransferOrder, item: PackageItem) -> None:
    tx.add(
        TransferItem(
            id=tx.new_id(TransferItem),
            state=state_with_value(tx, TRANSFER, TRANSFER_WAITING, of_items=True).id,
            package_item=item.id,
            product=tx.one(OrderItem, item.order_item).product,
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    tx.change(item, transfer_order=transfer.id)
