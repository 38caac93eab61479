"""Each call is counted in the dimensions that it covers, and in no others."""

from __future__ import annotations

import timeit
from contextlib import ExitStack, suppress
from dataclasses import replace
from io import BytesIO
from typing import Any, NamedTuple

import pytest
import requests
from werkzeug.test import Client

from emulator import Emulator
from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES
from emulator.core.call import Reply
from emulator.core.records import Transition
from emulator.domain.state_graph import transition_name
from emulator.state.journal import DIMENSIONS, Coverage, RequestInfo
from emulator.web import ROUTER
from emulator.web.app import INSPECTOR_PATH, record_coverage
from emulator.web.context import RequestContext, RequestHead
from tests.support.worlds import build_world

pytestmark = pytest.mark.slow

LIST, DETAIL, COMMAND = (
    "/api/v1/oms/packages/",
    "/api/v1/oms/packages/{waiting}/",
    "/api/v1/oms/packages/{waiting}/command/",
)
TRANSFERS, TRANSFER_COMMAND = "/api/v1/oms/transfer_orders/", "/api/v1/oms/transfer_orders/{transfer}/command/"
PACKING, SHIPPING = (
    "package__complete_packaging__waiting__packed-all-items",
    "package__ship_package__packed-all-items__shipped",
)
FULL = "Token full-access"


class Case(NamedTuple):
    """A call, and all that it meets."""

    call: str
    """`GET /path/`."""
    met: dict[str, list[str]]
    body: Any = None
    authorization: str | None = FULL


def command(slug: str | None = None, **more: Any) -> dict[str, Any]:
    return ({} if slug is None else {"slug": slug}) | {"input_parameters": {}} | more


def answered(operation: str, status: int, credential: str | None = FULL, **more: list[str]) -> dict[str, list[str]]:
    """Return the counts that every response of the operation has, and the given ones."""
    met = {"operations": [operation], "statuses": [f"{operation} {status}"]}
    return met | ({} if credential is None else {"credentials": [credential]}) | more


PACKED = ["package.shipment.awb_number", "package.status.packed", "package.status.transitioned", "shipment.created"]

