"""Commands of packages: the changes that each makes in addition to the state transition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from emulator.core.fields import CharField, Field, IntegerField, ListField, ObjectField
from emulator.core.json_text import JsonObject, JsonValue, compact_json
from emulator.core.records import (
    DenialReason,
    InvoiceDocument,
    Package,
    PackageItem,
    Record,
    State,
    StockLocation,
    TransitionLog,
)
from emulator.domain.planning import create_group_package, replan
from emulator.domain.shipments import (
    attach_shipment,
    create_label,
    default_carrier,
    require_shipment,
    resolve_carrier,
    touch_shipment,
)
from emulator.domain.state_graph import (
    CommandStep,
    cache_graph,
    command_error,
    items_of,
    move_items,
    set_order_item_states,
    set_state,
    unknown_id_error,
)
from emulator.domain.stock import end_reservations, release_reservations_if_ended
from emulator.state.store import Reader, Transaction

Parameters: TypeAlias = Mapping[str, JsonValue]
Outcome: TypeAlias = JsonObject | None
"""The response of a command: a body (200), or None (204)."""

DENIAL_REASON_KEYS = ("id", "title", "remote_id", "priority", "is_active")
ORDER_PREPARING = "450"
OUT_OF_STOCK = "920"
WAITING_FOR_LABEL = "450"
SPECIFIC_EVENTS = {
    "500": ("package.status.packed",),
    "600": ("package.status.shipped",),
    "900": ("package.status.cancelled",),
    "1100": ("package.status.packed_for_refund",),
}
"""Package state value -> event types of every transition to this state."""


@dataclass(frozen=True)
class Command:
    """A command. `run` receives the subject after its transition. `parameters` are fields of `input_parameters`."""

    run: Callable[[Record, Parameters, CommandStep], Outcome]
    parameters: Mapping[str, Field] = field(default_factory=dict)


def queue_events(tx: Transaction, package: Package, *event_types: str) -> None:
    """Queue the transition event, the events of the new state, and the given events."""
    for event_type in dict.fromkeys((*events_of_state(tx, package.state), *event_types)):
        tx.queue_event(event_type, package)


@cache_graph
def events_of_state(view: Reader, state: int) -> tuple[str, ...]:
    """Return the types of the events of every transition to a state."""
    specific = SPECIFIC_EVENTS.get(view.get_existing(State, state).enum_value, ())
    return ("package.status.transitioned", *specific)


def finish_move(tx: Transaction, package: Package, *event_types: str) -> None:
    """Move the items with their package, and queue its events."""
    move_items(tx, package)
    queue_events(tx, package, *event_types)


def resolve_items(
    tx: Transaction, package: Package, parameters: Parameters, key: str = "package_items"
) -> list[PackageItem]:
    """Return the package items that the parameters name.

    Raise `ValidationFailed` for `key` if an item does not belong to the package.
    """
    items = {item.id: item for item in items_of(tx, package)}
    for id_ in parameters["package_items"]:
        if id_ not in items:
            raise command_error(key, f'Invalid pk "{id_}" - {package.number} has no such item.')
    return [items[id_] for id_ in dict.fromkeys(parameters["package_items"])]


# --- packing ------------------------------------------------------------------------------------------------------


def move_only(package: Package, _parameters: Parameters, step: CommandStep) -> None:
    """Move the items with their package, and end its reservations if the new state has none."""
    release_reservations_if_ended(step.tx, package)
    finish_move(step.tx, package)


def deallocate_package(package: Package, _parameters: Parameters, step: CommandStep) -> None:
    """End the package's reservations. Their stock becomes available again."""
    end_reservations(step.tx, package, give_back=True)
    finish_move(step.tx, package)


def complete_without_shipment(package: Package, _parameters: Parameters, step: CommandStep) -> None:
    """Pack the items without creating a shipment."""
    pack_items(step.tx, package)
    queue_events(step.tx, package)


def complete_packaging(package: Package, parameters: Parameters, step: CommandStep) -> None:
    """Pack the items and create a shipment. Create a label unless the package waits for one."""
    tx = step.tx
    company = resolve_carrier(tx, parameters) or default_carrier(tx)
    pack_items(tx, package)
    package = attach_shipment(tx, package, company)
    if tx.get_existing(State, package.state).enum_value != WAITING_FOR_LABEL:
        create_label(tx, package)
    queue_events(tx, package, "shipment.created", "package.shipment.awb_number")


def pack_items(tx: Transaction, package: Package) -> None:
    end_reservations(tx, package, give_back=False)
    move_items(tx, package)
    set_order_item_states(tx, package, ORDER_PREPARING)


def mark_packed_for_refund(package: Package, _parameters: Parameters, step: CommandStep) -> None:
    """Move the items, end the reservations and clear the discrepancy reasons."""
    end_reservations(step.tx, package, give_back=True)
    move_items(step.tx, package)
    for item in items_of(step.tx, package):
        if item.discrepancy_reason is not None:
            step.tx.change(item, discrepancy_reason=None, modified_date=step.tx.now)
    queue_events(step.tx, package)


