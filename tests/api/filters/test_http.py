"""Filters over HTTP: hints, strict mode, invalid values, pagination of the results."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES
from emulator.client.emulator import Emulator
from tests.oracle.wire import RawRequest, send_wsgi

PACKAGES = "/api/v1/oms/packages/"
FILTERED = [route for route in ROUTES if route.filter_set and route.auth_scheme == "Token"]
OPERATIONS = [route.operation for route in FILTERED]


@pytest.fixture(scope="module")
def demo() -> Emulator:
    return Emulator("demo")


def get(emulator: Any, path: str, **query: str) -> Any:
    return send_wsgi(emulator.app, RawRequest("list", f"{path}?{urlencode(query, quote_via=quote)}"))


@pytest.mark.medium
def test_unknown_parameter_is_ignored_with_a_hint(demo: Emulator) -> None:
    """The hint names the nearest known parameter."""
    answer = get(demo, PACKAGES, stat="35", limit="1")
    assert answer.status == 200
    assert b'"count":200' in answer.body
    assert answer.headers["X-Emulator-Hint"] == (
        "query parameter 'stat' is unknown and was ignored; nearest known: 'state'"
    )


@pytest.mark.medium
def test_cached_answer_keeps_its_hint(demo: Emulator) -> None:
    first, second = (get(demo, PACKAGES, sate="35", limit="1") for _ in range(2))
    assert first.headers["X-Emulator-Hint"] == second.headers["X-Emulator-Hint"]


def test_error_has_the_hint(demo: Emulator) -> None:
    answer = get(demo, PACKAGES, page="999", sate="35")
    assert answer.status == 404
    assert "'sate'" in answer.headers["X-Emulator-Hint"]


def test_many_unknown_parameters_give_a_short_hint(demo: Emulator) -> None:
    """Long names and control characters do not break the header."""
    answer = get(demo, PACKAGES, limit="1", **{f"ş\n{n}" + "x" * 500: "1" for n in range(50)})
    assert answer.status == 200
    assert answer.headers["X-Emulator-Hint"].endswith("47 more unknown parameters were ignored")
    assert len(answer.headers["X-Emulator-Hint"]) < 1000


VALUES = {
    "number": "1",
    "boolean": "true",
    "null_boolean": "true",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "char": "x",
    "datetime": "2023-01-01T00:00:00Z",
    "date": "2023-01-01",
    "number_list": "1,2",
    "char_list": "a,b",
}
"""Filter type -> a valid value. Choices are omitted because their records do not exist in a new world."""


@pytest.mark.medium
@pytest.mark.parametrize("route", FILTERED, ids=OPERATIONS)
def test_strict_mode_accepts_exactly_the_known_parameters(route: Any) -> None:
    """Any other parameter gives a 400 that lists the known ones."""
    strict = Emulator("demo", packages=20, strict=True)
    names = {name: filter_.value_type for name, filter_ in FILTER_SETS[route.filter_set].names}
    refused = {
        alias
        for filter_ in FILTER_SETS[route.filter_set].filters
        for alias in filter_.aliases
        if filter_.provenance == "documented"
    }
    values = {name: VALUES[type_] for name, type_ in names.items() if type_ != "choice" and name not in refused}
    assert get(strict, route.path, **values, page="1", **{route.size_parameter: "5"}).status == 200
    answer = get(strict, route.path, unknown="1")
    assert answer.status == 400
    assert all(name in answer.body.decode() for name in names)


@pytest.mark.medium
def test_strict_mode_applies_to_details() -> None:
    strict = Emulator("demo", packages=20, strict=True)
    assert get(strict, f"{PACKAGES}6501/", format="json").status == 200
    assert get(strict, f"{PACKAGES}6501/", page="1").status == 400


EDGE_VALUES = {
    "id__gt": ("x", 400),
    "created_date__gte": ("0000-01-01T00:00:00Z", 400),
    "created_date__lte": ("9999-12-31T23:59:59.999999-23:59", 200),
    "order__date_placed": ("9999-12-31", 200),
    "order__number": (".*(a+)+$", 200),
    "order__customer__first_name": ("\0", 400),
    "pk__in": (",".join(map(str, range(6501, 16501))), 200),
    "id__lt": ("-1e999999999", 200),
    "id__lte": ("1e50", 200),
    "stock_location": (str(2**70), 200),
    "sort": ("\0,--id,," + "x" * 1000, 200),
    "limit": (str(2**70), 200),
}


@pytest.mark.parametrize(
    ("name", "value", "status"), [(name, *case) for name, case in EDGE_VALUES.items()], ids=EDGE_VALUES
)
def test_edge_value_gives_the_frameworks_status(demo: Emulator, name: str, value: str, status: int) -> None:
    assert get(demo, PACKAGES, **{name: value}).status == status


def test_ten_thousand_parameters_are_rejected(demo: Emulator) -> None:
    """Django's limit is a thousand."""
    assert send_wsgi(demo.app, RawRequest("list", f"{PACKAGES}?{'&'.join(['pk__in=1'] * 10_000)}")).status == 400


def test_links_of_a_filtered_list_lead_to_all_pages(demo: Emulator) -> None:
    path, ids = f"{PACKAGES}short/?state__enum_value__not=100&limit=37&sort=-state%2Ccreated_date", []
    session = demo.session()
    while path:
        page = session.get(path).json()
        ids += [package["id"] for package in page["results"]]
        path = page["next"]
    assert len(ids) == len(set(ids)) == page["count"] > 100
