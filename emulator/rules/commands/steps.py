"""The steps that commands share: move, follow, ship, label, claim stock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from emulator.core.ids import made_uuid
from emulator.core.jsontext import compact
from emulator.core.records import (
    CargoCompany,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    ShippingLabel,
    State,
    TransferOrder,
    Transition,
    TransitionLog,
    User,
)
from emulator.core.store import Transaction
from emulator.rules.graph import ITEM_VALUES, refuse, state_valued

Parameters = Mapping[str, Any]
Outcome = Mapping[str, Any] | None
"""What a command answers: a body (200), or nothing (204)."""

SHIPMENT_STATUS, SHIPMENT_CREATED = "ShipmentStatus", 99
"""The only shipment state that the pages show."""


class Step(NamedTuple):
    """One move along the graph, in the transaction that makes it."""

    tx: Transaction
    transition: Transition
    user: User | None = None
    request_id: str | None = None


def move(subject: Any, step: Step) -> Any:
    """Bring the subject to the transition's destination, with its entry in the log; give the moved subject.

    A transition that leads back to its source changes no state and writes no entry.
    """
    tx, transition = step.tx, step.transition
    if transition.source_state == transition.destination_state:
        return tx.change(subject, modified_date=tx.now)
    tx.add(
        TransitionLog(
            id=tx.new_id(TransitionLog),
            old_state=subject.state,
            new_state=transition.destination_state,
            object_id=subject.id,
            content_type=tx.one(State, subject.state).content_type,
            user=None if step.user is None else step.user.id,
            attributes=attributes(step),
            created_date=tx.now,
            request_id=step.request_id,
        )
    )
    return tx.change(subject, state=transition.destination_state, modified_date=tx.now)


def attributes(step: Step) -> bytes:
    """Give what the log keeps of a command: its code, its transition, and who sent it; other moves keep nothing."""
    if step.user is None:
        return b"{}"
    command = {"slug": step.transition.command_code, "transition_id": step.transition.id}
    return compact({"command": command | {"remote_user_pk": str(step.user.id)}})


def set_state(tx: Transaction, record: Any, value: str) -> Any:
    """Give the record the state of its own kind that has this enum value, if the installation knows one."""
    present = tx.one(State, record.state)
    target = state_valued(tx, present.enum_class, value, beside=present)
    if target is None or target.id == present.id:
        return record
    return tx.change(record, state=target.id, modified_date=tx.now)


def items_of(tx: Transaction, package: Package) -> list[PackageItem]:
    return tx.find(PackageItem, "package", package.id)


def follow(tx: Transaction, package: Package) -> None:
    """Let all items of the package follow it to the item state that fits its state."""
    value = tx.one(State, package.state).enum_value
    for item in items_of(tx, package):
        set_state(tx, item, ITEM_VALUES.get(value, value))


def set_order_items(tx: Transaction, package: Package, value: str) -> None:
    """Let the order items of the package's items go to an order state."""
    for item in items_of(tx, package):
        set_state(tx, tx.one(OrderItem, item.order_item), value)


def named_carrier(tx: Transaction, parameters: Parameters) -> CargoCompany | None:
    """Give the cargo company that the parameters name, or None where they name none."""
    asked = parameters.get("cargo_company")
    if asked is None:
        return None
    if (company := tx.get(CargoCompany, asked)) is None:
        raise refuse("cargo_company", f'Invalid pk "{asked}" - object does not exist.')
    return company


def first_carrier(tx: Transaction) -> CargoCompany:
    """Give the carrier that ships when none is named: the active one with the lowest id."""
    for company in tx.all(CargoCompany):
        if company.is_active:
            return company
    raise refuse("cargo_company", "No cargo company is active.")


def ship(tx: Transaction, company: CargoCompany, owner: Any, awb_number: str | None = None) -> Shipment:
    """Make the shipment of a package or of a transfer order; its number is the carrier's, or made up."""
    id_ = tx.new_id(Shipment)
    number = awb_number or f"{made_uuid('awb', id_, owner.number).int % 10**10:010d}"
    return tx.add(
        Shipment(
            id=id_,
            cargo_company=company.id,
            state=shipment_state(tx),
            package=owner.id if isinstance(owner, Package) else None,
            transfer_order=owner.id if isinstance(owner, TransferOrder) else None,
            created_date=tx.now,
            modified_date=tx.now,
            awb_number=number,
            update_date_time=tx.now,
            query_number=number,
        )
    )


def shipment_state(tx: Transaction) -> int:
    """Give the state of a new shipment: the documented one, or the first that the installation has."""
    usual = tx.get(State, SHIPMENT_CREATED)
    if usual is None or usual.enum_class != SHIPMENT_STATUS:
        return next((each.id for each in tx.all(State) if each.enum_class == SHIPMENT_STATUS), SHIPMENT_CREATED)
    return usual.id


def new_label(tx: Transaction, package: Package) -> Package:
    """Give the package a new shipping label; its former one is no longer its own."""
    id_ = tx.new_id(ShippingLabel)
    label = tx.add(ShippingLabel(id=id_, package=package.id, uuid=str(made_uuid("label", id_, package.number))))
    return tx.change(package, shipping_label=label.id)
