"""What each packing command changes, record by record: these, a log entry and these events; and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.records import PackageItem, Reservation
from tests.domain.doing import (
    BLOCKED,
    CANCELED,
    LABELLESS,
    MOVED,
    ORDER_PREPARING,
    PACKED,
    Doing,
    edges,
)


def each(*codes: str) -> Any:
    found = edges(*codes)
    return pytest.mark.parametrize("edge", found, ids=[edge["slug"] for edge in found])


@each("PREPARE_PACKAGE_COMMAND", "PKG_STATE_TRANSITION", "BLOCK_THE_PACKAGE")
def test_a_plain_move_takes_the_items_along(edge: dict[str, Any]) -> None:
    """Order items and shipments stay; reservations too, unless the package is cancelled: then they are given back."""
    doing = Doing(edge["id"])
    doing.done()
    expected = doing.moved() | doing.followed()
    cancelled = edge["destination_state"] == CANCELED
    if cancelled:
        expected |= doing.released(give_back=True)
    doing.check(expected, [MOVED, "package.status.cancelled"] if cancelled else [MOVED], doing.left_quota())


def test_blocking_leaves_the_reservations_alone() -> None:
    """The claims are there before and after: the case above is not an empty one."""
    doing = Doing(1021)
    doing.done()
    claims = doing.root.find(Reservation, "package", doing.subject.id)
    assert claims == doing.world.records.find(Reservation, "package", doing.subject.id) != []


@each("PKG_DEALLOCATE_RESERVATIONS")
def test_deallocating_ends_the_reservations(edge: dict[str, Any]) -> None:
    """What they held may be promised again."""
    doing = Doing(edge["id"])
    doing.done()
    doing.check(doing.moved() | doing.followed() | doing.released(give_back=True), [MOVED])


@each("COMPLETE_PACKAGING_WITHOUT_SHIPMENT", "CHANNEL_BASED_COMPLETE_PACKAGING")
def test_packing_without_shipment_makes_none(edge: dict[str, Any]) -> None:
    """Items are packed, order items are being prepared, reservations are gone with the goods."""
    doing = Doing(edge["id"])
    doing.done()
    expected = doing.moved() | doing.followed() | doing.released(give_back=False)
    expected |= doing.order_items(ORDER_PREPARING)
    doing.check(expected, [MOVED, "package.status.packed"], doing.left_quota())


CARRIERS: dict[str, tuple[dict[str, Any], int]] = {
    "the first": ({}, 1),
    "named": ({"cargo_company": 728}, 728),
    "named as the sample does": ({"cargo_company": "728"}, 728),
}


@pytest.mark.parametrize(("parameters", "company"), CARRIERS.values(), ids=CARRIERS)
@each("COMPLETE_PACKAGING")
def test_packing_makes_a_shipment_and_its_label(
    edge: dict[str, Any], parameters: dict[str, Any], company: int
) -> None:
    """A package that waits for its label gets the shipment alone, and is not packed yet."""
    doing = Doing(edge["id"])
    doing.done(**parameters)
    shipment, made = doing.shipment(company)
    columns: dict[str, Any] = {"shipment": shipment.id, "tracking_number": shipment.awb_number}
    events = [MOVED, "shipment.created", "package.shipment.awb_number"]
    if edge["destination_state"] == PACKED:
        label, more = doing.label()
        made |= more
        columns |= {"shipping_label": label.id}
        events.insert(1, "package.status.packed")
    else:
        assert edge["destination_state"] == LABELLESS
    expected = doing.moved(**columns) | doing.followed() | doing.released(give_back=False)
    doing.check(expected | made | doing.order_items(ORDER_PREPARING), events, doing.left_quota())


def with_discrepancy(doing: Doing, tx: Any) -> None:
    item = tx.find(PackageItem, "package", doing.subject.id)[0]
    tx.change(item, discrepancy_reason=b'{"id":1}')


@each("PACKAGE_PACKED_FOR_REFUND")
def test_packing_for_refund_clears_discrepancies(edge: dict[str, Any]) -> None:
    """From Waiting the reservations end too; a package out of stock has none."""
    doing = Doing(edge["id"], arrange=with_discrepancy)
    doing.done()
    expected = doing.moved() | doing.followed()
    expected["PackageItem", doing.items[0].id] |= {"discrepancy_reason": None}
    if doing.root.find(Reservation, "package", doing.subject.id):
        expected |= doing.released(give_back=True)
    doing.check(expected, [MOVED, "package.status.packed_for_refund"], doing.left_quota())


@each("UNBLOCK_THE_PACKAGE")
def test_unblocking_leads_back_to_where_it_was_blocked(edge: dict[str, Any]) -> None:
    """As the log of the blocking tells; reservations were there all the time."""
    block = next(e for e in edges("BLOCK_THE_PACKAGE") if e["source_state"] == edge["destination_state"])
    doing = Doing(block["id"])
    doing.done()
    blocked = doing.then(edge["id"])
    assert blocked.subject.state == BLOCKED
    blocked.done()
    blocked.check(blocked.moved() | blocked.followed(), [MOVED], blocked.left_quota())
