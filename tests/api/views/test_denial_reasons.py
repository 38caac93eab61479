"""Denial reasons over HTTP: lists with filters, order and pages, details, and creation at both paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from tests.support.answers import check_body

PATH = "/api/v1/oms/packages/package_denial_reason/"


@pytest.fixture(scope="module")
def oms() -> Emulator:
    return Emulator("empty")


def get(oms: Emulator, query: str = "") -> Any:
    answer = oms.session().get(PATH + query)
    if answer.status_code == 200:
        check_body("page-of-denial-reason", answer.content)
    return answer


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("?sort=id", [1, 2, 3, 4, 5]),
        ("?sort=-modified_date,id", [5, 1, 2, 3, 4]),
        ("?sort=priority", [5, 4, 3, 2, 1]),
        ("?created_date__gte=2022-01-01T00:00:00Z", [5]),
        ("?modified_date__lt=2022-11-01T00:00:00Z&title=stokta", [1]),
        ("?sort=nothing", [5, 4, 3, 2, 1]),
        ("?is_active=false", [5]),
        ("?is_active=perhaps", [5, 4, 3, 2, 1]),
        ("?title=mağaza", [4, 3]),
        ("?priority=2", [2]),
        ("?remote_id=DR-2&is_active=true", [2]),
        ("?remote_id=dr-2", []),
        ("?page_size=2&page=2", [3, 2]),
        ("?limit=2&colour=red", [5, 4, 3, 2, 1]),
    ],
)
def test_list_follows_the_query(oms: Emulator, query: str, ids: list[int]) -> None:
    """Filters select, `sort` orders, `page_size` limits. Unknown parameters are ignored."""
    assert [reason["id"] for reason in get(oms, query).json()["results"]] == ids


def test_links_keep_the_size(oms: Emulator) -> None:
    assert get(oms, "?page_size=2").json()["next"] == f"{oms.url}{PATH}?page=2&page_size=2"


def test_value_of_the_wrong_type_is_rejected_with_django_filters_message(oms: Emulator) -> None:
    answer = get(oms, "?priority=high")
    assert (answer.status_code, answer.json()) == (400, {"priority": ["Enter a number."]})


@pytest.mark.medium
def test_package_can_be_refused_with_a_listed_reason(oms: Emulator) -> None:
    with_packages = Emulator("demo")
    session = with_packages.session()
    listed = session.get(PATH + "?is_active=true&sort=id").json()["results"]
    packages = session.get("/api/v1/oms/packages/?limit=100").json()["results"]
    waiting = next(package for package in packages if package["state"]["enum_value"] == "100")
    body = {"transition": 166, "input_parameters": {"denial_reason": listed[0]["id"]}}
    assert session.post(f"/api/v1/oms/packages/{waiting['id']}/command/", json=body).status_code in (200, 204)


CAPTURED_KEYS = ["id", "title", "remote_id", "priority", "is_active"]
OLD_PATH = "/api/v1/oms/package-denial-reason/"


@pytest.mark.parametrize("path", [PATH, OLD_PATH, f"{OLD_PATH}list-simple/"])
def test_rows_have_the_captured_keys_in_their_order_and_no_dates(oms: Emulator, path: str) -> None:
    assert [list(row) for row in oms.session().get(path).json()["results"]] == [CAPTURED_KEYS] * 5


def test_older_list_is_ordered_by_priority() -> None:
    """The captured rows 34, 67, 1 are not in the order of their ids. A row without a priority comes last."""
    session = Emulator("empty").session()
    assert session.post(OLD_PATH, json={"title": "No priority"}).status_code == 201
    assert [row["priority"] for row in session.get(OLD_PATH).json()["results"]] == [1, 2, 3, 4, 5, None]


@pytest.mark.parametrize("path", [PATH, OLD_PATH])
def test_created_reason_is_listed_shown_and_replayed(path: str, tmp_path: Path) -> None:
    oms = Emulator("demo")
    session = oms.session()
    body = {"title": "Urun Eksik", "remote_id": "Ek Bilgi Test", "priority": 0, "is_active": False}
    created = session.post(path, json=body)
    assert (created.status_code, created.json()) == (201, {"id": 6, **body})
    assert list(created.json()) == CAPTURED_KEYS
    assert session.get(f"{path}6/").json() == created.json()
    assert 6 in [row["id"] for row in session.get(path).json()["results"]]
    oms.save(tmp_path / "saved.json")
    assert Emulator(tmp_path / "saved.json").session().get(f"{path}6/").json() == created.json()


WRONG_BODIES = {
    "no title": ({}, {"title": ["This field is required."]}),
    "title that exists": (
        {"title": "Ürün hasarlı"},
        {"title": ["package denial reason with this title already exists."]},
    ),
    "everything too large": (
        {"title": "x" * 256, "remote_id": "x" * 101, "priority": 2**31, "is_active": "perhaps"},
        {
            "title": ["Ensure this field has no more than 255 characters."],
            "remote_id": ["Ensure this field has no more than 100 characters."],
            "priority": ["Ensure this value is less than or equal to 2147483647."],
            "is_active": ["Must be a valid boolean."],
        },
    ),
    "priority below zero": (
        {"title": "x", "priority": -1},
        {"priority": ["Ensure this value is greater than or equal to 0."]},
    ),
}


@pytest.mark.parametrize(("body", "errors"), WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_invalid_reason_is_refused(oms: Emulator, body: Any, errors: Any) -> None:
    answer = oms.session().post(PATH, json=body)
    assert (answer.status_code, answer.json()) == (400, errors)


def test_defaults_of_a_created_reason() -> None:
    created = Emulator("empty").session().post(PATH, json={"title": " Test "})
    assert created.json() == {"id": 6, "title": "Test", "remote_id": None, "priority": None, "is_active": True}


def test_unknown_reason_is_not_found(oms: Emulator) -> None:
    answer = oms.session().get(f"{PATH}99/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert answer.headers["X-Emulator-Hint"].startswith("no denial reason has the id 99")


def test_recorded_rows_are_served_with_or_without_the_dates_of_earlier_versions(tmp_path: Path) -> None:
    dates = dict.fromkeys(("created_date", "modified_date"), "2021-06-30T14:43:27Z")
    rows = [
        {"id": 34, "title": "Urun Eksik", "remote_id": None, "priority": 1, "is_active": True},
        {"id": 67, "title": "hatalı ürün", "remote_id": None, "priority": None, "is_active": True},
    ]
    body = {"count": 2, "next": None, "previous": None, "results": [rows[1], rows[0] | dates]}
    file = tmp_path / "recorded.json"
    file.write_text(json.dumps({"name": "recorded", "answers": [{"path": PATH, "body": body}]}))
    listed = get(Emulator(file), "?sort=id").json()["results"]
    assert [row for row in listed if row["id"] > 5] == rows
