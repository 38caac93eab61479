"""Each command of transfer orders makes exactly the expected changes, log entries and events."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.core.records import (
    Package,
    PackageItem,
    Reservation,
    State,
    Stock,
    StockLocation,
    TransferItem,
    TransferOrder,
    Transition,
)
from emulator.domain.planning import parse_interval
from tests.domain.command_run import ITEM, MOVED, T_MOVED, TRACK, TRANSFERS, WAITING, CommandRun, change_nothing
from tests.support.worlds import REMOVED, Changes

T_WAITING, T_READY, T_TRANSIT, T_CANCELED, T_DONE = 73, 78, 74, 75, 76
T_ITEM = {T_WAITING: 80, T_TRANSIT: 81, T_CANCELED: 82, T_DONE: 83, T_READY: 85}
READY, ADVANCED, RENEW, DISPATCH, DISPATCH_READY, DELIVER, NOT_FOUND = 100, 298, 694, 1049, 1050, 1051, 1052
READY_EVENTS = [T_MOVED, "transfer.status.ready_to_shipment"]
MADE_EVENTS = [*READY_EVENTS, "shipment.created"]
CANCEL_EVENTS = [T_MOVED, "transfer.status.cancelled"]


def transfer_item_changes(run: CommandRun) -> Changes:
    return run.transfer_item_changes(T_ITEM[run.transition.destination_state])


@pytest.mark.parametrize("parameters", [{}, {"cargo_company": "1"}], ids=["plain", "as the sample"])
def test_ready_without_shipment_creates_no_shipment(parameters: dict[str, Any]) -> None:
    """The configuration of the documented transition contains `create_shipment: false`."""
    run = CommandRun(READY)
    run.send_ok(**parameters)
    run.check(run.move_changes() | transfer_item_changes(run), READY_EVENTS)


CONFIGURATIONS = [b"{}", b'{"create_shipment":true}', b"[]", b"null"]
CARRIERS = {"the first": ({}, 1), "named": ({"cargo_company": 728}, 728)}


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=bytes.decode)
@pytest.mark.parametrize(("parameters", "company"), CARRIERS.values(), ids=CARRIERS)
def test_ready_creates_a_shipment_unless_configured_otherwise(
    configuration: bytes, parameters: dict[str, Any], company: int
) -> None:
    """A configuration that is not an object does not disable it."""

    def configure(run: CommandRun, tx: Any) -> None:
        tx.change(tx.get_existing(Transition, READY), configuration=configuration)

    run = CommandRun(READY, arrange=configure)
    run.send_ok(**parameters)
    shipment, made = run.shipment_changes(company)
    run.check(run.move_changes(transfer_shipment=shipment.id) | made | transfer_item_changes(run), MADE_EVENTS)


def test_ready_advanced_creates_a_shipment_with_the_given_number() -> None:
    run = CommandRun(ADVANCED)
    run.send_ok(cargo_company=729, tracking_number=f" {TRACK} ")
    shipment, made = run.shipment_changes(729, TRACK)
    run.check(run.move_changes(transfer_shipment=shipment.id) | made | transfer_item_changes(run), MADE_EVENTS)


@pytest.mark.parametrize("transition", [DISPATCH, DISPATCH_READY], ids=["waiting", "ready"])
def test_dispatch_moves_the_items(transition: int) -> None:
    """The package does not change."""
    run = CommandRun(transition)
    run.send_ok()
    run.check(run.move_changes() | transfer_item_changes(run), [T_MOVED, "transfer.status.in_transit"])


def in_transfer(run: CommandRun, record: Any) -> bool:
    return bool(run.world.records.get_existing(Package, record.package).state == TRANSFERS)


def arrival_events(run: CommandRun) -> list[str]:
    """Return the expected events of an arrival. A shipment has its own event."""
    moved = [] if run.subject.transfer_shipment is None else ["shipment.status.updated"]
    return [T_MOVED, "transfer.status.transferred", *moved]


def package_of(run: CommandRun) -> Package:
    return run.records.get_existing(Package, run.subject.package)


def add_transfer(state: int) -> Any:
    """Return a function that adds a second transfer order in this state."""

    def arrange(run: CommandRun, tx: Any) -> None:
        tx.add(run.subject._replace(id=tx.new_id(TransferOrder), number="second", state=state))

    return arrange


def completed_package_changes(run: CommandRun) -> Changes:
    """Return the changes of the package and its items, which the planner moves to Waiting."""
    package = package_of(run)
    log = run.log_entry(package, WAITING, None, {}, position=1)
    items = run.records.find(PackageItem, "package", package.id)
    state = {"state": ITEM[WAITING], "modified_date": run.now}
    return {
        ("Package", package.id): {"state": WAITING, "modified_date": run.now},
        ("TransitionLog", log.id): log,
        **{("PackageItem", item.id): state for item in items},
    }


ARRIVALS = {
    "the only one": change_nothing,
    "the last": add_transfer(T_DONE),
    "all but cancelled": add_transfer(T_CANCELED),
}


@pytest.mark.parametrize("arrange", ARRIVALS.values(), ids=ARRIVALS)
def test_last_arrival_moves_the_package_to_waiting(arrange: Any) -> None:
    run = CommandRun(DELIVER, is_suitable=in_transfer, arrange=arrange)
    run.send_ok()
    events = [*arrival_events(run), (MOVED, package_of(run))]
    run.check(run.move_changes() | transfer_item_changes(run) | completed_package_changes(run), events)


@pytest.mark.parametrize("state", [T_WAITING, T_READY, T_TRANSIT])
def test_earlier_arrival_does_not_move_the_package(state: int) -> None:
    run = CommandRun(DELIVER, is_suitable=in_transfer, arrange=add_transfer(state))
    run.send_ok()
    run.check(run.move_changes() | transfer_item_changes(run), arrival_events(run))


def cancel_package(run: CommandRun, tx: Any) -> None:
    tx.change(tx.get_existing(Package, run.subject.package), state=48)


def test_arrival_for_a_cancelled_package_moves_only_the_transfer() -> None:
    run = CommandRun(DELIVER, is_suitable=in_transfer, arrange=cancel_package)
    run.send_ok()
    run.check(run.move_changes() | transfer_item_changes(run), arrival_events(run))


def successor_changes(run: CommandRun, source: int) -> Changes:
    """Return the changes for the new transfer order, its items, and the package items that refer to it."""
    old, root = run.subject, run.records
    number = f"{package_of(run).number}T{len(root.find(TransferOrder, 'package', old.package)) + 1}"
    made = TransferOrder(
        *(run.next_id(TransferOrder), T_WAITING, old.package, source, old.destination, number),
        target_transfer_date=run.now
        + parse_interval(root.get_existing(StockLocation, source).target_transfer_interval),
        plan_item=old.plan_item,
        created_date=run.now,
        modified_date=run.now,
    )
    found: Changes = {("TransferOrder", made.id): made}
    for position, item in enumerate(root.find(TransferItem, "transfer_order", old.id)):
        dates = {"created_date": run.now, "modified_date": run.now}
        id_ = run.next_id(TransferItem) + position
        copy = item._replace(id=id_, state=T_ITEM[T_WAITING], transfer_order=made.id, **dates)
        found["TransferItem", id_] = copy
        assert root.get_existing(PackageItem, item.package_item).transfer_order == old.id
        found["PackageItem", item.package_item] = {"transfer_order": made.id, "modified_date": run.now}
    return found


def test_renewal_creates_a_transfer_of_the_same_items() -> None:
    """The new transfer has the same source. The old one is cancelled."""
    run = CommandRun(RENEW)
    run.send_ok()
    expected = run.move_changes() | transfer_item_changes(run) | successor_changes(run, run.subject.source)
    made = ("transfer.status.created", run.new_record(TransferOrder))
    run.check(expected, [*CANCEL_EVENTS, made])


def limit_stock(*locations: int) -> Any:
    """Return a function that empties the stock of all locations but these and the transfer's."""

    def arrange(run: CommandRun, tx: Any) -> None:
        for stock in tx.all(Stock):
            tx.change(stock, quantity=0)
        products = {item.product for item in tx.find(TransferItem, "transfer_order", run.subject.id)}
        for location in (*locations, run.subject.source, run.subject.destination):
            for product in products:
                found = tx.find(Stock, "place", (location, product))
                stock = found[0] if found else tx.add(Stock(tx.new_id(Stock), product, location))
                tx.change(stock, quantity=50)

    return arrange


