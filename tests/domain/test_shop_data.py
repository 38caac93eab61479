"""Version 2 of the demo data: packages like those of a shop."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from emulator import Emulator
from emulator.core.records import (
    Address,
    City,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Product,
    State,
    StockLocation,
    TransitionLog,
)
from emulator.domain.scenario_files import find_scenario, scenario_document, scenario_from_document
from emulator.domain.seeding import make_demo_dataset
from emulator.state.store import Snapshot
from tests.domain.seeded import START


@cache
def shop(packages: int = 2_000) -> Snapshot:
    return Snapshot(make_demo_dataset(packages, 7, START, version=2), {})


def state_values(records: Snapshot) -> Counter[str]:
    values = {state.id: state.enum_value for state in records.all(State)}
    return Counter(values[package.state] for package in records.all(Package))


@pytest.mark.medium
@pytest.mark.parametrize("packages", [200, 2_000])
def test_most_packages_are_delivered_and_every_state_occurs(packages: int) -> None:
    counts = state_values(shop(packages))
    every = {state.enum_value for state in shop(packages).all(State) if state.enum_class == "PackageStatus"}
    assert set(counts) == every
    assert counts["800"] > packages / 2
    assert counts["800"] == max(counts.values())


@pytest.mark.medium
def test_every_shipped_package_has_an_invoice_number() -> None:
    records = shop()
    shipped = {state.id for state in records.all(State) if state.enum_value in ("600", "650", "700", "800")}
    assert all(package.invoice_number for package in records.all(Package) if package.state in shipped)


@pytest.mark.medium
def test_italian_orders_have_italian_products() -> None:
    records = shop()
    names = {
        records.get_existing(OrderItem, item.order_item).price_currency: set() for item in records.all(PackageItem)
    }
    for item in records.all(PackageItem):
        line = records.get_existing(OrderItem, item.order_item)
        names[line.price_currency].add(str(records.get_existing(Product, line.product).name))
    assert {"Camicia di lino Beige", "Abito di raso Bianco"} <= names["eur"]
    assert not names["eur"] & names["try"]


@pytest.mark.medium
@pytest.mark.parametrize(("city", "store"), [("MILANO", "PZ Milano Brera"), ("ROMA", "PZ Roma Prati")])
def test_an_order_is_collected_near_the_customer(city: str, store: str) -> None:
    records = shop()
    stores = set()
    for order in records.all(Order):
        address = records.get_existing(Address, order.shipping_address)
        if order.retail_store_id is not None and records.get_existing(City, address.city).name == city:
            stores.add(records.get_existing(StockLocation, order.retail_store_id).name)
    assert stores == {store}


@pytest.mark.medium
def test_ids_fit_their_blocks() -> None:
    """The ids of a kind are unique and ascending, also in blocks of old packages."""
    records = shop()
    for kind in (TransitionLog, PackageItem, OrderItem):
        ids = list(records.ids(kind))
        assert ids == sorted(set(ids))


def test_files_without_the_key_keep_version_1() -> None:
    """An exported demo keeps its version, and starts an equal world."""
    assert scenario_from_document({"name": "demo", "packages": 25, "seed": 7}).data_version == 1
    assert scenario_document(find_scenario("demo"))["data_version"] == 2
    assert "data_version" not in scenario_document(scenario_from_document({"name": "old", "packages": 3}))
    assert find_scenario("busy-day").data_version == 1


def test_the_demo_receiver_accepts_events_without_http() -> None:
    """Only if it is asked for: in tests, the hooks of the data have no receiver."""
    for is_asked, expected in ((True, (200, True)), (False, (None, False))):
        oms = Emulator("demo", demo_receiver=is_asked)
        oms.package(state="Waiting")
        oms.hooks.flush()
        assert {(each.status, each.delivered) for each in oms.hooks.deliveries} == {expected}
