"""Package items, stock locations and transition logs of all records over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from tests.support.answers import check_body

OMS = "/api/v1/oms/"
ITEMS, LOGS = f"{OMS}packages/package-items/", f"{OMS}state-transition-logs/"


@pytest.fixture(scope="module")
def oms() -> Emulator:
    return Emulator("demo")


def get(oms: Emulator, path: str) -> Any:
    headers = {"Authorization": f"Bearer {oms.jwt()}"} if path.startswith(LOGS) else {}
    return oms.session().get(path, headers=headers)


def rows(oms: Emulator, path: str) -> list[Any]:
    return list(get(oms, path).json()["results"])


LISTS = {
    ITEMS: "page-of-package-item-listed",
    f"{OMS}stocklocations/list-simple/": "page-of-stock-location-simple",
    LOGS: "page-of-transition-log",
}


@pytest.mark.parametrize(("path", "schema"), LISTS.items())
def test_list_has_the_documented_shape_and_the_newest_record_first(oms: Emulator, path: str, schema: str) -> None:
    answer = get(oms, path)
    check_body(schema, answer.content)
    ids = [row["id"] for row in answer.json()["results"]]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(("path", "size"), [(ITEMS, 20), (LOGS, 10), (f"{OMS}stocklocations/list-simple/", 10)])
def test_page_has_the_documented_size(oms: Emulator, path: str, size: int) -> None:
    assert len(rows(oms, path)) == size


@pytest.mark.parametrize(("path", "schema"), [(ITEMS, "package-item-listed"), (LOGS, "transition-log")])
def test_detail_is_the_row_of_the_list(oms: Emulator, path: str, schema: str) -> None:
    row = rows(oms, path)[3]
    answer = get(oms, f"{path}{row['id']}/")
    check_body(schema, answer.content)
    assert answer.json() == row


def test_item_names_its_package_and_the_package_shows_the_item(oms: Emulator) -> None:
    item = rows(oms, ITEMS)[0]
    package = get(oms, f"{OMS}packages/{item['package']['id']}/").json()
    assert item["package"]["number"] == package["number"]
    (shown,) = [each for each in package["packageitem_set"] if each["id"] == item["id"]]
    assert item["order_item"] == shown["order_item"]
    assert item["state"] == shown["state"]


def test_item_has_a_detail_at_a_second_path(oms: Emulator) -> None:
    item = rows(oms, ITEMS)[0]
    answer = get(oms, f"/api/v1/package-item/{item['id']}/")
    check_body("package-item-detail", answer.content)
    assert (answer.json()["package"], answer.json()["unit_type"]) == (item["package"]["id"], "quantity")


def test_unknown_item_has_the_text_of_its_page(oms: Emulator) -> None:
    answer = get(oms, f"{ITEMS}99/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Package item not found"})
    assert "no package item has the id 99" in answer.headers["X-Emulator-Hint"]


def test_stock_locations_have_the_listed_columns_only(oms: Emulator) -> None:
    assert list(rows(oms, f"{OMS}stocklocations/list-simple/")[0]) == [
        *("id", "created_date", "modified_date", "omnitron_id", "name", "stock_location_type", "fax_number"),
        *("erp_code", "address", "is_fulfillment_center", "is_pickup_location", "is_delivery_location"),
        *("is_fast_delivery_available", "is_return_available", "is_active", "priority"),
    ]


@pytest.mark.parametrize("query", ["package_number={number}", "package={package}", "package__number={number}"])
def test_items_of_a_package_are_found(oms: Emulator, query: str) -> None:
    package = rows(oms, f"{OMS}packages/")[0]
    found = rows(oms, f"{ITEMS}?{query.format(number=package['number'], package=package['id'])}")
    assert sorted(row["id"] for row in found) == sorted(item["id"] for item in package["packageitem_set"])


def test_command_adds_a_log_of_its_package_to_the_list_of_all_logs() -> None:
    oms = Emulator("demo")
    newest = rows(oms, LOGS)[0]["id"]
    package = rows(oms, f"{OMS}packages/?state__enum_value=100")[0]
    command = next(each for each in package["commands"] if "prepare_package_command" in each["slug"])
    body = {"transition": command["id"], "input_parameters": {}}
    assert oms.session().post(f"{OMS}packages/{package['id']}/command/", json=body).status_code == 204
    query = f"?object_id={package['id']}&new_state={command['destination_state']}&id__gt={newest}"
    (log,) = rows(oms, LOGS + query)
    assert log["attributes"]["command"]["transition_id"] == command["id"]
    assert rows(oms, LOGS)[0] == log
    (item, *_) = rows(oms, f"{ITEMS}?package={package['id']}")
    assert item["state"]["enum_value"] == "250"


@pytest.mark.parametrize(
    "query",
    [
        "old_state__enum_value__in=100,200",
        "old_state__name=Waiting",
        "created_date__gte=2023-04-04T00:00:00Z",
        "content_type=6",
    ],
)
def test_log_filters_select_some_logs(oms: Emulator, query: str) -> None:
    assert 0 < get(oms, f"{LOGS}?{query}").json()["count"] < get(oms, LOGS).json()["count"]


def test_logs_take_a_jwt_and_no_token(oms: Emulator) -> None:
    """The page of the states module names the scheme."""
    answer = oms.session().get(LOGS)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert f"not the scheme of {LOGS}; it requires Bearer" in answer.headers["X-Emulator-Hint"]