CASES: dict[str, Case] = {
    "a list": Case(f"GET {LIST}", answered("list_packages", 200)),
    "its headers alone": Case(f"HEAD {LIST}", answered("list_packages", 200)),
    "a detail": Case(f"GET {DETAIL}", answered("get_package", 200)),
    "a record that is not there": Case(f"GET {LIST}1/", answered("get_package", 404)),
    "a list of the other surface": Case(
        "GET /packages/", answered("reference_list_packages", 200, "Bearer read-only"), authorization="JWT read-only"
    ),
    "a login, which needs no credentials": Case(
        "POST /api/i1/auth/login/", answered("login", 200, None), {"username": "admin", "password": "admin"}, None
    ),
    # who calls
    "nobody": Case(f"GET {LIST}", answered("list_packages", 401, "Token none"), authorization=None),
    "the other surface's bearer": Case(
        f"GET {LIST}", answered("list_packages", 401, "Token none"), authorization="JWT full-access"
    ),
    "an unknown token": Case(f"GET {LIST}", answered("list_packages", 401, "Token invalid"), authorization="Token x"),
    "a token with a space": Case(
        f"GET {LIST}", answered("list_packages", 401, "Token invalid"), authorization="Token full access"
    ),
    "who is inactive": Case(
        f"GET {LIST}", answered("list_packages", 401, "Token inactive"), authorization="Token inactive"
    ),
    "who may not": Case(
        f"GET {LIST}", answered("list_packages", 403, "Token no-access"), authorization="Token no-access"
    ),
    "who is inactive, by JWT": Case(
        "GET /packages/", answered("reference_list_packages", 401, "Bearer inactive"), authorization="JWT inactive"
    ),
    "an expired JWT": Case(
        "GET /packages/", answered("reference_list_packages", 401, "Bearer expired"), authorization="JWT expired"
    ),
    "no JWT": Case(
        "GET /packages/", answered("reference_list_packages", 401, "Bearer invalid"), authorization="Bearer x"
    ),
    # filters
    "filters by name and by alias, and an order": Case(
        f"GET {LIST}?order_number=1&state=35&sort=-id",
        answered("list_packages", 200, filters=["package.order__number", "package.sort", "package.state"]),
    ),
    "an unknown sort column, an empty filter, an unknown filter": Case(
        f"GET {LIST}?sort=nothing&state=&colour=red&limit=5", answered("list_packages", 200)
    ),
    "a wrong value filters nothing": Case(f"GET {LIST}?state=35&created_date__gte=x", answered("list_packages", 400)),
    "another list's filter": Case(
        f"GET {TRANSFERS}?state=73", answered("list_transfers", 200, filters=["transfer.state"])
    ),
    # commands
    "a command by slug": Case(
        f"POST {COMMAND}", answered("command_package", 204, transitions=[PACKING], events=PACKED), command(PACKING)
    ),
    "the same by id": Case(
        f"POST {COMMAND}",
        answered("command_package", 204, transitions=[PACKING], events=PACKED),
        command(transition="3"),
    ),
    "a command from a wrong state": Case(
        f"POST {COMMAND}", answered("command_package", 400, refusals=[SHIPPING]), command(SHIPPING)
    ),
    "a known command whose parameters are missing": Case(
        f"POST {COMMAND}", answered("command_package", 400, refusals=[PACKING]), {"slug": PACKING}
    ),
    "an unknown command": Case(f"POST {COMMAND}", answered("command_package", 400), command("package__fly")),
    "an id and a slug that disagree": Case(
        f"POST {COMMAND}", answered("command_package", 400), command(PACKING, transition=166)
    ),
    "a command of transfer orders, to a package": Case(
        f"POST {COMMAND}", answered("command_package", 400), command("renew_transfer")
    ),
    "what the carrier does": Case(f"POST {COMMAND}", answered("command_package", 400), command(transition=1105)),
    "a body that is none": Case(f"POST {COMMAND}", answered("command_package", 400), b"{"),
    "a command for a package that is not there": Case(
        f"POST {LIST}1/command/", answered("command_package", 404), command(PACKING)
    ),
    "a command that only who may write may give": Case(
        f"POST {COMMAND}",
        answered("command_package", 403, "Token read-only"),
        command(PACKING),
        "Token read-only",
    ),
    "a command of the other surface": Case(
        "POST /packages/{waiting}/command/",
        answered("reference_command_package", 204, "Bearer full-access", transitions=[PACKING], events=PACKED),
        command(PACKING),
        "JWT full-access",
    ),
    "a command to a transfer order": Case(
        f"POST {TRANSFER_COMMAND}",
        answered("command_transfer", 400, refusals=["renew_transfer"]),
        command("renew_transfer", input_parameters=1),
    ),
    # where no operation is
    "no operation": Case("GET /nowhere/", {"statuses": ["* 404"]}),
    "a missing slash": Case(f"GET {LIST[:-1]}", {"statuses": ["* 301"]}),
    "a wrong method": Case(f"PATCH {LIST}", {"statuses": ["* 405"]}),
    "an unknown format": Case(f"GET {LIST}?format=xml", {"statuses": ["* 404"]}),
    "what is allowed": Case(f"OPTIONS {LIST}", {}),
    "the control API": Case("GET /__admin/graph", {}, authorization=None),
    "its coverage": Case("GET /__admin/coverage", {}, authorization=None),
    "no such world": Case(f"GET /w/unknown{LIST}", {}),
    # events without the emulated API
    "the carrier": Case(
        "POST /__admin/packages/{shipped}/carrier",
        {"events": ["package.status.transitioned", "shipment.status.updated"]},
        {"event": "attempted"},
        None,
    ),
    "a stock location": Case(
        "PATCH /__admin/stock_locations/{place}", {"events": ["stock_location.updated"]}, {"name": "Here"}, None
    ),
}


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo")


def places(oms: Emulator) -> dict[str, int]:
    return {
        "waiting": oms.package(state="Waiting")["id"],
        "shipped": oms.package(state="Shipped")["id"],
        "transfer": oms.session().get(TRANSFERS).json()["results"][0]["id"],
        "place": oms.session().get(LIST).json()["results"][0]["stock_location"]["id"],
    }


