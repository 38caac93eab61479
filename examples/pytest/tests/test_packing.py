"""Writes. Each test has a separate world."""

import pytest
from shop import Refused, Shop


@pytest.fixture
def shop(oms_url):
    return Shop(oms_url, "full-access")


@pytest.fixture
def waiting(oms):
    return oms.package(state="Waiting", items=2)


def test_a_package_is_packed_with_one_command(oms, shop, waiting):
    assert shop.pack(waiting)
    oms.requests.assert_called("command_package", status=204, times=1)
    oms.requests.assert_not_called("invoice_package")


def test_a_package_is_not_packed_twice(oms, shop, waiting):
    """The second attempt uses the old state of the package. The OMS rejects it, and the hint has the reason."""
    shop.pack(waiting)
    with pytest.raises(Refused):
        shop.pack(waiting)
    oms.requests.assert_called("command_package", status=400, times=1)
    assert "Packed all items" in oms.requests[0].hint


def test_a_read_only_user_cannot_pack(oms, oms_url, waiting):
    with pytest.raises(Exception, match="403"):
        Shop(oms_url, "read-only").pack(waiting)
    oms.requests.assert_called("command_package", token="read-only", status=403)


@pytest.mark.oms(packages=30, seed=7)
def test_all_waiting_packages_are_packed(oms, shop):
    for package in list(shop.waiting()):
        shop.pack(package)
    assert list(shop.waiting()) == []


def test_the_test_controls_the_clock(oms, shop, waiting):
    """The test advances the clock by a day without waiting."""
    shop.pack(waiting)
    before = oms.clock.now()
    oms.clock.advance(days=1)
    assert (oms.clock.now() - before).days == 1
