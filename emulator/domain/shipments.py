"""Shipments and shipping labels: create them, and choose their carriers."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.json_text import JsonValue
from emulator.core.records import CargoCompany, Package, Shipment, ShippingLabel, State, TransferOrder
from emulator.core.seeded_random import derive_uuid
from emulator.domain.state_graph import Subject, command_error, unknown_id_error
from emulator.state.store import Transaction

SHIPMENT_STATUS, SHIPMENT_CREATED = "ShipmentStatus", 99
"""Enum class and id of the only shipment state in the documentation."""


def resolve_carrier(tx: Transaction, parameters: Mapping[str, JsonValue]) -> CargoCompany | None:
    """Return the cargo company that the parameters name, or None if they name none."""
    id_ = parameters.get("cargo_company")
    if id_ is None:
        return None
    if (company := tx.get(CargoCompany, id_)) is None:
        raise unknown_id_error("cargo_company", id_)
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


def attach_shipment(
    tx: Transaction, package: Package, company: CargoCompany, awb_number: str | None = None
) -> Package:
    """Create the package's shipment, and set its tracking number. Return the changed package."""
    shipment = create_shipment(tx, company, package, awb_number)
    return tx.change(package, shipment=shipment.id, tracking_number=shipment.awb_number)


def create_label(tx: Transaction, package: Package) -> Package:
    """Create a shipping label for the package, which replaces its former label."""
    id_ = tx.new_id(ShippingLabel)
    label = tx.add(ShippingLabel(id=id_, package=package.id, uuid=str(derive_uuid("label", id_, package.number))))
    return tx.change(package, shipping_label=label.id)


def require_shipment(tx: Transaction, package: Package) -> Shipment:
    """Return the package's shipment. Raise `ValidationFailed` if it has none."""
    if package.shipment is None:
        raise command_error("shipment", f"{package.number} has no shipment.")
    return tx.get_existing(Shipment, package.shipment)


def touch_shipment(tx: Transaction, package: Package) -> None:
    """Set the update time of the package's shipment, if it has one."""
    if package.shipment is not None:
        tx.change(require_shipment(tx, package), update_date_time=tx.now, modified_date=tx.now)
