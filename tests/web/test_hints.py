"""Hints of error responses: one row per case with the required texts. The body never contains a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import Emulator
from emulator.api.parameters import FILTER_PARSERS
from emulator.core.records import Order, Package, PackageItem, TransferOrder, TransitionLog
from emulator.web.hints import FILTER_VALUES, find_nearest_route

GUIDE = "/api/v1/oms/packages/"
COMPLETE = "package__complete_packaging__waiting__packed-all-items"


class Ids(NamedTuple):
    """The ids in the paths of the cases."""

    package: int
    waiting: int
    delivered: int
    transfer: int
    item: int
    order: int
    number: str
    tracked: str
    made: int
    undone: int
    log: int
    other: int
    jwt: str
    late: str
    inactive: str


@pytest.fixture(scope="module")
def shop() -> tuple[Emulator, Ids]:
    """Return an emulator with two worlds, in which a record was created and undone."""
    oms = Emulator("demo")
    root = oms.world.records
    made = oms.package()["id"]
    oms.session().get(f"{GUIDE}{made}/")
    other = oms.branch("other")
    oms.undo()
    packages = list(root.all(Package))
    states = {package.state: package for package in packages}
    log = next(root.all(TransitionLog))
    apart = next(one.id for one in packages if one.id != log.object_id)
    tracked = next(one.tracking_number for one in packages if one.tracking_number)
    return oms, Ids(
        packages[0].id, states[35].id, states[47].id, root.ids(TransferOrder)[0], root.ids(PackageItem)[1],
        root.ids(Order)[0], packages[0].number, str(tracked), other.package()["id"], made, log.id, apart,
        oms.jwt(), oms.jwt(expires_in=-5), oms.jwt("inactive"),
    )  # fmt: skip


def command_options(**body: Any) -> dict[str, Any]:
    return {"json": {"input_parameters": {}, **body}}


def with_token(value: str) -> dict[str, Any]:
    return {"headers": {"Authorization": value}}


def with_content_type(content_type: str, data: str) -> dict[str, Any]:
    return {"data": data, "headers": {"Content-Type": content_type}}


CASES: dict[str, tuple[int, str, str, dict[str, Any], list[str]]] = {
    "transfer's id": (404, "GET", GUIDE + "{transfer}/", {}, ["{transfer} is the id of a transfer order"]),
    "item's id": (404, "GET", GUIDE + "{item}/", {}, ["{item} is the id of a package item of package"]),
    "order's id": (404, "GET", GUIDE + "{order}/", {}, ["is the id of an order with the packages {package}"]),
    "package's id": (404, "GET", "/api/v1/oms/transfer_orders/{package}/", {}, ["{package} is the id of a package"]),
    "number": (404, "GET", GUIDE + "{number}/", {}, ["'{number}' is the number of package {package}; paths take the id"]),
    "tracking number": (404, "GET", GUIDE + "{tracked}/", {}, ["'{tracked}' is the tracking_number of package"]),
    "undone": (404, "GET", GUIDE + "{undone}/", {}, ["request 0000", "undone, deleted or replaced by a restore"]),
    "other world": (404, "GET", GUIDE + "{made}/", {}, ["it exists in another world: /w/other/"]),
    "unknown package id": (404, "GET", GUIDE + "987654321/short/", {}, ["no package has the id 987654321"]),
    "other's log": (404, "GET", GUIDE + "{other}/transition_logs/{log}/", {}, ["transition log {log} belongs to record"]),
    "no log": (404, "GET", GUIDE + "{package}/transition_logs/987654321/", {}, ["no transition log has the id 987654321"]),
    "no slash": (301, "GET", GUIDE + "{package}", {}, ["needs a trailing slash: call " + GUIDE + "{package}/"]),
    "wrong verb": (405, "PUT", GUIDE + "{package}/", {}, ["PUT is not allowed", "GET is get_package"]),
    "verb of a command": (405, "GET", GUIDE + "{package}/command/", {}, ["POST is command_package"]),
    "reference's alone": (404, "GET", GUIDE + "{package}/package-items/", {},
                          ["the reference has reference_list_package_items at /packages/{package}/package-items/"]),
    "guide's alone": (404, "GET", "/transfer_orders/", {}, ["the guide has list_transfers at /api/v1/oms/transfer_orders/"]),
    "guide's prefix": (404, "POST", "/packages/{package}/set_remote/", {}, ["set_remote_id"]),
    "dash": (404, "GET", "/api/v1/oms/transfer-orders/", {}, ["nearest: list_transfers, GET /api/v1/oms/transfer_orders/"]),
    "singular": (404, "GET", "/api/v1/oms/package/", {}, ["nearest: list_packages, GET " + GUIDE]),
    "event type": (400, "POST", "/whisperer/hooks/", {"json": {"event_type": "package.create"}},
                   ["/whisperer/hooks/registry/ lists the event types; nearest: package.created"]),
    "root": (404, "GET", "/", {}, ["nothing is at /; the inspector is at /__admin/ui/; oms-emulator routes lists"]),
    "nowhere": (404, "GET", "/nowhere/", {}, ["nothing is at /nowhere/; oms-emulator routes lists"]),
    "bearer on the guide": (401, "GET", GUIDE, with_token("Bearer x"), ["Bearer is not the scheme of the guide", "Token <key>"]),
    "token on the reference": (401, "GET", "/packages/", {}, ["Token is not the scheme of the reference", "Bearer <JWT>"]),
    "misspelt token": (401, "GET", GUIDE, with_token("Token fullaccess"), ["known tokens: full-access", "nearest: full-access"]),
    "jwt as token": (401, "GET", GUIDE, with_token("Token {jwt}"), ["looks like a JWT"]),
    "key as jwt": (401, "GET", "/packages/", with_token("Bearer full-access"), ["oms-emulator token full-access"]),
    "expired jwt": (401, "GET", "/packages/", with_token("Bearer {late}"), ["expired 5 seconds ago by the world's clock"]),
    "inactive jwt": (401, "GET", "/packages/", with_token("Bearer {inactive}"), ["the user of role inactive is inactive"]),
    "inactive token": (401, "GET", GUIDE, with_token("Token inactive"), ["the user of role inactive is inactive"]),
    "bad jwt": (401, "GET", "/packages/", with_token("Bearer a.b.c"), ["the JWT is invalid"]),
    "no credentials": (401, "GET", GUIDE, with_token(""), ["the Authorization header is missing; the guide surface"]),
    "reader": (403, "POST", GUIDE + "{package}/command/", with_token("Token read-only"), ["read-only may only read"]),
    "page": (404, "GET", GUIDE + "?page=99", {}, ["page '99' is not a page of this list; ?page=last"]),
    "format": (404, "GET", GUIDE + "?format=xml", {}, ["format 'xml' is unknown; json is the only format"]),
    "state by name": (400, "GET", GUIDE + "?state=Waitng", {}, ["state requires a number; state 'Waiting' has the id 35"]),
    "time": (400, "GET", GUIDE + "?created_date__gte=x", {}, ["created_date__gte requires a time like 2023"]),
    "accept": (406, "GET", GUIDE, {"headers": {"Accept": "text/html"}}, ["JSON is the only form", "'text/html'"]),
    "form as json": (400, "POST", GUIDE + "{waiting}/command/", with_content_type("application/json", "a=b"), ["looks like a form"]),
    "text": (415, "POST", GUIDE + "{waiting}/command/", with_content_type("text/plain", "x"), ["'text/plain' is not supported; supported:"]),
    "misspelt slug": (400, "POST", GUIDE + "{waiting}/command/", command_options(slug=COMPLETE[:-1]), [f"slug: '{COMPLETE}'"]),
    "slug as id": (400, "POST", GUIDE + "{waiting}/command/", command_options(transition=COMPLETE), ["is a slug: send it as 'slug'"]),
    "other state's slug": (400, "POST", GUIDE + "{delivered}/command/", command_options(slug=COMPLETE),
                           ['is in state 47 "Delivered"', "since the scenario's start", "allowed now: ",
                            f"{COMPLETE} belongs to state 35 'Waiting'", "transition 3 is observed",
                            "page: Package Services (guide), Package Command"]),
    "transfer's slug": (400, "POST", GUIDE + "{waiting}/command/", command_options(transition=694), ["transition 694 belongs to transfer orders"]),
    "unknown id": (400, "POST", GUIDE + "{waiting}/command/", command_options(transition=9999), ["no transition has the id 9999"]),
    "no parameters": (400, "POST", GUIDE + "{waiting}/command/", {"json": {"transition": 199}},
                      ["input_parameters must be an object: {{}} for a command without parameters"]),
    "carrier": (400, "POST", GUIDE + "{waiting}/command/", command_options(slug=COMPLETE, input_parameters={"cargo_company": 77}),
                ["known cargo_company: 1 "]),
    "denial reason": (400, "POST", GUIDE + "{waiting}/command/", command_options(transition=166, input_parameters={"denial_reason": 77}),
                      ["known denial_reason: "]),
    "item": (400, "POST", GUIDE + "{waiting}/command/", command_options(transition=430, input_parameters={"package_items": [1]}),
             ["items of "]),
}  # fmt: skip


def send_case(oms: Emulator, case: str, ids: Ids) -> tuple[Any, list[str]]:
    """Send the request of a case. Return the response and the expected texts."""
    _, method, path, options, words = CASES[case]
    known = ids._asdict()
    if "headers" in options:
        options = options | {"headers": {key: text.format(**known) for key, text in options["headers"].items()}}
    answer = oms.session().request(method, path.format(**known), allow_redirects=False, **options)
    return answer, [word.format(**known) for word in words]


@pytest.mark.parametrize("case", CASES)
def test_error_has_the_expected_hint(case: str, shop: tuple[Emulator, Ids]) -> None:
    oms, ids = shop
    answer, words = send_case(oms, case, ids)
    hint = unquote(answer.headers.get("X-Emulator-Hint", ""))
    assert (answer.status_code, [word for word in words if word not in hint], hint) == (CASES[case][0], [], hint)
    assert not any(word in answer.text for word in words if len(word) > 20), "the body contains no hint"
    exchange = next(oms.world.journal.newest_first())
    assert exchange.response_headers["X-Emulator-Hint"] == answer.headers["X-Emulator-Hint"]


HOOK = {
    "target_url": "http://127.0.0.1:9/",
    "event_type": "package.created",
    "retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}},
}


@pytest.mark.medium
def test_hint_for_a_406_of_the_webhook_service(oms: Emulator) -> None:
    """The status is the same as for an unacceptable media type, but the hint differs."""
    client = oms.session()
    hook = client.post("/whisperer/hooks/", json=HOOK).json()["id"]
    assert client.delete(f"/whisperer/hooks/{hook}/").status_code == 204
    oms.package()
    again = client.post("/whisperer/hooks/", json=HOOK)
    assert again.json()["code"] == "webhook_100_2"
    hint = "a hook for this address and event type exists, active or not: /whisperer/hooks/ lists it"
    assert again.headers["X-Emulator-Hint"] == hint
    client.patch(f"/whisperer/hooks/{hook}/", json={"is_active": True})
    oms.package()
    events = client.get("/whisperer/hook_events/?sort=-id&limit=100").json()["results"]
    pk = next(one["id"] for one in events if one["webhook"]["id"] == hook)
    retry = f"/whisperer/hook_events/{pk}/retry/"
    still = client.post(retry, json={})
    assert (still.status_code, still.json()["code"]) == (406, "event_100_6")
    assert '{"force": true} sends it now' in still.headers["X-Emulator-Hint"]
    failed = client.post(retry, json={"force": True})
    assert (failed.status_code, failed.headers.get("X-Emulator-Hint")) == (406, None)


def test_hint_names_the_request_that_undid_a_record(oms: Emulator) -> None:
    client = oms.session()
    pk = next(one.id for one in oms.world.records.all(Package) if one.state == 35)
    body = {"slug": COMPLETE, "input_parameters": {}}
    first = client.post(f"{GUIDE}{pk}/command/", json=body)
    again = client.post(f"{GUIDE}{pk}/command/", json=body)
    assert f"since request {first.headers['X-Emulator-Request-Id']} at " in again.headers["X-Emulator-Hint"]


def test_hint_for_a_throttled_request_contains_the_limits() -> None:
    oms = Emulator("demo", limits={"full-access": {"read": "1/min"}})
    hints = [oms.session().get(GUIDE).headers.get("X-Emulator-Hint") for _ in range(2)]
    assert hints[0] is None
    assert "full-access may read 1/min; calls are counted by the world's clock" in str(hints[1])


def test_successful_response_has_no_hint(oms: Emulator) -> None:
    for path in (GUIDE, f"{GUIDE}short/?limit=3", "/api/v1/oms/transfer_orders/"):
        assert "X-Emulator-Hint" not in oms.session().get(path).headers


def test_error_from_a_fault_has_no_hint(oms: Emulator) -> None:
    oms.faults.add(status=404)
    assert "X-Emulator-Hint" not in oms.session().get(GUIDE).headers


def test_every_filter_type_has_a_description() -> None:
    assert FILTER_VALUES.keys() == FILTER_PARSERS.keys()


FUZZED_EMULATOR = Emulator("demo", packages=20)


@pytest.mark.medium
@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from(("GET", "POST", "PUT")), st.sampled_from((GUIDE, "/packages/", "/")))
def test_hint_for_any_path_is_one_ascii_line(text: str, method: str, start: str) -> None:
    make: Callable[..., Any] = FUZZED_EMULATOR.session().request
    answer = make(method, start + text.replace("?", "").replace("#", ""), allow_redirects=False)
    hint = answer.headers.get("X-Emulator-Hint", "")
    assert hint.isascii()
    assert hint.isprintable()
    assert answer.status_code < 500


def test_hint_for_a_long_path_is_short(oms: Emulator) -> None:
    answer = oms.session().put(GUIDE + "9" * 60_000, allow_redirects=False)
    assert len(answer.headers.get("X-Emulator-Hint", "")) < 20_000


def test_nearest_operation_has_the_same_method() -> None:
    found = find_nearest_route("/api/v1/oms/packages/<>/comand/", "POST")
    assert found is not None
    assert found.operation == "command_package"
