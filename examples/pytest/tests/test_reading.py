"""Reads. These tests can run against any server (`--oms-target`)."""

import pytest
from shop import PACKAGES, Shop


@pytest.fixture
def shop(oms_url, pytestconfig):
    return Shop(oms_url, pytestconfig.getoption("oms_token"))


def test_waiting_packages_are_found_on_every_page(shop, oms_session):
    """The client follows the `next` links and finds as many packages as the OMS counts."""
    found = list(shop.waiting())
    count = oms_session.get(PACKAGES, params={"state__enum_value": "100", "limit": 1}).json()["count"]
    assert len({package["id"] for package in found}) == len(found) == count


@pytest.mark.oms(scenario="empty")
def test_an_empty_warehouse_is_not_an_error(shop):
    for package in shop.waiting():
        assert package["state"]["enum_value"] == "100"
