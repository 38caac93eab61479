"""Each packing command makes exactly the expected changes, log entries and events."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.records import PackageItem, Reservation
from tests.domain.command_run import (
    BLOCKED,
    CANCELED,
    MOVED,
    ORDER_PREPARING,
    PACKED,
    WAITING_FOR_LABEL,
    CommandRun,
    transitions_with,
)


def each(*codes: str) -> Any:
    found = transitions_with(*codes)
    return pytest.mark.parametrize("edge", found, ids=[edge["slug"] for edge in found])


@each("PREPARE_PACKAGE_COMMAND", "PKG_STATE_TRANSITION", "BLOCK_THE_PACKAGE")
def test_plain_move_moves_the_items(edge: dict[str, Any]) -> None:
    """Order items and shipments do not change. Reservations end only if the package is cancelled."""
    run = CommandRun(edge["id"])
    run.send_ok()
    expected = run.move_changes() | run.item_changes()
    cancelled = edge["destination_state"] == CANCELED
    if cancelled:
        expected |= run.reservation_changes(give_back=True)
    run.check(expected, [MOVED, "package.status.cancelled"] if cancelled else [MOVED], run.quota_change())


def test_blocking_keeps_the_reservations() -> None:
    """The package has reservations before and after, so the test above is not vacuous."""
    run = CommandRun(1021)
    run.send_ok()
    claims = run.records.find(Reservation, "package", run.subject.id)
    assert claims == run.world.records.find(Reservation, "package", run.subject.id) != []


@each("PKG_DEALLOCATE_RESERVATIONS")
def test_deallocation_ends_the_reservations(edge: dict[str, Any]) -> None:
    """Their stock becomes available again."""
    run = CommandRun(edge["id"])
    run.send_ok()
    run.check(run.move_changes() | run.item_changes() | run.reservation_changes(give_back=True), [MOVED])


@each("COMPLETE_PACKAGING_WITHOUT_SHIPMENT", "CHANNEL_BASED_COMPLETE_PACKAGING")
def test_packing_without_shipment_creates_no_shipment(edge: dict[str, Any]) -> None:
    """Items are packed, order items are Preparing, and the reservations end without giving back stock."""
    run = CommandRun(edge["id"])
    run.send_ok()
    expected = run.move_changes() | run.item_changes() | run.reservation_changes(give_back=False)
    expected |= run.order_item_changes(ORDER_PREPARING)
    run.check(expected, [MOVED, "package.status.packed"], run.quota_change())


CARRIERS: dict[str, tuple[dict[str, Any], int]] = {
    "the first": ({}, 1),
    "named": ({"cargo_company": 728}, 728),
    "named as the sample does": ({"cargo_company": "728"}, 728),
}


@pytest.mark.parametrize(("parameters", "company"), CARRIERS.values(), ids=CARRIERS)
@each("COMPLETE_PACKAGING")
def test_packing_creates_shipment_and_label(edge: dict[str, Any], parameters: dict[str, Any], company: int) -> None:
    """A package that waits for its label gets only the shipment, and is not packed yet."""
    run = CommandRun(edge["id"])
    run.send_ok(**parameters)
    shipment, made = run.shipment_changes(company)
    columns: dict[str, Any] = {"shipment": shipment.id, "tracking_number": shipment.awb_number}
    events = [MOVED, "shipment.created", "package.shipment.awb_number"]
    if edge["destination_state"] == PACKED:
        label, more = run.label_changes()
        made |= more
        columns |= {"shipping_label": label.id}
        events.insert(1, "package.status.packed")
    else:
        assert edge["destination_state"] == WAITING_FOR_LABEL
    expected = run.move_changes(**columns) | run.item_changes() | run.reservation_changes(give_back=False)
    run.check(expected | made | run.order_item_changes(ORDER_PREPARING), events, run.quota_change())


def with_discrepancy(run: CommandRun, tx: Any) -> None:
    item = tx.find(PackageItem, "package", run.subject.id)[0]
    tx.change(item, discrepancy_reason=b'{"id":1}')


@each("PACKAGE_PACKED_FOR_REFUND")
def test_packing_for_refund_clears_discrepancy_reasons(edge: dict[str, Any]) -> None:
    """From Waiting, the reservations end, too. A package that is out of stock has none."""
    run = CommandRun(edge["id"], arrange=with_discrepancy)
    run.send_ok()
    expected = run.move_changes() | run.item_changes()
    expected["PackageItem", run.items[0].id] |= {"discrepancy_reason": None}
    if run.records.find(Reservation, "package", run.subject.id):
        expected |= run.reservation_changes(give_back=True)
    run.check(expected, [MOVED, "package.status.packed_for_refund"], run.quota_change())


@each("UNBLOCK_THE_PACKAGE")
def test_unblocking_returns_to_the_previous_state(edge: dict[str, Any]) -> None:
    """The log contains the previous state. The reservations do not change."""
    block = next(e for e in transitions_with("BLOCK_THE_PACKAGE") if e["source_state"] == edge["destination_state"])
    run = CommandRun(block["id"])
    run.send_ok()
    blocked = run.next_command(edge["id"])
    assert blocked.subject.state == BLOCKED
    blocked.send_ok()
    blocked.check(blocked.move_changes() | blocked.item_changes(), [MOVED], blocked.quota_change())
