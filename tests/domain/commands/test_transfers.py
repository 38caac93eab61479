"""What each transfer order command changes, record by record: these, a log entry and these events; nothing else."""

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
from tests.domain.doing import ITEM, MOVED, T_MOVED, TRACK, TRANSFERS, WAITING, Doing, as_it_is
from tests.support.worlds import REMOVED, Changes

T_WAITING, T_READY, T_TRANSIT, T_CANCELED, T_DONE = 73, 78, 74, 75, 76
T_ITEM = {T_WAITING: 80, T_TRANSIT: 81, T_CANCELED: 82, T_DONE: 83, T_READY: 85}
READY, ADVANCED, RENEW, DISPATCH, DISPATCH_READY, DELIVER, NOT_FOUND = 100, 298, 694, 1049, 1050, 1051, 1052
READY_EVENTS = [T_MOVED, "transfer.status.ready_to_shipment"]
MADE_EVENTS = [*READY_EVENTS, "shipment.created"]
CANCEL_EVENTS = [T_MOVED, "transfer.status.cancelled"]


def items_followed(doing: Doing) -> Changes:
    return doing.transfer_items(T_ITEM[doing.edge.destination_state])


@pytest.mark.parametrize("parameters", [{}, {"cargo_company": "1"}], ids=["plain", "as the sample"])
def test_ready_without_shipment_makes_none(parameters: dict[str, Any]) -> None:
    """The documented transition's configuration says `create_shipment: false`, whoever is named."""
    doing = Doing(READY)
    doing.done(**parameters)
    doing.check(doing.moved() | items_followed(doing), READY_EVENTS)


CONFIGURATIONS = [b"{}", b'{"create_shipment":true}', b"[]", b"null"]
CARRIERS = {"the first": ({}, 1), "named": ({"cargo_company": 728}, 728)}


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=bytes.decode)
@pytest.mark.parametrize(("parameters", "company"), CARRIERS.values(), ids=CARRIERS)
def test_ready_makes_a_shipment_unless_told_not_to(
    configuration: bytes, parameters: dict[str, Any], company: int
) -> None:
    """Also where a configuration is of an odd form."""

    def configure(doing: Doing, tx: Any) -> None:
        tx.change(tx.get_existing(Transition, READY), configuration=configuration)

    doing = Doing(READY, arrange=configure)
    doing.done(**parameters)
    shipment, made = doing.shipment(company)
    doing.check(doing.moved(transfer_shipment=shipment.id) | made | items_followed(doing), MADE_EVENTS)


def test_ready_advanced_makes_the_shipment_with_the_given_number() -> None:
    doing = Doing(ADVANCED)
    doing.done(cargo_company=729, tracking_number=f" {TRACK} ")
    shipment, made = doing.shipment(729, TRACK)
    doing.check(doing.moved(transfer_shipment=shipment.id) | made | items_followed(doing), MADE_EVENTS)


@pytest.mark.parametrize("transition", [DISPATCH, DISPATCH_READY], ids=["waiting", "ready"])
def test_dispatching_sends_the_items_along(transition: int) -> None:
    """The package they are for stays as it is."""
    doing = Doing(transition)
    doing.done()
    doing.check(doing.moved() | items_followed(doing), [T_MOVED, "transfer.status.in_transit"])


def in_transfer(doing: Doing, record: Any) -> bool:
    return bool(doing.world.records.get_existing(Package, record.package).state == TRANSFERS)


def arrival_events(doing: Doing) -> list[str]:
    """A shipment, where the transfer has one, tells of it too."""
    moved = [] if doing.subject.transfer_shipment is None else ["shipment.status.updated"]
    return [T_MOVED, "transfer.status.transferred", *moved]


def package_of(doing: Doing) -> Package:
    return doing.root.get_existing(Package, doing.subject.package)


def another(state: int) -> Any:
    """Give the package a second transfer order, in this state."""

    def arrange(doing: Doing, tx: Any) -> None:
        tx.add(doing.subject._replace(id=tx.new_id(TransferOrder), number="second", state=state))

    return arrange


def completed(doing: Doing) -> Changes:
    """The package waits for packing: moved by the planner, with its items and its own log entry."""
    package = package_of(doing)
    log = doing.log(package, WAITING, None, {}, position=1)
    items = doing.root.find(PackageItem, "package", package.id)
    state = {"state": ITEM[WAITING], "modified_date": doing.now}
    return {
        ("Package", package.id): {"state": WAITING, "modified_date": doing.now},
        ("TransitionLog", log.id): log,
        **{("PackageItem", item.id): state for item in items},
    }


ARRIVALS = {
    "the only one": as_it_is,
    "the last": another(T_DONE),
    "all but cancelled": another(T_CANCELED),
}


@pytest.mark.parametrize("arrange", ARRIVALS.values(), ids=ARRIVALS)
def test_the_last_arrival_lets_the_package_wait_for_packing(arrange: Any) -> None:
    doing = Doing(DELIVER, fits=in_transfer, arrange=arrange)
    doing.done()
    events = [*arrival_events(doing), (MOVED, package_of(doing))]
    doing.check(doing.moved() | items_followed(doing) | completed(doing), events)


@pytest.mark.parametrize("state", [T_WAITING, T_READY, T_TRANSIT])
def test_an_arrival_before_the_last_leaves_the_package(state: int) -> None:
    doing = Doing(DELIVER, fits=in_transfer, arrange=another(state))
    doing.done()
    doing.check(doing.moved() | items_followed(doing), arrival_events(doing))


def cancelled_package(doing: Doing, tx: Any) -> None:
    tx.change(tx.get_existing(Package, doing.subject.package), state=48)


