"""What the screens of packages and transfer orders show."""

import pytest
from requests import HTTPError
from warehouse import Refused


def test_a_label_has_the_number(oms, warehouse):
    package = oms.package(state="Packed all items")
    assert warehouse.label(package["id"]).startswith(package["number"])


def test_an_unknown_package_has_no_label(warehouse):
    with pytest.raises(HTTPError):
        warehouse.label(1)


def test_a_summary_shows_the_state(warehouse, package):
    assert warehouse.summary(package)["state"] == "Waiting"


def test_a_summary_shows_the_new_state(warehouse, package):
    warehouse.pack(package)
    assert warehouse.summary(package)["state"] == "Packed all items"


def test_a_summary_has_an_order(warehouse, package):
    assert warehouse.summary(package)["order"]


def test_a_usual_package_is_not_express(warehouse, package):
    assert not warehouse.summary(package)["express"]


def test_a_history_has_all_moves(warehouse, package):
    assert warehouse.history(package) == []
    warehouse.pack(package)
    assert len(warehouse.history(package)) == 1


def test_a_refused_move_is_not_in_the_history(warehouse, package):
    warehouse.pack(package)
    with pytest.raises(Refused):
        warehouse.pack(package)
    assert len(warehouse.history(package)) == 1


def test_a_route_has_both_ends(warehouse, sent_transfer):
    assert warehouse.route(sent_transfer) == "PZ Çankaya - PZ Bornova"
