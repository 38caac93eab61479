"""The steps that commands share: move, follow, ship, label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

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
from emulator.core.sources import made_uuid
from emulator.core.store import Transaction
from emulator.rules.graph import ITEM_VALUES, refuse, state_valued

Parameters = Mapping[str, Any]
Outcome = Mapping[str, Any] | None
"""What a command answers: a body (200), or nothing (204)."""


class Step(NamedTuple):
    """One move along the graph, in the transaction that makes it."""

    tx: Transaction
    transition: Transition
    user: User | None


SHIPMENT_STATE = 99
"""The only shipment state that the pages show."""


def move(subject: Any, step: Step) -> Any:
    """Bring the subject to the transition's destination, with its entry in the log; give the moved subject."""
    tx, transition, user = step
    target = tx.one(State, transition.destination_state)
    tx.add(
        TransitionLog(
            id=tx.new_id(TransitionLog),
            old_state=subject.state,
            new_state=target.id,
            object_id=subject.id,
            content_type=tx.one(State, subject.state).content_type,
            user=None if user is None else user.id,
            attributes=attributes(transition, user),
            created_date=tx.now,
        )
    )
    return tx.change(subject, state=target.id, modified_date=tx.now)


def attributes(transition: Transition, user: User | None) -> bytes:
    """Give what the log keeps of the command: its code, its transition, and who sent it."""
    command: dict[str, Any] = {"slug": transition.command_code, "transition_id": transition.id}
    if user is not None:
        command["remote_user_pk"] = str(user.id)
    return orjson.dumps({"command": command})


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


def carrier(tx: Transaction, parameters: Parameters, *, required: bool) -> CargoCompany | None:
    """Give the cargo company that the parameters name, by id as a number or as text."""
    asked = parameters.get("cargo_company")
    if asked is None or asked == "":
        if required:
            raise refuse("cargo_company", "This field is required.")
        return None
    company = tx.get(CargoCompany, int(asked)) if isinstance(asked, int | str) and is_id(asked) else None
    if company is None:
        raise refuse("cargo_company", f'Invalid pk "{asked}" - object does not exist.')
    return company


def is_id(value: int | str) -> bool:
    """Tell whether this is an id, as a number or as text; true and false are not."""
    return not isinstance(value, bool) and str(value).isascii() and str(value).isdigit() and len(str(value)) < 19


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
            state=SHIPMENT_STATE,
            created_date=tx.now,
            modified_date=tx.now,
            awb_number=number,
            update_date_time=tx.now,
            query_number=number,
            package=owner.id if isinstance(owner, Package) else None,
            transfer_order=owner.id if isinstance(owner, TransferOrder) else None,
        )
    )


def label(tx: Transaction, package: Package) -> ShippingLabel:
    """Make the shipping label of a package."""
    id_ = tx.new_id(ShippingLabel)
    return tx.add(ShippingLabel(id=id_, package=package.id, uuid=str(made_uuid("label", id_, package.number))))
