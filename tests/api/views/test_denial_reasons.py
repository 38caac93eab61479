"""The list of denial reasons over HTTP: filters, order, pages, errors."""

from __future__ import annotations

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
        ("?sort=priority", [1, 2, 3, 4, 5]),
        ("?sort=is_active,-id", [5, 4, 3, 2, 1]),
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


def test_package_can_be_refused_with_a_listed_reason(oms: Emulator) -> None:
    with_packages = Emulator("demo")
    session = with_packages.session()
    listed = session.get(PATH + "?is_active=true&sort=id").json()["results"]
    packages = session.get("/api/v1/oms/packages/?limit=100").json()["results"]
    waiting = next(package for package in packages if package["state"]["enum_value"] == "100")
    body = {"transition": 166, "input_parameters": {"denial_reason": listed[0]["id"]}}
    assert session.post(f"/api/v1/oms/packages/{waiting['id']}/command/", json=body).status_code in (200, 204)
