"""What each shipping command changes, record by record: these, a log entry and these events; and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.records import CargoCompany, InvoiceDocument, Package, ShippingLabel
from emulator.domain.shipments import create_shipment
from tests.domain.doing import LABELLESS, MOVED, TRACK, Doing, as_it_is, edges
from tests.support.worlds import REMOVED


def each(*codes: str) -> Any:
    found = edges(*codes)
    return pytest.mark.parametrize("edge", found, ids=[edge["slug"] for edge in found])


def with_shipment(doing: Doing, tx: Any) -> None:
    shipment = create_shipment(tx, tx.get_existing(CargoCompany, 728), doing.subject)
    tx.change(doing.subject, shipment=shipment.id, tracking_number=shipment.awb_number)


@each("SHIP_PACKAGE", "SHIPMENT_ORDER")
def test_shipping_keeps_the_shipment(edge: dict[str, Any]) -> None:
    """Items and order items are shipped, and the package knows when; shipment and label stay as they are."""
    doing = Doing(edge["id"], arrange=with_shipment)
    doing.done()
    expected = doing.moved(shipment_date=doing.now) | doing.followed()
    doing.check(expected, [MOVED, "package.status.shipped"])


@pytest.mark.parametrize("arrange", [with_shipment, as_it_is], ids=["with", "without"])
@each("SHIP_PACKAGE_WITHOUT_SHIPMENT")
def test_shipping_without_shipment_asks_for_none(edge: dict[str, Any], arrange: Any) -> None:
    doing = Doing(edge["id"], arrange=arrange)
    doing.done()
    expected = doing.moved(shipment_date=doing.now) | doing.followed()
    doing.check(expected, [MOVED, "package.status.shipped"])


@each("SHIPMENT_ORDER_ADVANCE")
def test_shipping_with_a_number_makes_shipment_and_label(edge: dict[str, Any]) -> None:
    doing = Doing(edge["id"])
    doing.done(cargo_company=729, tracking_number=f" {TRACK} ")
    (shipment, made), (label, more) = doing.shipment(729, TRACK), doing.label()
    columns = {"shipment": shipment.id, "shipping_label": label.id, "tracking_number": TRACK}
    expected = doing.moved(shipment_date=doing.now, **columns) | doing.followed()
    events = [MOVED, "package.status.shipped", "shipment.created", "package.shipment.awb_number"]
    doing.check(expected | made | more, events)


@each("UPDATE_PACKAGE_SHIPMENT_STATUS")
def test_the_shipments_status_delivers_the_package(edge: dict[str, Any]) -> None:
    """The shipment says when it was touched; order items stay as they are."""
    doing = Doing(edge["id"])
    doing.done()
    shipment = {("Shipment", doing.subject.shipment): {"update_date_time": doing.now, "modified_date": doing.now}}
    doing.check(doing.moved() | doing.followed() | shipment, [MOVED, "shipment.status.updated"])


def without_shipment(doing: Doing, tx: Any) -> None:
    tx.change(doing.subject, shipment=None)


def test_a_package_without_shipment_is_delivered_as_well() -> None:
    """As one that was shipped without."""
    doing = Doing(1038, arrange=without_shipment)
    doing.done()
    doing.check(doing.moved() | doing.followed(), [MOVED, "shipment.status.updated"])


INFOS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "all": (
        {"cargo_company": 730, "tracking_number": TRACK, "query_number": "Q"},
        {"cargo_company": 730, "query_number": "Q"},
    ),
    "the number alone": ({"tracking_number": TRACK}, {"query_number": TRACK}),
}


@pytest.mark.parametrize(("parameters", "columns"), INFOS.values(), ids=INFOS)
@each("UPDATE_SHIPMENT_INFO_OF_PACKAGE")
def test_new_shipment_info_renews_the_label(
    edge: dict[str, Any], parameters: dict[str, Any], columns: dict[str, Any]
) -> None:
    """The carrier stays where none is named, and the query number is the tracking number's; no move and no log."""
    doing = Doing(edge["id"], arrange=with_shipment)
    doing.done(**parameters)
    label, made = doing.label()
    dates = {"update_date_time": doing.now, "modified_date": doing.now}
    shipment = {("Shipment", doing.subject.shipment): {"awb_number": TRACK, **columns, **dates}}
    changed = doing.touched(tracking_number=TRACK, shipping_label=label.id)
    doing.check(changed | made | shipment, ["package.shipment.awb_number"])


@pytest.mark.parametrize("named", [True, False], ids=["all items", "no items"])
@each("UPDATE_SHIPMENT_LABEL")
def test_a_new_label_packs_what_waited_for_it(edge: dict[str, Any], named: bool) -> None:
    """All others stay in their state, without a log and an event; the former label is still there."""
    doing = Doing(edge["id"], arrange=with_shipment)
    doing.done(package_items=doing.item_ids() if named else [])
    label, made = doing.label()
    if edge["source_state"] == LABELLESS:
        expected = doing.moved(shipping_label=label.id) | doing.followed()
        doing.check(expected | made, [MOVED, "package.status.packed"])
    else:
        doing.check(doing.touched(shipping_label=label.id) | made)
    former = doing.subject.shipping_label
    assert former is None or former in doing.after[ShippingLabel]


INVOICE = {
    "invoice_number": "INV-1",
    "invoice_document_type": "html",
    "document_content": "<p>invoice</p>",
    "invoice_date": "2023-04-05",
}


def with_document(doing: Doing, tx: Any) -> None:
    tx.add(InvoiceDocument(tx.new_id(InvoiceDocument), doing.subject.id, "OLD"))


@pytest.mark.parametrize("arrange", [with_document, as_it_is], ids=["replaced", "the first"])
@each("UPDATE_INVOICE_OF_THE_PACKAGE")
def test_an_invoices_document_takes_the_place_of_the_former(edge: dict[str, Any], arrange: Any) -> None:
    """The package bears its number; no move, no log, no event."""
    doing = Doing(edge["id"], arrange=arrange)
    doing.done(**INVOICE)
    id_ = doing.free(InvoiceDocument)
    made = InvoiceDocument(id_, doing.subject.id, "INV-1", "html", "<p>invoice</p>", "2023-04-05", doing.now)
    former = {("InvoiceDocument", old): REMOVED for old in doing.before[InvoiceDocument]}
    doing.check(doing.touched(invoice_number="INV-1") | {("InvoiceDocument", id_): made} | former)
    assert doing.after[Package][doing.subject.id].invoice == doing.subject.invoice
