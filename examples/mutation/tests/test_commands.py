"""Commands, and how the client handles their refusal."""

import pytest
from warehouse import Refused

from emulator.core.records import Package, TransferOrder


def test_a_package_is_packed(warehouse, package, state):
    warehouse.pack(package)
    assert state(Package, package) == "Packed all items"


def test_a_package_is_prepared(warehouse, package, state):
    assert warehouse.prepare(package)
    assert state(Package, package) == "Preparing"


def test_two_people_prepare_a_package(warehouse, package):
    warehouse.prepare(package)
    warehouse.prepare(package)


def test_packages_are_blocked(warehouse, package):
    warehouse.block([package])


def test_packed_packages_are_not_blocked(warehouse, package, state):
    warehouse.pack(package)
    warehouse.block([package])
    assert state(Package, package) == "Packed all items"


def test_a_package_is_refused_for_a_reason(warehouse, package, state):
    warehouse.refuse(package, warehouse.reasons()["Ürün stokta yok"])
    assert state(Package, package) == "Requires replan"


def test_a_package_is_not_refused_twice(warehouse, package):
    warehouse.refuse(package, 1)
    with pytest.raises(Refused):
        warehouse.refuse(package, 1)


def test_a_transfer_is_dispatched(warehouse, transfer, state):
    assert warehouse.dispatch(transfer)
    assert state(TransferOrder, transfer) == "In Transit"


def test_a_transfer_is_dispatched_again(warehouse, sent_transfer):
    warehouse.dispatch(sent_transfer)


def test_a_transfer_is_announced(warehouse, transfer):
    warehouse.announce(transfer)


def test_a_sent_transfer_is_not_announced(warehouse, sent_transfer, state):
    warehouse.announce(sent_transfer)
    assert state(TransferOrder, sent_transfer) == "In Transit"


def test_a_number_is_set_after_a_rate_limit(oms, warehouse, package):
    oms.faults.add("set_package_remote_id", status=429, retry_after=0, times=1)
    warehouse.set_number(package, "A-1")
    assert oms.world.records.get_existing(Package, package).remote_id == "A-1"


def test_an_invoice_is_set_when_the_rate_limit_allows_it(oms, warehouse, package, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    oms.faults.add("set_package_invoice_number", status=429, retry_after=7, times=1)
    warehouse.set_invoice(package, "B-1")
    assert pauses == [7]
    assert oms.world.records.get_existing(Package, package).invoice_number == "B-1"
