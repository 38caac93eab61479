"""What each package command changes, beyond the move along the graph."""

from __future__ import annotations

from typing import Any

from emulator.core.records import Package, PackageItem
from emulator.core.store import Transaction
from emulator.rules.commands.steps import (
    Outcome,
    Parameters,
    Step,
    carrier,
    first_carrier,
    follow,
    items_of,
    label,
    set_order_items,
    ship,
)
from emulator.rules.graph import refuse
from emulator.rules.planning import replan

ORDER_PREPARING = "450"


def only_the_state(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """The items follow their package, and nothing else changes."""
    follow(step.tx, package)
    tell(step.tx, package)
    return None


def complete_without_shipment(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """Items are packed, their order items are being prepared; no shipment is made."""
    pack(step.tx, package)
    tell(step.tx, package, "package.status.packed")
    return None


def complete(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """Items are packed, and the package gets a shipment and its label."""
    tx = step.tx
    company = carrier(tx, parameters, required=False) or first_carrier(tx)
    pack(tx, package)
    shipment = ship(tx, company, package)
    tx.change(
        package,
        shipment=shipment.id,
        shipping_label=label(tx, package).id,
        tracking_number=shipment.awb_number,
    )
    tell(tx, package, "package.status.packed", "shipment.created", "package.shipment.awb_number")
    return None


def out_of_stock(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """The items are out of stock here and are planned anew, elsewhere."""
    named_items(step.tx, package, parameters)
    follow(step.tx, package)
    tell(step.tx, package)
    return replan(step.tx, package)


def refuse_package(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """The location will not pack it: planned anew, elsewhere."""
    follow(step.tx, package)
    tell(step.tx, package, "package.refused")
    return replan(step.tx, package)


def pack(tx: Transaction, package: Package) -> None:
    follow(tx, package)
    set_order_items(tx, package, ORDER_PREPARING)


def tell(tx: Transaction, package: Package, *event_types: str) -> None:
    """Queue the change of state, and the types that belong to this change alone."""
    for event_type in ("package.status.transitioned", *event_types):
        tx.queue(event_type, package)


def named_items(tx: Transaction, package: Package, parameters: Parameters) -> list[PackageItem]:
    """Give the package items that the parameters name; all must belong to the package."""
    asked: Any = parameters.get("package_items")
    if asked is None:
        raise refuse("package_items", "This field is required.")
    if not isinstance(asked, list):
        raise refuse("package_items", f'Expected a list of items but got type "{type(asked).__name__}".')
    if not asked:
        raise refuse("package_items", "This list may not be empty.")
    own = {item.id: item for item in items_of(tx, package)}
    for id_ in asked:
        if isinstance(id_, bool) or not isinstance(id_, int):
            raise refuse("package_items", "A valid integer is required.")
        if id_ not in own:
            raise refuse("package_items", f'Invalid pk "{id_}" - {package.number} has no such item.')
    return [own[id_] for id_ in asked]


PACKAGE_COMMANDS = {
    "PREPARE_PACKAGE_COMMAND": only_the_state,
    "PKG_STATE_TRANSITION": only_the_state,
    "COMPLETE_PACKAGING": complete,
    "COMPLETE_PACKAGING_WITHOUT_SHIPMENT": complete_without_shipment,
    "CHANNEL_BASED_COMPLETE_PACKAGING": complete_without_shipment,
    "DETECTED_OUT_OF_STOCK_ITEM": out_of_stock,
    "REFUSE_PACKAGE": refuse_package,
}
