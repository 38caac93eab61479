"""Replanning moves items to the nearest other location that has all of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from emulator.core.records import (
    Address,
    City,
    LocationAddress,
    Order,
    OrderItem,
    Package,
    PackageItem,
    State,
    Stock,
    StockLocation,
)
from emulator.domain.planning import (
    distance_km,
    great_circle_km,
    highest_suffix,
    nearest_with_stock,
    parse_interval,
    replan,
)
from emulator.domain.stock import can_fulfill
from emulator.state.world import World
from tests.support.worlds import START, build_world

PRODUCT = 900
ISTANBUL, ANKARA, IZMIR = ("41.01", "28.97"), ("39.93", "32.85"), ("38.42", "27.14")


def location(id_: int, point: tuple[str, str] | tuple[None, None], **columns: Any) -> list[Any]:
    address = LocationAddress(id_, 1, 1, 1, None, latitude=point[0], longitude=point[1])
    return [address, StockLocation(id_, id_, name=f"SL{id_}", **columns), Stock(id_, PRODUCT, id_, 1)]


def planned(*places: list[Any], quantity: int = 1, number: str = "77P1") -> World:
    """Return a world with one package at location 1, for a customer in Istanbul."""
    states = [State(1, enum_value="100"), State(2, enum_value="910"), State(5, enum_class="PackageItemStatus")]
    items = [OrderItem(id_, 1, PRODUCT, 1, 1, 1) for id_ in range(1, quantity + 1)]
    return build_world(
        [
            *(*states, State(6, enum_class="PackageItemStatus", enum_value="100")),
            City(1, 1, latitude=ISTANBUL[0], longitude=ISTANBUL[1]),
            Address(1, 1, 1, 1, None, 1),
            Order(1, 1, 1, 1, 1, 1, number="77", date_placed=START),
            *items,
            Package(1, 2, 1, 1, 1, number=number),
            *(PackageItem(item.id, 5, item.id, 1) for item in items),
            *(record for place in places for record in place),
        ]
    )


def chosen(world: World) -> int | None:
    with world.transaction() as tx:
        found = nearest_with_stock(tx, tx.get_existing(Package, 1), tx.find(PackageItem, "package", 1))
    return None if found is None else found.id


OWN = location(1, ISTANBUL)
CHOICES: dict[str, tuple[list[list[Any]], int | None]] = {
    "the nearest": ([OWN, location(2, IZMIR), location(3, ISTANBUL), location(4, ANKARA)], 3),
    "never its own": ([OWN], None),
    "not an inactive one": ([OWN, location(2, ISTANBUL, is_active=False), location(3, IZMIR)], 3),
    "not one that fulfils nothing": ([OWN, location(2, ISTANBUL, is_fulfillment_center=False)], None),
    "by priority at one distance": ([OWN, location(2, IZMIR, priority=9), location(3, IZMIR, priority=1)], 3),
    "by id at last": ([OWN, location(3, IZMIR), location(2, IZMIR)], 2),
    "one off the map last": ([OWN, location(2, (None, None)), location(3, ANKARA)], 3),
    "one off the map if it must be": ([OWN, location(2, (None, None))], 2),
}


@pytest.mark.parametrize(("places", "expected"), CHOICES.values(), ids=CHOICES)
def test_nearest_location_with_stock(places: list[list[Any]], expected: int | None) -> None:
    assert chosen(planned(*places)) == expected


def test_location_must_have_every_item() -> None:
    """Two items of one product need two pieces of it."""
    assert chosen(planned(OWN, location(2, IZMIR), quantity=2)) is None
    world = planned(OWN, location(2, IZMIR), quantity=2)
    with world.transaction() as tx:
        tx.change(tx.get_existing(Stock, 2), quantity=2)
        assert can_fulfill(tx, tx.get_existing(StockLocation, 2), Counter({PRODUCT: 2}))
        assert not can_fulfill(tx, tx.get_existing(StockLocation, 2), Counter({PRODUCT: 2, 1: 1}))
    assert chosen(world) == 2


def test_new_package_replaces_its_parent() -> None:
    world = planned(OWN, location(2, IZMIR, target_packing_interval="2 06:00:00"))
    with world.transaction() as tx:
        answer = replan(tx, tx.get_existing(Package, 1), tx.find(PackageItem, "package", 1))
        assert [(event_type, type(record), record.id) for event_type, record in tx.events] == [
            ("package.created", Package, 2)
        ]
    child = world.records.get_existing(Package, 2)
    assert answer == {
        "package__id": 2,
        "package__number": "77P2",
        "package__stock_location__id": 2,
        "package__stock_location__name": "SL2",
        "is_same_location": False,
    }
    assert (child.state, child.stock_location, child.order) == (1, 2, 1)
    assert child.target_packing_date == START + timedelta(days=2, hours=6)
    assert child.extra_information.startswith(b'{"parent_package":{"id":1,"number":"77P1"},"distance_to')
    assert [(item.state, item.order_item) for item in world.records.find(PackageItem, "package", 2)] == [(6, 1)]


def test_package_without_items_is_not_replanned() -> None:
    world = planned(OWN, location(2, IZMIR), quantity=0)
    with world.transaction() as tx:
        assert replan(tx, tx.get_existing(Package, 1), []) is None
    assert list(world.records.ids(Package)) == [1]


def test_installation_without_a_waiting_state_does_not_replan() -> None:
    world = planned(OWN, location(2, IZMIR))
    with world.transaction() as tx:
        tx.change(tx.get_existing(State, 1), enum_value="1")
        assert replan(tx, tx.get_existing(Package, 1), tx.find(PackageItem, "package", 1)) is None
    assert list(world.records.ids(Package)) == [1]


@pytest.mark.parametrize(
    ("numbers", "part"),
    [([], 0), (["77P1", "77P3", "77P2"], 3), (["77P10", "77P9"], 10), (["odd", "77P", "77P²"], 0)],
)
def test_highest_suffix(numbers: list[str], part: int) -> None:
    assert highest_suffix(numbers, "P") == part


def test_distances_are_great_circle_distances() -> None:
    assert great_circle_km(41.01, 28.97, 39.93, 32.85) == pytest.approx(350, abs=5)
    assert great_circle_km(0, 0, 0, 180) == pytest.approx(20015, abs=1)
    assert great_circle_km(10, 20, 10, 20) == 0
    root = planned(OWN, location(2, (None, None))).records
    address = root.get_existing(Address, 1)
    assert distance_km(root, root.get_existing(StockLocation, 1), address) == 0
    assert distance_km(root, root.get_existing(StockLocation, 2), address) is None


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("5 00:00:00", timedelta(days=5)),
        ("12:30:00", timedelta(hours=12, minutes=30)),
        ("1 00:00:01.5", timedelta(days=1, seconds=1.5)),
    ],
)
def test_durations_have_the_form_of_the_vendor(text: str, duration: timedelta) -> None:
    assert parse_interval(text) == duration
