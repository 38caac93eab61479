"""Operations that commands share: transitions, item states, shipments and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, TypeVar

from emulator.core.fields import Field
from emulator.core.json_text import JsonObject, JsonValue, compact_json
from emulator.core.records import (
    CargoCompany,
    Json,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Record,
    Shipment,
    ShippingLabel,
    State,
    TransferItem,
    TransferOrder,
    Transition,
    TransitionLog,
    User,
)
from emulator.core.seeded_random import derive_uuid
from emulator.domain.state_graph import ITEM_STATE_VALUES, Subject, command_error, state_with_value
from emulator.state.store import Transaction

S = TypeVar("S", bound=Subject)
R = TypeVar("R", bound=Order | OrderItem | Package | PackageItem | TransferOrder | TransferItem)
Parameters: TypeAlias = Mapping[str, JsonValue]
Outcome: TypeAlias = JsonObject | None
"""The response of a command: a body (200), or None (204)."""

SHIPMENT_STATUS, SHIPMENT_CREATED = "ShipmentStatus", 99
"""The only shipment state in the documentation."""


class CommandStep(NamedTuple):
    """One state transition, with the transaction, the user and the request that make it."""

    tx: Transaction
    transition: Transition
    user: User | None = None
    request_id: str | None = None


def apply_transition(subject: S, step: CommandStep) -> S:
    """Move the subject to the transition's destination and log the move. Return the changed subject.

    A transition to its own source changes no state and is not logged.
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
            content_type=tx.get_existing(State, subject.state).content_type,
            user=None if step.user is None else step.user.id,
            attributes=log_attributes(step),
            created_date=tx.now,
            request_id=step.request_id,
        )
    )
    return tx.change(subject, state=transition.destination_state, modified_date=tx.now)


def log_attributes(step: CommandStep) -> Json:
    """Return the log attributes of a command: its code, transition and user. Moves without a user have none."""
    if step.user is None:
        return b"{}"
    command = {"slug": step.transition.command_code, "transition_id": step.transition.id}
    return compact_json({"command": command | {"remote_user_pk": str(step.user.id)}})


def set_state(tx: Transaction, record: R, value: str) -> R:
    """Move the record to the state of its kind with this enum value, if the installation has one."""
    current = tx.get_existing(State, record.state)
    target = state_with_value(tx, current.enum_class, value, beside=current)
    if target is None or target.id == current.id:
        return record
    return tx.change(record, state=target.id, modified_date=tx.now)


def items_of(tx: Transaction, package: Package) -> list[PackageItem]:
    return tx.find(PackageItem, "package", package.id)


def move_items(tx: Transaction, package: Package) -> None:
    """Move all items of the package to the item state that corresponds to its state."""
    value = tx.get_existing(State, package.state).enum_value
    for item in items_of(tx, package):
        set_state(tx, item, ITEM_STATE_VALUES.get(value, value))


def set_order_item_states(tx: Transaction, package: Package, value: str) -> None:
    """Move the order items of the package to an order state."""
    for item in items_of(tx, package):
        set_state(tx, tx.get_existing(OrderItem, item.order_item), value)


def resolve_carrier(tx: Transaction, parameters: Parameters) -> CargoCompany | None:
    """Return the cargo company that the parameters name, or None if they name none."""
    id_ = parameters.get("cargo_company")
    if id_ is None:
        return None
    if (company := tx.get(CargoCompany, id_)) is None:
        raise command_error("cargo_company", f'Invalid pk "{id_}" - object does not exist.')
    return company


def default_carrier(tx: Transaction) -> CargoCompany:
    """Return the default carrier: the active one with the lowest id."""
    for company in tx.all(CargoCompany):
        if company.is_active:
            return company
    raise command_error("cargo_company", "No cargo company is active.")


def create_shipment(
    tx: Transaction, company: CargoCompany, owner: Subject, awb_number: str | None = None
) -> Shipment:
    """Create the shipment of a package or transfer order. The default AWB number is generated."""
    id_ = tx.new_id(Shipment)
    number = awb_number or f"{derive_uuid('awb', id_, owner.number).int % 10**10:010d}"
    return tx.add(
        Shipment(
            id=id_,
            cargo_company=company.id,
            state=initial_shipment_state(tx),
            package=owner.id if isinstance(owner, Package) else None,
            transfer_order=owner.id if isinstance(owner, TransferOrder) else None,
            created_date=tx.now,
            modified_date=tx.now,
            awb_number=number,
            update_date_time=tx.now,
            query_number=number,
        )
    )


def initial_shipment_state(tx: Transaction) -> int:
    """Return the state of a new shipment: the documented one, or the first of the installation."""
    documented = tx.get(State, SHIPMENT_CREATED)
    if documented is None or documented.enum_class != SHIPMENT_STATUS:
        return next((each.id for each in tx.all(State) if each.enum_class == SHIPMENT_STATUS), SHIPMENT_CREATED)
    return documented.id


def create_label(tx: Transaction, package: Package) -> Package:
    """Create a shipping label for the package, which replaces its former label."""
    id_ = tx.new_id(ShippingLabel)
    label = tx.add(ShippingLabel(id=id_, package=package.id, uuid=str(derive_uuid("label", id_, package.number))))
    return tx.change(package, shipping_label=label.id)


@dataclass(frozen=True)
class Command:
    """A command. `run` receives the subject after its transition. `parameters` are fields of `input_parameters`."""

    run: Callable[[Record, Parameters, CommandStep], Outcome]
    parameters: Mapping[str, Field] = field(default_factory=dict)
