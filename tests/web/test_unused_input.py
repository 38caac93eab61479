"""Input that the service silently ignores is reported in the hint and the journal, and refused in strict mode."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from emulator import Emulator
from emulator.api.parameters import MAX_PAGE_SIZE
from emulator.api.routes import ROUTES, Route
from emulator.core.records import Package, TransferOrder

GUIDE = "/api/v1/oms/packages/"
TRANSFERS = "/api/v1/oms/transfer_orders/"
COMPLETE = "package__complete_packaging__waiting__packed-all-items"
GROUP = {"erp_code": "1", "package_items": [1], "item": 2}

UNUSED_INPUT: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "unknown parameter": ("GET", GUIDE + "?stat=1", {}, "query parameter 'stat' is unknown and was ignored; nearest known: 'state'"),
    "on a detail": ("GET", GUIDE + "{pk}/?expand=1", {}, "query parameter 'expand' is unknown"),
    "limit of nothing": ("GET", GUIDE + "?limit=0", {}, "limit '0' is not a number above 0 and was ignored"),
    "limit that is none": ("GET", GUIDE + "?limit=all", {}, "limit 'all' is not a number above 0 and was ignored"),
    "limit beyond the most": ("GET", GUIDE + "?limit=500", {}, "limit '500' is more than 100: larger pages do not exist"),
    "another's name for it": ("GET", GUIDE + "package_denial_reason/?page_size=x", {}, "page_size 'x' is not a number"),
    "empty page": ("GET", GUIDE + "?page=", {}, "query parameter 'page' is empty and was ignored"),
    "twice": ("GET", GUIDE + "?limit=2&limit=3", {}, "query parameter 'limit' was sent 2 times, and only the last value counts"),
    "empty filter": ("GET", GUIDE + "?state=", {}, "filter 'state' with the value '' filters nothing"),
    "no boolean": ("GET", GUIDE + "?is_click_and_collect=yes", {}, "filter 'is_click_and_collect' with the value 'yes'"),
    "unknown column": ("GET", GUIDE + "?sort=-nmber", {}, "sort 'nmber' is not a column and was ignored; nearest known: 'number'"),
    "documented name": ("GET", TRANSFERS + "?order_number=2", {},
                        "query parameter 'order_number': the documented name is 'order__number'"),
    "name of a channel": ("GET", TRANSFERS + "?channel=1", {}, "the documented name is 'order__channel'"),
    "name of a country": ("GET", TRANSFERS + "?country=tr", {}, "the documented name is 'destination__country'"),
    "filter of a short list": ("GET", "/packages/short/?state=35", {}, "query parameter 'state' is unknown"),
    "sort of a short list": ("GET", "/packages/short/?sort=id", {}, "query parameter 'sort' is unknown"),
    "body of a read": ("GET", GUIDE + "{pk}/", {"json": {"a": 1}}, "the body of a GET was ignored"),
    "unknown key": ("POST", GUIDE + "{pk}/set_remote_id/", {"json": {"remote_id": "R", "remote": 1}},
                    "key 'remote' is unknown and was ignored; nearest known: 'remote_id'"),
    "in a form": ("POST", GUIDE + "{pk}/set_remote_id/", {"data": {"remote_id": "R", "colour": "1"}}, "key 'colour' is unknown"),
    "key of a command": ("POST", GUIDE + "{pk}/command/", {"json": {"slug": COMPLETE, "input_parameters": {}, "inputs": 1}},
                         "key 'inputs' is unknown"),
    "parameter of a command": ("POST", GUIDE + "{pk}/command/",
                               {"json": {"slug": COMPLETE, "input_parameters": {"cargo_compny": 1}}},
                               "key 'input_parameters.cargo_compny' is unknown and was ignored; nearest known: 'cargo_company'"),
    "parameter where none is": ("POST", GUIDE + "{pk}/command/", {"json": {"transition": 199, "input_parameters": {"x": 1}}},
                                "key 'input_parameters.x' was ignored: no keys are expected here"),
    "body of an invoice": ("POST", GUIDE + "{pk}/invoice/", {"json": {"number": "1"}}, "the operation has no body"),
    "on the reference": ("POST", "/packages/{pk}/set_remote_id/", {"json": {"remote_id": "R", "x": 1}}, "key 'x' is unknown"),
    "login": ("POST", "/api/v1/auth/login/", {"json": {"username": "admin", "password": "admin", "otp": 1}}, "key 'otp'"),
    "form": ("POST", GUIDE + "{pk}/set_remote_id/", {"data": {"remote_id": "R"}}, "the body: must be JSON (got a form)"),
    "form of a command": ("POST", GUIDE + "{pk}/command/", {"data": {"transition": "199", "input_parameters": "x"}},
                          "the body: must be JSON (got a form)"),
}  # fmt: skip

USED_INPUT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "list": ("GET", GUIDE, {}),
    "filters": ("GET", GUIDE + "?state=35&sort=-id,number&limit=100&page=1&format=json", {}),
    "last": ("GET", GUIDE + "?page=last", {}),
    "more filters": ("GET", GUIDE + "?state=35&is_click_and_collect=true&created_date__gte=2020-01-01T00:00", {}),
    "command": ("POST", GUIDE + "{pk}/command/", {"json": {"slug": COMPLETE, "input_parameters": {"cargo_company": 1}}}),
    "documented key": ("POST", GUIDE + "{pk}/command/", {"json": {"transition": 199, "input_parameters": {}, "package": 1}}),
    "items": ("POST", GUIDE + "{pk}/command/", {"json": {"transition": 430, "input_parameters": {"package_items": ["{item}"]}}}),
    "set": ("POST", GUIDE + "{pk}/set_remote_id/", {"json": {"remote_id": "R"}}),
    "invoice": ("POST", GUIDE + "{pk}/invoice/", {}),
    "invoice of nothing": ("POST", GUIDE + "{pk}/invoice/", {"json": {}}),
    "free keys": ("PATCH", "/packages/{pk}/extra_information/", {"json": {"extra_information": {"anything": {"at": "all"}}}}),
    "picture": ("GET", "/cdn/products/1.jpg?v=2", {}),
    "options": ("OPTIONS", GUIDE, {}),
}  # fmt: skip


def call(oms: Emulator, method: str, path: str, options: dict[str, Any]) -> Any:
    package = next(one for one in oms.world.records.all(Package) if one.state == 35)
    session = oms.session()
    if path.startswith("/packages/"):
        session.headers["Authorization"] = f"Bearer {oms.jwt()}"
    if "package_items" in str(options):
        items = [item["id"] for item in session.get(f"{GUIDE}{package.id}/").json()["packageitem_set"]]
        options = {"json": {"transition": 430, "input_parameters": {"package_items": items}}}
    return session.request(method, path.replace("{pk}", str(package.id)), **options)


@pytest.mark.parametrize("case", UNUSED_INPUT)
def test_unused_input_is_reported_in_the_hint(case: str, oms: Emulator) -> None:
    """The status is that of the service. A cached response has the same hint."""
    method, path, options, says = UNUSED_INPUT[case]
    answer = call(oms, method, path, options)
    assert answer.status_code < 300, answer.text
    assert says in unquote(answer.headers["X-Emulator-Hint"])
    assert next(oms.world.journal.newest_first()).response_headers["X-Emulator-Hint"]
    if method == "GET":
        assert call(oms, method, path, options).headers["X-Emulator-Hint"] == answer.headers["X-Emulator-Hint"]


@pytest.mark.parametrize("case", UNUSED_INPUT)
def test_unused_input_is_refused_in_strict_mode(case: str) -> None:
    """The 400 has the form of the operation's errors, and nothing is written."""
    method, path, options, says = UNUSED_INPUT[case]
    oms = Emulator("demo", strict=True)
    root = oms.world.records
    answer = call(oms, method, path, options)
    assert answer.status_code == 400
    hint = unquote(answer.headers["X-Emulator-Hint"])
    assert hint.startswith("strict: ")
    assert says in hint
    assert oms.world.records is root
    if "command" in path:
        assert answer.json()["status_code"] == 400


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("case", USED_INPUT)
def test_used_input_has_no_hint(case: str, strict: bool) -> None:
    method, path, options = USED_INPUT[case]
    answer = call(Emulator("demo", strict=strict), method, path, options)
    assert answer.status_code < 300, answer.text
    assert "X-Emulator-Hint" not in answer.headers


