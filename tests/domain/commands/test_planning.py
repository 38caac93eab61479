"""Each command that replans items makes exactly the expected changes at both locations."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.core.fields import NULL, REQUIRED
from emulator.core.records import (
    DenialReason,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Reservation,
    Stock,
    StockLocation,
    Transition,
)
from emulator.domain.planning import parse_interval
from emulator.domain.scenario_files import scenario_from_document
from tests.domain.command_run import ITEM, MOVED, ORDER_PREPARING, OUT_OF_STOCK, WAITING, CommandRun, transitions_with
from tests.support.worlds import Changes

ELSEWHERE, REFUSED = 12, "package.refused"


def each(*codes: str) -> Any:
    found = transitions_with(*codes)
    return pytest.mark.parametrize("edge", found, ids=[edge["slug"] for edge in found])


def several(run: CommandRun, record: Any) -> bool:
    return len(run.world.records.find(PackageItem, "package", record.id)) > 1


def only_at(location: int | None) -> Any:
    """Return a function that empties the stock of all locations but one."""

    def arrange(run: CommandRun, tx: Any) -> None:
        for stock in tx.all(Stock):
            tx.change(stock, quantity=0)
        for item in tx.find(PackageItem, "package", run.subject.id):
            product = tx.get_existing(OrderItem, item.order_item).product
            if location is not None and not tx.find(Stock, "place", (location, product)):
                tx.add(Stock(tx.new_id(Stock), product, location))
        for stock in tx.find(Stock, "stock_location", location):
            tx.change(stock, quantity=50)

    return arrange


def child(run: CommandRun, location: int, items: list[PackageItem], position: int = 0) -> Changes:
    """Return the expected records of a new package, and count its reservations at the location."""
    root, parent = run.records, run.subject
    order, place = root.get_existing(Order, parent.order), root.get_existing(StockLocation, location)
    there = run.new_records(Package)[position]
    extra = orjson.loads(there.extra_information)
    assert extra["parent_package"] == {"id": parent.id, "number": parent.number}
    assert (list(extra), extra["distance_to_shipping_address"] >= 0) == (
        ["parent_package", "distance_to_shipping_address"],
        True,
    )
    assert len({package.id_encrypted for package in run.after[Package].values()}) == len(run.after[Package])
    made = Package(
        id=run.next_id(Package) + position,
        state=WAITING,
        order=order.id,
        shipping_address=parent.shipping_address,
        stock_location=location,
        number=f"{order.number}P{len(root.find(Package, 'order', order.id)) + 1 + position}",
        target_packing_date=order.date_placed + parse_interval(place.target_packing_interval),
        delivery_range=parent.delivery_range,
        plan_item=parent.plan_item,
        created_date=run.now,
        modified_date=run.now,
        extra_information=there.extra_information,
        id_encrypted=there.id_encrypted,
    )
    found: Changes = {("Package", made.id): made}
    for item in items:
        copy = PackageItem(
            run.copies,
            ITEM[WAITING],
            item.order_item,
            made.id,
            created_date=run.now,
            modified_date=run.now,
        )
        claim = Reservation(
            run.next_id(Reservation) + run.copies - run.next_id(PackageItem),
            *(made.id, copy.id, run.product(item), location, held(run, location, run.product(item))),
        )
        run.copies += 1
        run.stock[location, claim.product] -= claim.quantity
        found |= {("PackageItem", copy.id): copy, ("Reservation", claim.id): claim}
    return found


def held(run: CommandRun, location: int, product: int) -> int:
    """Return the quantity of a new reservation: one piece, or none without available stock."""
    stock = run.records.find(Stock, "place", (location, product))
    left = sum(found.quantity for found in stock) + run.stock[location, product]
    return 0 if stock and left < 1 else 1


def body_of(run: CommandRun, position: int = 0) -> dict[str, Any]:
    """Return the documented response about a new package."""
    made = run.new_records(Package)[position]
    return {
        "package__id": made.id,
        "package__number": made.number,
        "package__stock_location__id": made.stock_location,
        "package__stock_location__name": run.records.get_existing(StockLocation, made.stock_location).name,
        "is_same_location": made.stock_location == run.subject.stock_location,
    }


def answered(run: CommandRun, **parameters: Any) -> None:
    """Send the command, and check that it responds with 200 and the documented body."""
    answer = run.send(**parameters)
    assert answer.status_code == 200, answer.text
    run.copies = run.next_id(PackageItem)
    assert list(answer.json().items()) == list(body_of(run).items())


@pytest.mark.parametrize("parameters", [{"denial_reason": 1}, {"denial_reason": "2"}], ids=str)
@each("REFUSE_PACKAGE")
def test_refusal_replans_all_items(edge: dict[str, Any], parameters: dict[str, Any]) -> None:
    """The reservations move to the new location. The items have the reason. Order items do not change."""
    run = CommandRun(edge["id"], arrange=only_at(ELSEWHERE))
    answered(run, **parameters)
    followed = run.item_changes()
    followed = with_reason(run, followed, int(parameters["denial_reason"]))
    expected = run.move_changes() | followed | run.reservation_changes(give_back=True)
    expected |= child(run, ELSEWHERE, run.items)
    events = [MOVED, REFUSED, ("package.created", run.new_records(Package)[0])]
    run.check(expected, events, {ELSEWHERE: 1} | run.quota_change())


@each("REFUSE_PACKAGE")
def test_refusal_without_stock_elsewhere_creates_no_package(edge: dict[str, Any]) -> None:
    run = CommandRun(edge["id"], arrange=only_at(None))
    run.send_ok(denial_reason=1)
    expected = run.move_changes() | with_reason(run, run.item_changes(), 1) | run.reservation_changes(give_back=True)
    run.check(expected, [MOVED, REFUSED], run.quota_change())


def with_reason(run: CommandRun, changes: Any, reason: int) -> Any:
    """Return changes of items with the reason of the refusal, in the only form that a page shows."""
    keys = ("id", "title", "remote_id", "priority", "is_active")
    found = run.records.get_existing(DenialReason, reason)
    stored = orjson.dumps({key: getattr(found, key) for key in keys})
    return {key: columns | {"denial_reason": stored} for key, columns in changes.items()}


@pytest.mark.medium
@pytest.mark.parametrize("parameters", [{}, {"denial_reason": None}], ids=str)
@each("REFUSE_PACKAGE")
def test_refusal_needs_a_reason(edge: dict[str, Any], parameters: dict[str, Any]) -> None:
    """The page says that it must be entered."""
    message = NULL if parameters else REQUIRED
    answer = CommandRun(edge["id"], arrange=only_at(None)).send(**parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, {"denial_reason": [message]})


def test_recorded_refusal_without_a_reason_can_be_replayed() -> None:
    """The reason was optional when older scenarios were recorded."""
    oms = Emulator("demo")
    pk = next(each.id for each in oms.world.records.all(Package) if each.state == 35)
    step = {"operation": "command_package", "path": {"pk": pk}, "body": {"transition": 166, "input_parameters": {}}}
    oms.worlds.create("default", scenario_from_document(oms.export() | {"steps": [step]}))
    package = oms.session().get(f"/api/v1/oms/packages/{pk}/").json()
    assert (package["state"]["id"], package["packageitem_set"][0]["denial_reason"]) == (52, None)


@each("DETECTED_OUT_OF_STOCK_ITEM")
def test_out_of_stock_package_is_replanned(edge: dict[str, Any]) -> None:
    """All items of the package move. The reservations end without giving back stock."""
    run = CommandRun(edge["id"], is_suitable=several, arrange=only_at(ELSEWHERE))
    answered(run, package_items=run.item_ids()[:1])
    expected = run.move_changes() | run.item_changes() | run.reservation_changes(give_back=False)
    expected |= child(run, ELSEWHERE, run.items)
    events = [MOVED, ("package.created", run.new_records(Package)[0])]
    run.check(expected, events, {ELSEWHERE: 1} | run.quota_change())


@each("DETECTED_OUT_OF_STOCK_ITEM")
def test_out_of_stock_everywhere_creates_no_package(edge: dict[str, Any]) -> None:
    run = CommandRun(edge["id"], arrange=only_at(None))
    run.send_ok(package_items=run.item_ids())
    expected = run.move_changes() | run.item_changes() | run.reservation_changes(give_back=False)
    run.check(expected, [MOVED], run.quota_change())


@pytest.mark.parametrize("twice", [False, True], ids=["once", "named twice"])
@each("DETECTED_OUT_OF_STOCK_ITEM_ADVANCED")
def test_only_missing_items_are_replanned(edge: dict[str, Any], twice: bool) -> None:
    """The other items keep their state and reservations."""
    run = CommandRun(edge["id"], is_suitable=several, arrange=only_at(ELSEWHERE))
    missing = run.items[:1]
    answered(run, package_items=[missing[0].id] * (1 + twice))
    expected = run.move_changes() | run.item_changes(missing)
    expected |= run.reservation_changes(give_back=False, items=[missing[0].id]) | child(run, ELSEWHERE, missing)
    events = [MOVED, ("package.created", run.new_records(Package)[0])]
    run.check(expected, events, {ELSEWHERE: 1} | run.quota_change())
    assert run.after[PackageItem][run.items[1].id] == run.items[1]


@each("DETECTED_OUT_OF_STOCK_ITEM_ADVANCED")
def test_missing_items_without_stock_elsewhere_stay(edge: dict[str, Any]) -> None:
    run = CommandRun(edge["id"], is_suitable=several, arrange=only_at(None))
    missing = run.items[:1]
    run.send_ok(package_items=[missing[0].id])
    expected = (
        run.move_changes()
        | run.item_changes(missing)
        | run.reservation_changes(give_back=False, items=[missing[0].id])
    )
    run.check(expected, [MOVED], run.quota_change())


def quotas(run: CommandRun, *locations: int) -> dict[int, int]:
    """Return the expected changes of quota: one package leaves, and one arrives at each location."""
    found = dict(run.quota_change())
    for location in locations:
        found[location] = found.get(location, 0) + 1
    return {location: more for location, more in found.items() if more}


@each("MANUAL_PLANNING")
@pytest.mark.parametrize("stocked", [12, None], ids=["with stock", "without"])
def test_manual_planning_creates_a_package_for_each_group(edge: dict[str, Any], stocked: int | None) -> None:
    """The packages are at the named locations, with or without stock. The response describes the first one."""
    run = CommandRun(edge["id"], is_suitable=several, arrange=only_at(stocked))
    first, rest = run.items[:1], run.items[1:]
    groups = [
        {"package_items": [item.id for item in rest], "erp_code": "TR-KDK"},
        {"package_items": [item.id for item in first], "erp_code": "TR-CNK"},
    ]
    answered(run, assignment_groups=groups)
    expected = run.move_changes() | run.item_changes() | run.reservation_changes(give_back=True)
    expected |= child(run, 12, rest) | child(run, 13, first, position=1)
    made = [("package.created", package) for package in run.new_records(Package)]
    run.check(expected, [MOVED, "package.status.cancelled", *made], quotas(run, 12, 13))


@each("MANUAL_PLANNING")
def test_manual_planning_at_the_same_location(edge: dict[str, Any]) -> None:
    """Stock and quota of the location do not change, and the response says `is_same_location`."""
    run = CommandRun(edge["id"])
    own = run.records.get_existing(StockLocation, run.subject.stock_location)
    answered(run, assignment_groups=[{"package_items": run.item_ids()[::-1], "erp_code": own.erp_code}])
    assert body_of(run)["is_same_location"] is True
    expected = run.move_changes() | run.item_changes() | run.reservation_changes(give_back=True)
    expected |= child(run, own.id, run.items[::-1])
    events = [MOVED, "package.status.cancelled", ("package.created", run.new_records(Package)[0])]
    run.check(expected, events, quotas(run, own.id))


def test_new_package_can_be_packed() -> None:
    """It offers the commands of a waiting package. Packing ends only its own reservations."""
    run = CommandRun(166, arrange=only_at(ELSEWHERE))
    answered(run, denial_reason=1)
    following = run.next_command(232)
    following.subject = run.new_records(Package)[0]
    assert following.records.get_existing(Transition, 232).source_state == following.subject.state
    following.send_ok()
    expected = following.move_changes() | following.item_changes() | following.reservation_changes(give_back=False)
    expected |= following.order_item_changes(ORDER_PREPARING)
    following.check(expected, [MOVED, "package.status.packed"], {ELSEWHERE: -1})
    assert ITEM[OUT_OF_STOCK] not in {item.state for item in following.items}