def bearer(oms: Emulator, authorization: str | None) -> dict[str, str]:
    """Return the header. `JWT <role>` is replaced by a JWT of that role, `JWT expired` by an expired one."""
    if authorization is None:
        return {}
    scheme, _, role = authorization.partition(" ")
    if scheme == "JWT":
        token = oms.jwt(expires_in=-1) if role == "expired" else oms.jwt(role)
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": authorization}


def counts(oms: Emulator) -> dict[str, dict[str, int]]:
    return oms.world.coverage.counts()


def asked(oms: Emulator, case: Case) -> dict[str, dict[str, int]]:
    """Make the call in a new world. Return the counts."""
    method, _, path = case.call.partition(" ")
    path = path.format(**places(oms))
    oms.world.coverage._counts.clear()
    given = (
        {"data": case.body, "content_type": "application/json"}
        if isinstance(case.body, bytes)
        else {"json": case.body}
    )
    Client(oms.app).open(path, method=method, headers=bearer(oms, case.authorization), **given if case.body else {})
    return {dimension: met for dimension, met in counts(oms).items() if met}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_call_meets_exactly_what_it_should(oms: Emulator, case: Case) -> None:
    expected = {dimension: dict.fromkeys(names, 1) for dimension, names in case.met.items()}
    assert asked(oms, case) == expected


def test_the_calls_above_meet_every_dimension() -> None:
    assert {dimension for case in CASES.values() for dimension in case.met} == set(DIMENSIONS)


ALIASES = [
    (name, one.name, each) for name, table in FILTER_SETS.items() for one in table.filters for each in one.aliases
]


def test_an_alias_meets_its_filter() -> None:
    """Whatever name a query gives it, the filter is met under its own."""
    oms = Emulator("empty")
    session = oms.session()
    for filters, name, alias in ALIASES:
        path = next(route.path for route in ROUTES if route.filter_set == filters)
        oms.world.coverage._counts.clear()
        answer = next(
            one for value in ("1", "true", "2023-04-05") if (one := session.get(f"{path}?{alias}={value}")).ok
        )
        assert (answer.status_code, counts(oms)["filters"]) == (200, {f"{filters}.{name}": 1}), alias
    assert len(ALIASES) > 20


def test_what_was_answered_before_counts_again(oms: Emulator) -> None:
    """An answer that is kept ready is an answer."""
    for _ in range(3):
        oms.session().get(f"{LIST}?state=35")
    assert counts(oms)["operations"] == {"list_packages": 3}
    assert counts(oms)["filters"] == {"package.state": 3}


SLUG_BODY = f'{{"slug": "{PACKING}"}}'.encode()
FAULTED: dict[str, tuple[dict[str, Any], RequestInfo, Reply]] = {
    "a list": ({"QUERY_STRING": "state=35"}, RequestInfo("list_packages", "full-access"), Reply(200)),
    "no operation": ({}, RequestInfo(), Reply(404)),
    "a command": (
        {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(SLUG_BODY))},
        RequestInfo("command_package", "full-access"),
        Reply(204),
    ),
}


def context_of(oms: Emulator, info: RequestInfo, **environ: Any) -> RequestContext:
    """Return the context of a request to the list of packages, of which this is known."""
    default = {"REQUEST_METHOD": "GET", "HTTP_HOST": "127.0.0.1", "wsgi.input": BytesIO(SLUG_BODY)}
    context = RequestContext(default | environ, oms.world, ROUTER, RequestHead("default", "", LIST))
    context.info = replace(info)
    return context


@pytest.mark.parametrize("kind", FAULTED)
def test_a_faulted_answer_does_not_count(oms: Emulator, kind: str) -> None:
    """The same exchange counts without its fault, and not with it."""
    environ, info, reply = FAULTED[kind]
    context = context_of(oms, info, **environ)
    context.info.fault = "delay"
    record_coverage(context, reply)
    assert not any(counts(oms).values())
    context.info.fault = None
    record_coverage(context, reply)
    assert any(counts(oms).values())


ARMED: dict[str, dict[str, Any]] = {
    "status": {"status": 503},
    "delay": {"seconds": 0.01},
    "malformed": {},
    "lost_response": {},
    "truncated": {},
}