def test_missing_product_is_transferred_from_another_location() -> None:
    """It is the first active location by id that has all items, except source and destination."""
    run = CommandRun(NOT_FOUND, arrange=limit_stock(21, 17, 19))
    run.send_ok()
    expected = run.move_changes() | transfer_item_changes(run) | successor_changes(run, 19)
    made = ("transfer.status.created", run.new_record(TransferOrder))
    run.check(expected, [*CANCEL_EVENTS, made])


def test_missing_product_without_other_stock_cancels_the_transfer() -> None:
    run = CommandRun(NOT_FOUND, arrange=limit_stock())
    run.send_ok()
    run.check(run.move_changes() | transfer_item_changes(run), CANCEL_EVENTS)


def reserve_at_source(*locations: int) -> Any:
    """Return a function that moves the reservations to the source, and limits the stock to these locations."""

    def arrange(run: CommandRun, tx: Any) -> None:
        limit_stock(*locations)(run, tx)
        for claim in tx.find(Reservation, "package", run.subject.package):
            tx.change(claim, stock_location=run.subject.source)

    return arrange


def reservations_of(run: CommandRun) -> list[Reservation]:
    claims = run.records.find(Reservation, "package", run.subject.package)
    assert len(claims) == len(run.records.find(TransferItem, "transfer_order", run.subject.id)) > 0
    return claims


