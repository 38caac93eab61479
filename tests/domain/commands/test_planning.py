"""What each command changes that plans items anew, record by record, on both sides; and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

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
from tests.domain.doing import ITEM, MOVED, ORDER_PREPARING, OUT_OF_STOCK, WAITING, Doing, edges
from tests.support.worlds import Changes

ELSEWHERE, REFUSED = 12, "package.refused"


def each(*codes: str) -> Any:
    found = edges(*codes)
    return pytest.mark.parametrize("edge", found, ids=[edge["slug"] for edge in found])


def several(doing: Doing, record: Any) -> bool:
    return len(doing.world.records.find(PackageItem, "package", record.id)) > 1


def only_at(location: int | None) -> Any:
    """Let nothing be in stock anywhere but at one location, where there is plenty."""

    def arrange(doing: Doing, tx: Any) -> None:
        for stock in tx.all(Stock):
            tx.change(stock, quantity=0)
        for item in tx.find(PackageItem, "package", doing.subject.id):
            product = tx.get_existing(OrderItem, item.order_item).product
            if location is not None and not tx.find(Stock, "place", (location, product)):
                tx.add(Stock(tx.new_id(Stock), product, location))
        for stock in tx.find(Stock, "stock_location", location):
            tx.change(stock, quantity=50)

    return arrange


def child(doing: Doing, location: int, items: list[PackageItem], position: int = 0) -> Changes:
    """Give the records of a new package as they should be, and count what it claims at its location."""
    root, parent = doing.root, doing.subject
    order, place = root.get_existing(Order, parent.order), root.get_existing(StockLocation, location)
    there = doing.new(Package)[position]
    extra = orjson.loads(there.extra_information)
    assert extra["parent_package"] == {"id": parent.id, "number": parent.number}
    assert (list(extra), extra["distance_to_shipping_address"] >= 0) == (
        ["parent_package", "distance_to_shipping_address"],
        True,
    )
    assert len({package.id_encrypted for package in doing.after[Package].values()}) == len(doing.after[Package])
    made = Package(
        id=doing.free(Package) + position,
        state=WAITING,
        order=order.id,
        shipping_address=parent.shipping_address,
        stock_location=location,
        number=f"{order.number}P{len(root.find(Package, 'order', order.id)) + 1 + position}",
        target_packing_date=order.date_placed + parse_interval(place.target_packing_interval),
        delivery_range=parent.delivery_range,
        plan_item=parent.plan_item,
        created_date=doing.now,
        modified_date=doing.now,
        extra_information=there.extra_information,
        id_encrypted=there.id_encrypted,
    )
    found: Changes = {("Package", made.id): made}
    for item in items:
        copy = PackageItem(
            doing.copies,
            ITEM[WAITING],
            item.order_item,
            made.id,
            created_date=doing.now,
            modified_date=doing.now,
        )
        claim = Reservation(
            doing.free(Reservation) + doing.copies - doing.free(PackageItem),
            *(made.id, copy.id, doing.product(item), location, held(doing, location, doing.product(item))),
        )
        doing.copies += 1
        doing.stock[location, claim.product] -= claim.quantity
        found |= {("PackageItem", copy.id): copy, ("Reservation", claim.id): claim}
    return found


def held(doing: Doing, location: int, product: int) -> int:
    """Give how much a new claim holds: one piece, or none where all that lies there is promised."""
    stock = doing.root.find(Stock, "place", (location, product))
    left = sum(found.quantity for found in stock) + doing.stock[location, product]
    return 0 if stock and left < 1 else 1


def body_of(doing: Doing, position: int = 0) -> dict[str, Any]:
    """Give the documented answer about a new package."""
    made = doing.new(Package)[position]
    return {
        "package__id": made.id,
        "package__number": made.number,
        "package__stock_location__id": made.stock_location,
        "package__stock_location__name": doing.root.get_existing(StockLocation, made.stock_location).name,
        "is_same_location": made.stock_location == doing.subject.stock_location,
    }


def answered(doing: Doing, **parameters: Any) -> None:
    """Send the command; it answers 200 with the documented body, keys in their order."""
    answer = doing.send(**parameters)
    assert answer.status_code == 200, answer.text
    doing.copies = doing.free(PackageItem)
    assert list(answer.json().items()) == list(body_of(doing).items())


@pytest.mark.parametrize("parameters", [{}, {"denial_reason": 1}, {"denial_reason": "2"}], ids=str)
@each("REFUSE_PACKAGE")
def test_refusing_plans_all_items_elsewhere(edge: dict[str, Any], parameters: dict[str, Any]) -> None:
    """The reservations are given back here, and made anew there; the items tell the reason; order items stay."""
    doing = Doing(edge["id"], arrange=only_at(ELSEWHERE))
    answered(doing, **parameters)
    followed = doing.followed()
    if parameters:
        reason = doing.root.get_existing(DenialReason, int(parameters["denial_reason"]))
        told = orjson.dumps({"id": reason.id, "title": reason.title})
        followed = {key: columns | {"denial_reason": told} for key, columns in followed.items()}
    expected = doing.moved() | followed | doing.released(give_back=True)
    expected |= child(doing, ELSEWHERE, doing.items)
    events = [MOVED, REFUSED, ("package.created", doing.new(Package)[0])]
    doing.check(expected, events, {ELSEWHERE: 1} | doing.left_quota())


@each("REFUSE_PACKAGE")
def test_refusing_where_nobody_has_the_items_makes_no_package(edge: dict[str, Any]) -> None:
    doing = Doing(edge["id"], arrange=only_at(None))
    doing.done()
    expected = doing.moved() | doing.followed() | doing.released(give_back=True)
    doing.check(expected, [MOVED, REFUSED], doing.left_quota())


@each("DETECTED_OUT_OF_STOCK_ITEM")
def test_what_is_out_of_stock_is_planned_elsewhere(edge: dict[str, Any]) -> None:
    """With all items of the package, whichever was named; the reservations here are not given back."""
    doing = Doing(edge["id"], fits=several, arrange=only_at(ELSEWHERE))
    answered(doing, package_items=doing.item_ids()[:1])
    expected = doing.moved() | doing.followed() | doing.released(give_back=False)
    expected |= child(doing, ELSEWHERE, doing.items)
    events = [MOVED, ("package.created", doing.new(Package)[0])]
    doing.check(expected, events, {ELSEWHERE: 1} | doing.left_quota())


@each("DETECTED_OUT_OF_STOCK_ITEM")
def test_what_nobody_has_is_out_of_stock(edge: dict[str, Any]) -> None:
    doing = Doing(edge["id"], arrange=only_at(None))
    doing.done(package_items=doing.item_ids())
    expected = doing.moved() | doing.followed() | doing.released(give_back=False)
    doing.check(expected, [MOVED], doing.left_quota())


@pytest.mark.parametrize("twice", [False, True], ids=["once", "named twice"])
@each("DETECTED_OUT_OF_STOCK_ITEM_ADVANCED")
def test_only_what_is_missing_is_planned_elsewhere(edge: dict[str, Any], twice: bool) -> None:
    """The other items keep their state and their reservations."""
    doing = Doing(edge["id"], fits=several, arrange=only_at(ELSEWHERE))
    missing = doing.items[:1]
    answered(doing, package_items=[missing[0].id] * (1 + twice))
    expected = doing.moved() | doing.followed(missing)
    expected |= doing.released(give_back=False, items=[missing[0].id]) | child(doing, ELSEWHERE, missing)
    events = [MOVED, ("package.created", doing.new(Package)[0])]
    doing.check(expected, events, {ELSEWHERE: 1} | doing.left_quota())
    assert doing.after[PackageItem][doing.items[1].id] == doing.items[1]


@each("DETECTED_OUT_OF_STOCK_ITEM_ADVANCED")
def test_what_is_missing_everywhere_stays_here(edge: dict[str, Any]) -> None:
    doing = Doing(edge["id"], fits=several, arrange=only_at(None))
    missing = doing.items[:1]
    doing.done(package_items=[missing[0].id])
    expected = doing.moved() | doing.followed(missing) | doing.released(give_back=False, items=[missing[0].id])
    doing.check(expected, [MOVED], doing.left_quota())


def quotas(doing: Doing, *locations: int) -> dict[int, int]:
    """Give the changes of quota: the old package leaves, and one arrives at each of these."""
    found = dict(doing.left_quota())
    for location in locations:
        found[location] = found.get(location, 0) + 1
    return {location: more for location, more in found.items() if more}


@each("MANUAL_PLANNING")
@pytest.mark.parametrize("stocked", [12, None], ids=["with stock", "without"])
def test_planning_by_hand_makes_a_package_of_each_group(edge: dict[str, Any], stocked: int | None) -> None:
    """At the locations named, stock or not; the old package is cancelled, and the answer tells of the first."""
    doing = Doing(edge["id"], fits=several, arrange=only_at(stocked))
    first, rest = doing.items[:1], doing.items[1:]
    groups = [
        {"package_items": [item.id for item in rest], "erp_code": "TR-KDK"},
        {"package_items": [item.id for item in first], "erp_code": "TR-CNK"},
    ]
    answered(doing, assignment_groups=groups)
    expected = doing.moved() | doing.followed() | doing.released(give_back=True)
    expected |= child(doing, 12, rest) | child(doing, 13, first, position=1)
    made = [("package.created", package) for package in doing.new(Package)]
    doing.check(expected, [MOVED, "package.status.cancelled", *made], quotas(doing, 12, 13))


@each("MANUAL_PLANNING")
def test_planning_by_hand_may_stay_where_it_was(edge: dict[str, Any]) -> None:
    """Then stock and quota of the place are as before, and the answer says so."""
    doing = Doing(edge["id"])
    own = doing.root.get_existing(StockLocation, doing.subject.stock_location)
    answered(doing, assignment_groups=[{"package_items": doing.item_ids()[::-1], "erp_code": own.erp_code}])
    assert body_of(doing)["is_same_location"] is True
    expected = doing.moved() | doing.followed() | doing.released(give_back=True)
    expected |= child(doing, own.id, doing.items[::-1])
    events = [MOVED, "package.status.cancelled", ("package.created", doing.new(Package)[0])]
    doing.check(expected, events, quotas(doing, own.id))


def test_the_new_package_can_be_packed() -> None:
    """It offers what every waiting package does, and packing it ends its own reservations alone."""
    doing = Doing(166, arrange=only_at(ELSEWHERE))
    answered(doing)
    following = doing.then(232)
    following.subject = doing.new(Package)[0]
    assert following.root.get_existing(Transition, 232).source_state == following.subject.state
    following.done()
    expected = following.moved() | following.followed() | following.released(give_back=False)
    expected |= following.order_items(ORDER_PREPARING)
    following.check(expected, [MOVED, "package.status.packed"], {ELSEWHERE: -1})
    assert ITEM[OUT_OF_STOCK] not in {item.state for item in following.items}