@pytest.mark.parametrize("strict", [False, True])
def test_alias_of_an_assumed_name_is_only_reported(strict: bool) -> None:
    """No page has a name for the filter, so every client has to guess one."""
    answer = Emulator("demo", strict=strict).session().get(f"{GUIDE}?state_id=35")
    assert answer.status_code == 200
    assert answer.headers["X-Emulator-Hint"] == "query parameter 'state_id': the assumed name is 'state'"


def test_country_of_the_destination_is_a_text(oms: Emulator) -> None:
    """It is the name or the code. The id has its own parameter."""
    counts = {
        query: oms.session().get(f"{TRANSFERS}?{query}").json()["count"]
        for query in ("destination__country=Türkiye", "destination__country=tr", "destination__country__id=1")
    }
    assert len(set(counts.values())) == 1
    assert min(counts.values()) > 0
    assert oms.session().get(f"{TRANSFERS}?destination__country=1").json()["count"] == 0


PAGED = [
    route
    for route in ROUTES
    if route.is_paginated and route.auth_scheme == "Token" and route.path.startswith("/api/")
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("route", PAGED, ids=lambda route: route.operation)
def test_invalid_page_and_page_size_are_reported(route: Route, strict: bool) -> None:
    """A page size above the maximum is refused in strict mode. An unknown page is always a 404."""
    oms = Emulator("demo", strict=strict)
    pk = oms.world.records.ids(TransferOrder if "transfer" in route.operation else Package)[0]
    path = route.path.replace("<int:pk>", str(pk)).replace("<pk>", str(pk))
    size, session = route.size_parameter, oms.session()
    assert "X-Emulator-Hint" not in session.get(f"{path}?{size}={MAX_PAGE_SIZE}&page=last").headers
    cut = session.get(f"{path}?{size}={MAX_PAGE_SIZE + 1}")
    assert cut.status_code == (400 if strict else 200)
    assert f"{size} '101' is more than 100: larger pages do not exist" in cut.headers["X-Emulator-Hint"]
    for page in ("0", "-1", "99999", "x"):
        beyond = session.get(f"{path}?page={page}")
        assert (beyond.status_code, beyond.json()) == (404, {"detail": "Invalid page."})
        assert "?page=last is the last page" in beyond.headers["X-Emulator-Hint"]


def test_strict_mode_keeps_the_order_of_checks(oms: Emulator) -> None:
    """An unknown package and an unparsable body are reported first."""
    session = Emulator("demo", strict=True).session()
    assert session.post(f"{GUIDE}1/set_remote_id/", json={"x": 1}).status_code == 404
    bad = session.post(f"{GUIDE}6501/set_remote_id/", data="{", headers={"Content-Type": "application/json"})
    assert bad.json()["detail"].startswith("JSON parse error")
    assert session.get(f"{GUIDE}?limit=0", headers={"Authorization": "Token x"}).status_code == 401


def test_unused_keys_of_assignment_groups_are_reported(oms: Emulator) -> None:
    body = {"transition": 1018, "input_parameters": {"assignment_groups": [GROUP]}}
    pk = next(one.id for one in oms.world.records.all(Package) if one.state == 35)
    answer = oms.session().post(f"{GUIDE}{pk}/command/", json=body)
    assert "key 'input_parameters.assignment_groups.item' is unknown" in answer.headers["X-Emulator-Hint"]


def test_unused_parameters_of_transfer_commands_are_reported(oms: Emulator) -> None:
    pk = next(one.id for one in oms.world.records.all(TransferOrder) if one.state == 73)
    command = oms.session().get(f"/api/v1/oms/transfer_orders/{pk}/").json()["commands"][0]
    body = {"transition": command["id"], "input_parameters": {"colour": 1}}
    answer = oms.session().post(f"/api/v1/oms/transfer_orders/{pk}/command/", json=body)
    assert "key 'input_parameters.colour' " in answer.headers["X-Emulator-Hint"]


def test_hint_for_a_hundred_unknown_keys_is_short(oms: Emulator) -> None:
    pk = oms.world.records.ids(Package)[0]
    body = {"remote_id": "R"} | {f"k{number}" * 50: 1 for number in range(100)}
    hint = oms.session().post(f"{GUIDE}{pk}/set_remote_id/", json=body).headers["X-Emulator-Hint"]
    assert hint.endswith("97 more")
    assert len(hint) < 1000