def test_arrival_moves_the_reservations_to_the_destination() -> None:
    """The available stock does not change."""
    run = CommandRun(DELIVER, is_suitable=in_transfer, arrange=reserve_at_source())
    run.send_ok()
    moved = {("Reservation", claim.id): {"stock_location": run.subject.destination} for claim in reservations_of(run)}
    events = [*arrival_events(run), (MOVED, package_of(run))]
    run.check(run.move_changes() | transfer_item_changes(run) | completed_package_changes(run) | moved, events)


def test_missing_product_is_reserved_at_the_new_source() -> None:
    run = CommandRun(NOT_FOUND, arrange=reserve_at_source(19))
    run.send_ok()
    expected = run.move_changes() | transfer_item_changes(run) | successor_changes(run, 19)
    for claim in reservations_of(run):
        expected["Reservation", claim.id] = {"stock_location": 19}
        run.stock[19, claim.product] -= 1
    run.check(expected, [*CANCEL_EVENTS, ("transfer.status.created", run.new_record(TransferOrder))])


def test_missing_product_without_other_stock_loses_its_reservation() -> None:
    """The source does not have the product, so no stock is given back."""
    run = CommandRun(NOT_FOUND, arrange=reserve_at_source())
    run.send_ok()
    gone = {("Reservation", claim.id): REMOVED for claim in reservations_of(run)}
    run.check(run.move_changes() | transfer_item_changes(run) | gone, CANCEL_EVENTS)


def test_item_states_have_the_values_of_transfer_states() -> None:
    """The states have equal values and different content types."""
    root = CommandRun(READY).records
    for transfer, item in T_ITEM.items():
        assert root.get_existing(State, transfer).enum_value == root.get_existing(State, item).enum_value
