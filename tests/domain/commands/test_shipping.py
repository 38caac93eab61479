"""Each shipping command makes exactly the expected changes, log entries and events."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.records import CargoCompany, InvoiceDocument, Package, ShippingLabel
from emulator.domain.shipments import create_shipment
from tests.domain.command_run import MOVED, TRACK, WAITING_FOR_LABEL, CommandRun, change_nothing, transitions_with
from tests.support.worlds import REMOVED


def each(*codes: str) -> Any:
    found = transitions_with(*codes)
    return pytest.mark.parametrize("edge", found, ids=[edge["slug"] for edge in found])


def with_shipment(run: CommandRun, tx: Any) -> None:
    shipment = create_shipment(tx, tx.get_existing(CargoCompany, 728), run.subject)
    tx.change(run.subject, shipment=shipment.id, tracking_number=shipment.awb_number)


@each("SHIP_PACKAGE", "SHIPMENT_ORDER")
def test_shipping_keeps_the_shipment(edge: dict[str, Any]) -> None:
    """The items are shipped, and the package has a shipment date. Shipment and label do not change."""
    run = CommandRun(edge["id"], arrange=with_shipment)
    run.send_ok()
    expected = run.move_changes(shipment_date=run.now) | run.item_changes()
    run.check(expected, [MOVED, "package.status.shipped"])


@pytest.mark.parametrize("arrange", [with_shipment, change_nothing], ids=["with", "without"])
@each("SHIP_PACKAGE_WITHOUT_SHIPMENT")
def test_shipping_without_shipment_needs_no_shipment(edge: dict[str, Any], arrange: Any) -> None:
    run = CommandRun(edge["id"], arrange=arrange)
    run.send_ok()
    expected = run.move_changes(shipment_date=run.now) | run.item_changes()
    run.check(expected, [MOVED, "package.status.shipped"])


@each("SHIPMENT_ORDER_ADVANCE")
def test_shipping_with_a_number_creates_shipment_and_label(edge: dict[str, Any]) -> None:
    run = CommandRun(edge["id"])
    run.send_ok(cargo_company=729, tracking_number=f" {TRACK} ")
    (shipment, made), (label, more) = run.shipment_changes(729, TRACK), run.label_changes()
    columns = {"shipment": shipment.id, "shipping_label": label.id, "tracking_number": TRACK}
    expected = run.move_changes(shipment_date=run.now, **columns) | run.item_changes()
    events = [MOVED, "package.status.shipped", "shipment.created", "package.shipment.awb_number"]
    run.check(expected | made | more, events)


@each("UPDATE_PACKAGE_SHIPMENT_STATUS")
def test_shipment_status_delivers_the_package(edge: dict[str, Any]) -> None:
    """The shipment has a new update time. Order items do not change."""
    run = CommandRun(edge["id"])
    run.send_ok()
    shipment = {("Shipment", run.subject.shipment): {"update_date_time": run.now, "modified_date": run.now}}
    run.check(run.move_changes() | run.item_changes() | shipment, [MOVED, "shipment.status.updated"])


def without_shipment(run: CommandRun, tx: Any) -> None:
    tx.change(run.subject, shipment=None)


def test_package_without_shipment_can_be_delivered() -> None:
    run = CommandRun(1038, arrange=without_shipment)
    run.send_ok()
    run.check(run.move_changes() | run.item_changes(), [MOVED, "shipment.status.updated"])


INFOS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "all": (
        {"cargo_company": 730, "tracking_number": TRACK, "query_number": "Q"},
        {"cargo_company": 730, "query_number": "Q"},
    ),
    "the number alone": ({"tracking_number": TRACK}, {"query_number": TRACK}),
}


@pytest.mark.parametrize(("parameters", "columns"), INFOS.values(), ids=INFOS)
@each("UPDATE_SHIPMENT_INFO_OF_PACKAGE")
def test_new_shipment_info_creates_a_label(
    edge: dict[str, Any], parameters: dict[str, Any], columns: dict[str, Any]
) -> None:
    """Without a carrier, it does not change. The default query number is the tracking number."""
    run = CommandRun(edge["id"], arrange=with_shipment)
    run.send_ok(**parameters)
    label, made = run.label_changes()
    dates = {"update_date_time": run.now, "modified_date": run.now}
    shipment = {("Shipment", run.subject.shipment): {"awb_number": TRACK, **columns, **dates}}
    changed = run.column_changes(tracking_number=TRACK, shipping_label=label.id)
    run.check(changed | made | shipment, ["package.shipment.awb_number"])


@pytest.mark.parametrize("named", [True, False], ids=["all items", "no items"])
@each("UPDATE_SHIPMENT_LABEL")
def test_new_label_packs_a_package_that_waits_for_it(edge: dict[str, Any], named: bool) -> None:
    """Other packages keep their state, without a log entry or event."""
    run = CommandRun(edge["id"], arrange=with_shipment)
    run.send_ok(package_items=run.item_ids() if named else [])
    label, made = run.label_changes()
    if edge["source_state"] == WAITING_FOR_LABEL:
        expected = run.move_changes(shipping_label=label.id) | run.item_changes()
        run.check(expected | made, [MOVED, "package.status.packed"])
    else:
        run.check(run.column_changes(shipping_label=label.id) | made)
    former = run.subject.shipping_label
    assert former is None or former in run.after[ShippingLabel]


INVOICE = {
    "invoice_number": "INV-1",
    "invoice_document_type": "html",
    "document_content": "<p>invoice</p>",
    "invoice_date": "2023-04-05",
}


def with_document(run: CommandRun, tx: Any) -> None:
    tx.add(InvoiceDocument(tx.new_id(InvoiceDocument), run.subject.id, "OLD"))


@pytest.mark.parametrize("arrange", [with_document, change_nothing], ids=["replaced", "the first"])
@each("UPDATE_INVOICE_OF_THE_PACKAGE")
def test_invoice_document_replaces_the_former(edge: dict[str, Any], arrange: Any) -> None:
    """The package has its number. There is no state change, log entry or event."""
    run = CommandRun(edge["id"], arrange=arrange)
    run.send_ok(**INVOICE)
    id_ = run.next_id(InvoiceDocument)
    made = InvoiceDocument(id_, run.subject.id, "INV-1", "html", "<p>invoice</p>", "2023-04-05", run.now)
    former = {("InvoiceDocument", old): REMOVED for old in run.before[InvoiceDocument]}
    run.check(run.column_changes(invoice_number="INV-1") | {("InvoiceDocument", id_): made} | former)
    assert run.after[Package][run.subject.id].invoice == run.subject.invoice