def test_an_arrival_for_a_package_that_no_longer_waits_moves_the_transfer_alone() -> None:
    doing = Doing(DELIVER, fits=in_transfer, arrange=cancelled_package)
    doing.done()
    doing.check(doing.moved() | items_followed(doing), arrival_events(doing))


def renewed(doing: Doing, source: int) -> Changes:
    """Give the transfer order that takes over, its items, and the package items that now belong to it."""
    old, root = doing.subject, doing.root
    number = f"{package_of(doing).number}T{len(root.find(TransferOrder, 'package', old.package)) + 1}"
    made = TransferOrder(
        *(doing.free(TransferOrder), T_WAITING, old.package, source, old.destination, number),
        target_transfer_date=doing.now
        + parse_interval(root.get_existing(StockLocation, source).target_transfer_interval),
        plan_item=old.plan_item,
        created_date=doing.now,
        modified_date=doing.now,
    )
    found: Changes = {("TransferOrder", made.id): made}
    for position, item in enumerate(root.find(TransferItem, "transfer_order", old.id)):
        dates = {"created_date": doing.now, "modified_date": doing.now}
        id_ = doing.free(TransferItem) + position
        copy = item._replace(id=id_, state=T_ITEM[T_WAITING], transfer_order=made.id, **dates)
        found["TransferItem", id_] = copy
        assert root.get_existing(PackageItem, item.package_item).transfer_order == old.id
        found["PackageItem", item.package_item] = {"transfer_order": made.id, "modified_date": doing.now}
    return found


def test_renewing_makes_another_transfer_of_the_same_items() -> None:
    """From the same place; the old one is cancelled."""
    doing = Doing(RENEW)
    doing.done()
    expected = doing.moved() | items_followed(doing) | renewed(doing, doing.subject.source)
    made = ("transfer.status.created", doing.the_new(TransferOrder))
    doing.check(expected, [*CANCEL_EVENTS, made])


def stocked_at(*locations: int) -> Any:
    """Let nothing be in stock anywhere but plenty at these locations."""

    def arrange(doing: Doing, tx: Any) -> None:
        for stock in tx.all(Stock):
            tx.change(stock, quantity=0)
        products = {item.product for item in tx.find(TransferItem, "transfer_order", doing.subject.id)}
        for location in (*locations, doing.subject.source, doing.subject.destination):
            for product in products:
                found = tx.find(Stock, "place", (location, product))
                stock = found[0] if found else tx.add(Stock(tx.new_id(Stock), product, location))
                tx.change(stock, quantity=50)

    return arrange


def test_what_is_not_found_comes_from_another_place() -> None:
    """The first one by id that is active and has all items: never the source, and never the destination."""
    doing = Doing(NOT_FOUND, arrange=stocked_at(21, 19, 18))
    doing.done()
    expected = doing.moved() | items_followed(doing) | renewed(doing, 18)
    made = ("transfer.status.created", doing.the_new(TransferOrder))
    doing.check(expected, [*CANCEL_EVENTS, made])


def test_what_is_nowhere_found_is_cancelled() -> None:
    doing = Doing(NOT_FOUND, arrange=stocked_at())
    doing.done()
    doing.check(doing.moved() | items_followed(doing), CANCEL_EVENTS)


def claimed_at_source(*locations: int) -> Any:
    """Let the transfer's items be claimed where they come from, and be in stock at these locations alone."""

    def arrange(doing: Doing, tx: Any) -> None:
        stocked_at(*locations)(doing, tx)
        for claim in tx.find(Reservation, "package", doing.subject.package):
            tx.change(claim, stock_location=doing.subject.source)

    return arrange


def claims_of(doing: Doing) -> list[Reservation]:
    claims = doing.root.find(Reservation, "package", doing.subject.package)
    assert len(claims) == len(doing.root.find(TransferItem, "transfer_order", doing.subject.id)) > 0
    return claims


def test_what_arrives_is_claimed_at_its_destination() -> None:
    """Nothing more may be promised anywhere, and nothing less."""
    doing = Doing(DELIVER, fits=in_transfer, arrange=claimed_at_source())
    doing.done()
    moved = {("Reservation", claim.id): {"stock_location": doing.subject.destination} for claim in claims_of(doing)}
    events = [*arrival_events(doing), (MOVED, package_of(doing))]
    doing.check(doing.moved() | items_followed(doing) | completed(doing) | moved, events)


def test_what_is_not_found_is_claimed_where_it_comes_from_now() -> None:
    doing = Doing(NOT_FOUND, arrange=claimed_at_source(18))
    doing.done()
    expected = doing.moved() | items_followed(doing) | renewed(doing, 18)
    for claim in claims_of(doing):
        expected["Reservation", claim.id] = {"stock_location": 18}
        doing.stock[18, claim.product] -= 1
    doing.check(expected, [*CANCEL_EVENTS, ("transfer.status.created", doing.the_new(TransferOrder))])


def test_what_is_nowhere_found_is_claimed_from_nobody() -> None:
    """Its source never had it: nothing is given back."""
    doing = Doing(NOT_FOUND, arrange=claimed_at_source())
    doing.done()
    gone = {("Reservation", claim.id): REMOVED for claim in claims_of(doing)}
    doing.check(doing.moved() | items_followed(doing) | gone, CANCEL_EVENTS)


def test_every_item_state_of_a_transfer_bears_its_name() -> None:
    """The table above is the installation's: the same values, another content type."""
    root = Doing(READY).root
    for transfer, item in T_ITEM.items():
        assert root.get_existing(State, transfer).enum_value == root.get_existing(State, item).enum_value
