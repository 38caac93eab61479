"""Packages and transfer orders in every state, and parameters that every command accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from emulator import Emulator
from emulator.core.records import CargoCompany, Package, PackageItem, TransferOrder
from emulator.domain.shipments import create_shipment

FOLDER = Path(__file__).parents[3] / "emulator" / "fixtures" / "installation" / "default"
TRANSITIONS = json.loads((FOLDER / "transitions.json").read_bytes())["transition"]
STATES = {state["id"]: state for state in json.loads((FOLDER / "states.json").read_bytes())["state"]}
COMMANDS = [transition for transition in TRANSITIONS if transition.get("actor", "command") == "command"]

NEED_SHIPMENT = {"SHIP_PACKAGE", "SHIPMENT_ORDER", "UPDATE_SHIPMENT_INFO_OF_PACKAGE", "UPDATE_SHIPMENT_LABEL"}


class Kind(NamedTuple):
    """Packages or transfer orders: their URL path, record class and content type."""

    path: str
    record: type[Any]
    content_type: int

    @property
    def states(self) -> list[int]:
        return [id_ for id_, state in STATES.items() if state["content_type"] == self.content_type]

    @property
    def commands(self) -> list[dict[str, Any]]:
        return [transition for transition in COMMANDS if transition["source_state"] in self.states]


PACKAGES = Kind("packages", Package, 4)
TRANSFERS = Kind("transfer_orders", TransferOrder, 6)
KINDS = (PACKAGES, TRANSFERS)


def in_state(oms: Emulator, kind: Kind, state: int) -> Any:
    """Return the first record in a state."""
    return next(record for record in oms.world.records.all(kind.record) if record.state == state)


def ready_for(oms: Emulator, kind: Kind, transition: dict[str, Any]) -> Any:
    """Return a record on which the command of a transition can be executed."""
    if transition["command_code"] == "UNBLOCK_THE_PACKAGE":
        return blocked_from(oms, transition["destination_state"])
    record = in_state(oms, kind, transition["source_state"])
    return with_shipment(oms, record) if transition["command_code"] in NEED_SHIPMENT else record


def blocked_from(oms: Emulator, state: int) -> Any:
    package = in_state(oms, PACKAGES, state)
    block = next(
        command
        for command in COMMANDS
        if command["command_code"] == "BLOCK_THE_PACKAGE" and command["source_state"] == state
    )
    assert send(oms, PACKAGES, package.id, {"transition": block["id"], "input_parameters": {}}).status_code == 204
    return oms.world.records.get_existing(Package, package.id)


def with_shipment(oms: Emulator, package: Package) -> Package:
    with oms.world.transaction() as tx:
        shipment = create_shipment(tx, tx.get_existing(CargoCompany, 1), package)
        return tx.change(package, shipment=shipment.id)


def parameters(oms: Emulator, record: Any) -> dict[str, Any]:
    """Return parameters that suit every command on a record."""
    items = [item.id for item in oms.world.records.find(PackageItem, "package", record.id)]
    return {
        "package_items": items,
        "assignment_groups": [{"package_items": items, "erp_code": "1"}],
        "cargo_company": "1",
        "tracking_number": "TRACK-1",
        "query_number": "QUERY-1",
        "denial_reason": 1,
        "invoice_number": "INV-1",
        "invoice_document_type": "html",
        "document_content": "<p>invoice</p>",
        "invoice_date": "2023-04-05",
    }


def send(oms: Emulator, kind: Kind, pk: int, body: Any) -> Any:
    return oms.session().post(f"/api/v1/oms/{kind.path}/{pk}/command/", json=body)