@pytest.mark.parametrize("way", ["socket", "process"])
@pytest.mark.parametrize("kind", ARMED)
def test_a_request_that_triggers_a_fault_is_not_counted(kind: str, way: str) -> None:
    """A read, and a command whose response the client does not receive, are not counted; the next call is.

    The write is stored, so its events are sent.
    """
    oms = Emulator("demo")
    with ExitStack() as stack:
        if way == "socket":
            stack.enter_context(oms)
        session = stack.enter_context(requests.Session() if way == "socket" else oms.session())
        session.headers.update(oms.auth)
        list_, command_ = oms.url + LIST, oms.url + COMMAND.format(**places(oms))
        oms.world.coverage._counts.clear()
        oms.requests.clear()
        oms.faults.add(kind=kind, times=2, **ARMED[kind])
        with suppress(requests.RequestException):
            session.get(list_, params={"state": "35"})
        with suppress(requests.RequestException):
            session.post(command_, json=command(PACKING))
        oms.faults.assert_used()
        assert [each.fault for each in oms.requests] == [kind, kind]
        events = counts(oms).pop("events")
        assert (counts(oms) | {"events": {}}) == Coverage().counts()
        assert sorted(events) == ([] if kind == "status" else PACKED)
        session.get(list_, params={"state": "35"})
        found = counts(oms)
        assert (found["operations"], found["filters"]) == ({"list_packages": 1}, {"package.state": 1})


def test_requests_of_the_inspector_are_not_covered(oms: Emulator) -> None:
    """Only its writes count, which are those of its user."""
    referer = {"Referer": f"http://oms.test{INSPECTOR_PATH}", "Sec-Fetch-Site": "same-origin"}
    oms.session().get(LIST, headers=referer)
    assert not any(counts(oms).values())
    oms.session().post(COMMAND.format(**places(oms)), json=command(PACKING), headers=referer)
    assert counts(oms)["transitions"] == {PACKING: 1}


def test_all_worlds_of_a_server_count_together(oms: Emulator) -> None:
    """Named worlds, branches, and what a reset puts in place of a world."""
    other = oms.in_world("other")
    for one in (oms, other, oms.branch("branch")):
        one.session().get(LIST)
    oms.reset()
    oms.session().get(LIST)
    assert counts(oms)["operations"] == counts(other)["operations"] == {"list_packages": 4}


def test_servers_count_apart_unless_they_share(oms: Emulator) -> None:
    shared = Coverage()
    for one in (oms, Emulator("empty", coverage=shared), Emulator("demo", coverage=shared)):
        one.session().get(LIST)
    assert counts(oms)["operations"] == {"list_packages": 1}
    assert shared.counts()["operations"] == {"list_packages": 2}


def test_steps_of_a_scenario_are_not_covered(oms: Emulator, tmp_path: Any) -> None:
    """Events of replayed steps are not counted."""
    pk = places(oms)["waiting"]
    oms.session().post(COMMAND.format(waiting=pk), json=command(PACKING))
    oms.save(tmp_path / "world.json")
    again = Emulator(tmp_path / "world.json")
    assert again.session().get(f"{LIST}{pk}/").json()["state"]["enum_value"] == "500"
    again.reset()
    assert counts(again)["events"] == {}


def test_undone_command_remains_covered(oms: Emulator) -> None:
    oms.session().post(COMMAND.format(**places(oms)), json=command(PACKING))
    oms.undo()
    assert counts(oms)["transitions"] == {PACKING: 1}


def test_a_transition_is_named_by_its_slug_or_else_by_its_id() -> None:
    """Slugs are the same in one installation and the next; where one is shared, it means the first that has it."""
    moves = [Transition(5, 1, 2, slug="a"), Transition(6, 2, 1, slug="a"), Transition(7, 2, 3)]
    view = build_world(moves).records
    assert [transition_name(view, move) for move in moves] == ["a", "a #6", "#7"]


def test_counting_is_cheap(oms: Emulator) -> None:
    """An ordinary request pays less for it than a hundredth of a millisecond, on a busy machine as well."""
    context = context_of(oms, RequestInfo("get_package", "full-access"))
    reply = Reply(200)
    fastest = min(timeit.repeat(lambda: record_coverage(context, reply), number=1000, repeat=20)) / 1000
    assert fastest < 10e-6