def unblock_package(package: Package, parameters: Parameters, step: CommandStep) -> None:
    """Return the package to the state in which it was blocked. Without a log entry, any offered state is allowed."""
    content_type = step.tx.get_existing(State, package.state).content_type
    logs = step.tx.latest(TransitionLog, "subject", (content_type, package.id))
    entry = next((log for log in logs if log.new_state == step.transition.source_state), None)
    if entry is not None and entry.old_state != package.state:
        state_name = step.tx.get_existing(State, entry.old_state).name
        message = f'{package.number} was blocked in state "{state_name}" and can return to that one only.'
        raise command_error("transition", message)
    move_only(package, parameters, step)


# --- planning -----------------------------------------------------------------------------------------------------


def refuse_package(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """End the reservations and replan the package at another location.

    The items keep the reason in the only form that a page shows (assumed: the guide shows the key with null).
    """
    reason = resolve_denial_reason(step.tx, parameters.get("denial_reason"))
    end_reservations(step.tx, package, give_back=True)
    move_items(step.tx, package)
    if reason is not None:
        denial_reason = compact_json({key: getattr(reason, key) for key in DENIAL_REASON_KEYS})
        for item in items_of(step.tx, package):
            step.tx.change(item, denial_reason=denial_reason, modified_date=step.tx.now)
    queue_events(step.tx, package, "package.refused")
    return replan(step.tx, package, items_of(step.tx, package))


def resolve_denial_reason(tx: Transaction, id_: int | None) -> DenialReason | None:
    """Return the denial reason with this id. Raise `ValidationFailed` if it is unknown or inactive.

    Only recorded steps can lack the id.
    """
    if id_ is None:
        return None
    reason = tx.get(DenialReason, id_)
    if reason is None or not reason.is_active:
        raise unknown_id_error("denial_reason", id_)
    return reason


def mark_out_of_stock(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Mark the package and its items as out of stock, and replan them at another location."""
    resolve_items(step.tx, package, parameters)
    end_reservations(step.tx, package, give_back=False)
    finish_move(step.tx, package)
    return replan(step.tx, package, items_of(step.tx, package))


def mark_items_out_of_stock(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Mark the named items as out of stock, and replan them at another location. The other items stay."""
    missing = resolve_items(step.tx, package, parameters)
    end_reservations(step.tx, package, give_back=False, items={item.id for item in missing})
    moved = [set_state(step.tx, item, OUT_OF_STOCK) for item in missing]
    queue_events(step.tx, package)
    return replan(step.tx, package, moved)


def plan_manually(package: Package, parameters: Parameters, step: CommandStep) -> Outcome:
    """Replace the package by a new package for each group of items, at the location of the group."""
    tx = step.tx
    groups = [
        (location_by_erp_code(tx, group["erp_code"]), resolve_items(tx, package, group, "assignment_groups"))
        for group in parameters["assignment_groups"]
    ]
    check_assignment(tx, package, [item.id for _, items in groups for item in items])
    end_reservations(tx, package, give_back=True)
    finish_move(tx, package)
    responses = [create_group_package(tx, package, location, items) for location, items in groups]
    return responses[0]


def location_by_erp_code(tx: Transaction, erp_code: str) -> StockLocation:
    for location in tx.all(StockLocation):
        if location.erp_code == erp_code and location.is_active:
            return location
    raise command_error("assignment_groups", f"Object with erp_code={erp_code} does not exist.")


def check_assignment(tx: Transaction, package: Package, assigned: list[int]) -> None:
    """Raise `ValidationFailed` unless every item of the package is in exactly one group."""
    item_ids = [item.id for item in items_of(tx, package)]
    if sorted(assigned) != item_ids:
        known = ", ".join(map(str, item_ids))
        message = f"Each package item must be in exactly one group; {package.number} has {known}."
        raise command_error("assignment_groups", message)


# --- shipping and invoice -----------------------------------------------------------------------------------------


def ship_package(package: Package, _parameters: Parameters, step: CommandStep) -> None:
    """Ship the package with its existing shipment. The carrier is not notified."""
    require_shipment(step.tx, package)
    mark_shipped(package, step)


def ship_advanced(package: Package, parameters: Parameters, step: CommandStep) -> None:
    """Ship the package with the given carrier and tracking number."""
    company = resolve_carrier(step.tx, parameters) or default_carrier(step.tx)
    package = attach_shipment(step.tx, package, company, parameters["tracking_number"])
    create_label(step.tx, package)
    mark_shipped(package, step, "shipment.created", "package.shipment.awb_number")


def mark_shipped(package: Package, step: CommandStep, *event_types: str) -> None:
    # The order items stay in state Preparing, as in the documented sample of a delivered package.
    package = step.tx.change(package, shipment_date=step.tx.now)
    finish_move(step.tx, package, *event_types)


def update_shipment_status(package: Package, _parameters: Parameters, step: CommandStep) -> None:
    """Deliver the package: move its items, and update the times of its shipment."""
    touch_shipment(step.tx, package)
    finish_move(step.tx, package, "shipment.status.updated")


def update_shipment_info(package: Package, parameters: Parameters, step: CommandStep) -> None:
    """Change carrier and numbers of the shipment, and create a new label."""
    tx, number = step.tx, parameters["tracking_number"]
    shipment = require_shipment(tx, package)
    company = resolve_carrier(tx, parameters)
    tx.change(
        shipment,
        cargo_company=shipment.cargo_company if company is None else company.id,
        awb_number=number,
        query_number=parameters.get("query_number", number),
        update_date_time=tx.now,
        modified_date=tx.now,
    )
    package = tx.change(package, tracking_number=number)
    create_label(tx, package)
    tx.queue_event("package.shipment.awb_number", package)


def update_label(package: Package, parameters: Parameters, step: CommandStep) -> None:
    """Create a new label. A package that waited for it becomes packed."""
    resolve_items(step.tx, package, parameters)
    require_shipment(step.tx, package)
    package = create_label(step.tx, package)
    if step.transition.source_state != step.transition.destination_state:
        finish_move(step.tx, package)


def update_invoice(package: Package, parameters: Parameters, step: CommandStep) -> None:
    """Replace the package's invoice document."""
    tx = step.tx
    for former in tx.find(InvoiceDocument, "package", package.id):
        tx.remove(former)
    tx.add(
        InvoiceDocument(
            id=tx.new_id(InvoiceDocument),
            package=package.id,
            number=parameters["invoice_number"],
            document_type=parameters["invoice_document_type"],
            content=parameters["document_content"],
            date=parameters["invoice_date"],
            created_date=tx.now,
        )
    )
    tx.change(package, invoice_number=parameters["invoice_number"])


NUMBER = CharField(max_length=255)
CARRIER = IntegerField(required=False)
ITEMS = ListField(child=IntegerField())
GROUP = ObjectField(fields={"package_items": ITEMS, "erp_code": CharField()})
SHIPMENT_INFO: Mapping[str, Field] = {
    "cargo_company": CARRIER,
    "tracking_number": NUMBER,
    "query_number": CharField(required=False, max_length=255),
}
INVOICE: Mapping[str, Field] = {
    "invoice_number": NUMBER,
    "invoice_document_type": NUMBER,
    "document_content": CharField(),
    "invoice_date": CharField(max_length=32),
}

PACKAGE_COMMANDS: Mapping[str, Command] = {
    "PREPARE_PACKAGE_COMMAND": Command(move_only),
    "PKG_STATE_TRANSITION": Command(move_only),
    "PKG_DEALLOCATE_RESERVATIONS": Command(deallocate_package),
    "COMPLETE_PACKAGING": Command(complete_packaging, {"cargo_company": CARRIER}),
    "COMPLETE_PACKAGING_WITHOUT_SHIPMENT": Command(complete_without_shipment),
    "CHANNEL_BASED_COMPLETE_PACKAGING": Command(complete_without_shipment),
    "PACKAGE_PACKED_FOR_REFUND": Command(mark_packed_for_refund),
    "BLOCK_THE_PACKAGE": Command(move_only),
    "UNBLOCK_THE_PACKAGE": Command(unblock_package),
    "REFUSE_PACKAGE": Command(refuse_package, {"denial_reason": IntegerField()}),
    "DETECTED_OUT_OF_STOCK_ITEM": Command(mark_out_of_stock, {"package_items": ITEMS}),
    "DETECTED_OUT_OF_STOCK_ITEM_ADVANCED": Command(mark_items_out_of_stock, {"package_items": ITEMS}),
    "MANUAL_PLANNING": Command(plan_manually, {"assignment_groups": ListField(child=GROUP)}),
    "SHIP_PACKAGE": Command(ship_package),
    "SHIPMENT_ORDER": Command(ship_package),
    "SHIP_PACKAGE_WITHOUT_SHIPMENT": Command(lambda package, _, step: mark_shipped(package, step)),
    "SHIPMENT_ORDER_ADVANCE": Command(ship_advanced, {"cargo_company": IntegerField(), "tracking_number": NUMBER}),
    "UPDATE_PACKAGE_SHIPMENT_STATUS": Command(update_shipment_status),
    "UPDATE_SHIPMENT_INFO_OF_PACKAGE": Command(update_shipment_info, SHIPMENT_INFO),
    "UPDATE_SHIPMENT_LABEL": Command(
        update_label, {"package_items": ListField(child=IntegerField(), allow_empty=True)}
    ),
    "UPDATE_INVOICE_OF_THE_PACKAGE": Command(update_invoice, INVOICE),
}
