"""What each command of a package's packing changes, beyond the move along the graph."""

from __future__ import annotations

from emulator.core.fields import CharField, IntegerField, ListField, ObjectField
from emulator.core.jsontext import compact
from emulator.core.records import DenialReason, Package, PackageItem, State, StockLocation, TransitionLog
from emulator.core.store import Transaction
from emulator.rules.commands.command import Command
from emulator.rules.commands.steps import (
    Outcome,
    Parameters,
    Step,
    first_carrier,
    follow,
    items_of,
    named_carrier,
    new_label,
    set_order_items,
    set_state,
    ship,
)
from emulator.rules.graph import refuse
from emulator.rules.planning import plan_group, replan
from emulator.rules.stock import end_reservations, settle

ORDER_PREPARING = "450"
OUT_OF_STOCK = "920"
WAITING_FOR_LABEL = "450"
SPECIFIC_EVENTS = {
    "500": ("package.status.packed",),
    "600": ("package.status.shipped",),
    "900": ("package.status.cancelled",),
    "1100": ("package.status.packed_for_refund",),
}
"""Package state value -> the event type of a move to this state, whichever command made it."""


def only_the_state(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """The items follow their package, and nothing else changes but what no longer holds: claims on stock."""
    settle(step.tx, package)
    follow(step.tx, package)
    tell(step.tx, package)
    return None


def deallocate(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """The package's reservations end; what they held may be promised again."""
    end_reservations(step.tx, package, give_back=True)
    follow(step.tx, package)
    tell(step.tx, package)
    return None


def complete_without_shipment(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """Items are packed, their order items are being prepared, reservations end; no shipment is made."""
    pack(step.tx, package)
    tell(step.tx, package)
    return None


def complete(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """Items are packed, and the package gets a shipment and - unless it waits for one - its label."""
    tx = step.tx
    company = named_carrier(tx, parameters) or first_carrier(tx)
    pack(tx, package)
    shipment = ship(tx, company, package)
    package = tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)
    if tx.one(State, package.state).enum_value != WAITING_FOR_LABEL:
        new_label(tx, package)
    tell(tx, package, "shipment.created", "package.shipment.awb_number")
    return None


def pack(tx: Transaction, package: Package) -> None:
    end_reservations(tx, package, give_back=False)
    follow(tx, package)
    set_order_items(tx, package, ORDER_PREPARING)


def packed_for_refund(package: Package, parameters: Parameters, step: Step) -> Outcome:  # noqa: ARG001
    """Items follow, reservations end, and what was written of discrepancies is cleared."""
    end_reservations(step.tx, package, give_back=True)
    follow(step.tx, package)
    for item in items_of(step.tx, package):
        if item.discrepancy_reason is not None:
            step.tx.change(item, discrepancy_reason=None, modified_date=step.tx.now)
    tell(step.tx, package)
    return None


def unblock(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """The package returns to the state in which it was blocked; where no log tells which, to any that is offered."""
    content_type = step.tx.one(State, package.state).content_type
    logs = step.tx.latest(TransitionLog, "subject", (content_type, package.id))
    blocked = next((log for log in logs if log.new_state == step.transition.source_state), None)
    if blocked is not None and blocked.old_state != package.state:
        before = step.tx.one(State, blocked.old_state).name
        message = f'{package.number} was blocked in state "{before}" and can return to that one only.'
        raise refuse("transition", message)
    return only_the_state(package, parameters, step)


def refuse_package(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """The location will not pack it: its reservations there end, and it is planned anew, elsewhere.

    Its items tell the reason (assumed: the samples print the key, and null).
    """
    reason = named_reason(step.tx, parameters.get("denial_reason"))
    end_reservations(step.tx, package, give_back=True)
    follow(step.tx, package)
    if reason is not None:
        told = compact({"id": reason.id, "title": reason.title})
        for item in items_of(step.tx, package):
            step.tx.change(item, denial_reason=told, modified_date=step.tx.now)
    tell(step.tx, package, "package.refused")
    return replan(step.tx, package, items_of(step.tx, package))


def named_reason(tx: Transaction, id_: int | None) -> DenialReason | None:
    """Give the denial reason that is named, if any; it must exist and be in use."""
    if id_ is None:
        return None
    reason = tx.get(DenialReason, id_)
    if reason is None or not reason.is_active:
        raise refuse("denial_reason", f'Invalid pk "{id_}" - object does not exist.')
    return reason


def out_of_stock(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """The package and its items are out of stock here and are planned anew, elsewhere."""
    named_items(step.tx, package, parameters)
    end_reservations(step.tx, package, give_back=False)
    follow(step.tx, package)
    tell(step.tx, package)
    return replan(step.tx, package, items_of(step.tx, package))


def out_of_stock_advanced(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """Only the missing items are out of stock here and are planned anew; the rest stays."""
    missing = named_items(step.tx, package, parameters)
    end_reservations(step.tx, package, give_back=False, items={item.id for item in missing})
    moved = [set_state(step.tx, item, OUT_OF_STOCK) for item in missing]
    tell(step.tx, package)
    return replan(step.tx, package, moved)


def named_items(
    tx: Transaction, package: Package, parameters: Parameters, key: str = "package_items"
) -> list[PackageItem]:
    """Give the package items that the parameters name; all must belong to the package. Errors are about `key`."""
    own = {item.id: item for item in items_of(tx, package)}
    for id_ in parameters["package_items"]:
        if id_ not in own:
            raise refuse(key, f'Invalid pk "{id_}" - {package.number} has no such item.')
    return [own[id_] for id_ in dict.fromkeys(parameters["package_items"])]


def plan_manually(package: Package, parameters: Parameters, step: Step) -> Outcome:
    """Each group of items becomes a new package at the location named; the old one ends."""
    tx = step.tx
    groups = [
        (location_coded(tx, group["erp_code"]), named_items(tx, package, group, "assignment_groups"))
        for group in parameters["assignment_groups"]
    ]
    check_assignment(tx, package, [item.id for _, items in groups for item in items])
    end_reservations(tx, package, give_back=True)
    follow(tx, package)
    tell(tx, package)
    planned = [plan_group(tx, package, location, items) for location, items in groups]
    return planned[0]


def location_coded(tx: Transaction, erp_code: str) -> StockLocation:
    for location in tx.all(StockLocation):
        if location.erp_code == erp_code and location.is_active:
            return location
    raise refuse("assignment_groups", f"Object with erp_code={erp_code} does not exist.")


def check_assignment(tx: Transaction, package: Package, assigned: list[int]) -> None:
    """Insist that every item of the package is in exactly one group."""
    own = [item.id for item in items_of(tx, package)]
    if sorted(assigned) != own:
        message = f"Each package item must be in exactly one group; {package.number} has {', '.join(map(str, own))}."
        raise refuse("assignment_groups", message)


def tell(tx: Transaction, package: Package, *event_types: str) -> None:
    """Queue the change of state, the type of the state that it led to, and those of this change alone."""
    specific = SPECIFIC_EVENTS.get(tx.one(State, package.state).enum_value, ())
    for event_type in dict.fromkeys(("package.status.transitioned", *specific, *event_types)):
        tx.queue(event_type, package)


PACKAGE_ITEMS = ListField(child=IntegerField())
GROUP = ObjectField(fields={"package_items": PACKAGE_ITEMS, "erp_code": CharField()})
CARRIER = {"cargo_company": IntegerField(required=False)}

PACKING_COMMANDS = {
    "PREPARE_PACKAGE_COMMAND": Command(only_the_state),
    "PKG_STATE_TRANSITION": Command(only_the_state),
    "PKG_DEALLOCATE_RESERVATIONS": Command(deallocate),
    "COMPLETE_PACKAGING": Command(complete, CARRIER),
    "COMPLETE_PACKAGING_WITHOUT_SHIPMENT": Command(complete_without_shipment),
    "CHANNEL_BASED_COMPLETE_PACKAGING": Command(complete_without_shipment),
    "PACKAGE_PACKED_FOR_REFUND": Command(packed_for_refund),
    "BLOCK_THE_PACKAGE": Command(only_the_state),
    "UNBLOCK_THE_PACKAGE": Command(unblock),
    "REFUSE_PACKAGE": Command(refuse_package, {"denial_reason": IntegerField(required=False)}),
    "DETECTED_OUT_OF_STOCK_ITEM": Command(out_of_stock, {"package_items": PACKAGE_ITEMS}),
    "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED": Command(out_of_stock_advanced, {"package_items": PACKAGE_ITEMS}),
    "MANUAL_PLANNING": Command(plan_manually, {"assignment_groups": ListField(child=GROUP)}),
}
