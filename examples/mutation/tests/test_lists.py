"""Lists of packages, transfer orders, locations and reasons."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.core.records import Package, State


@pytest.fixture
def waiting_ids(oms):
    """Return the ids of all waiting packages, from the world and not from the API."""
    view = oms.world.records
    return {each.id for each in view.all(Package) if view.get_existing(State, each.state).enum_value == "100"}


def test_waiting_packages_are_found_on_all_pages(warehouse, waiting_ids):
    assert len(waiting_ids) > 4
    assert {row["id"] for row in warehouse.waiting()} == waiting_ids


def test_a_new_package_is_waiting(oms, warehouse, package):
    assert package in [row["id"] for row in warehouse.waiting()]


def test_waiting_packages_have_numbers(oms, warehouse):
    package = oms.package(state="Waiting")
    assert package["number"] in [row["number"] for row in warehouse.waiting()]


def test_waiting_packages_have_an_age(warehouse):
    for row in warehouse.waiting():
        assert row["created"].tzinfo is not None


def test_overdue_packages_are_sorted(warehouse):
    ids = warehouse.overdue(datetime(2030, 1, 1, tzinfo=UTC))
    assert ids == list(range(ids[0], ids[0] + 60))


def test_overdue_packages_contain_an_old_one(oms, warehouse, package):
    oms.clock.advance(days=3)
    oms.package()
    assert package in warehouse.overdue(oms.clock.now() - timedelta(days=2))


def test_latest_packages_are_listed(warehouse):
    assert warehouse.latest()


def test_the_latest_package_comes_first(oms, warehouse):
    assert warehouse.latest()[0] != (number := oms.package()["number"])
    assert warehouse.latest()[0] == number


def test_transfers_have_numbers(warehouse):
    assert warehouse.transfers()[0] == "2236000451785198P1T1"


def test_new_transfers_have_sources(warehouse):
    sources = warehouse.transfer_sources(after=1310)
    assert list(sources) == ["2236000451785198P1T1", "2236000411651391P1T1"]


def test_locations_have_names(warehouse):
    assert any(label.startswith("PZ Trabzon ") for label in warehouse.locations())


def test_all_locations_are_listed(warehouse):
    assert len(warehouse.locations()) == 14


def test_reasons_have_ids(warehouse):
    assert warehouse.reasons()["Ürün stokta yok"] == 1
