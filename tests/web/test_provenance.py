"""Each response names what it rests on. No code of it runs when it is off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from emulator import Emulator
from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES
from emulator.core.records import Package, Transition
from emulator.core.schemas import find_problem
from emulator.domain.installation import complete_installation
from emulator.state.journal import PROVENANCES, Basis, weakest_provenance
from emulator.web import provenance
from tests.domain.commands.arranging import KINDS, Kind, parameters, ready_for, send

LIST = "/api/v1/oms/packages/"
DETAIL = f"{LIST}{{pk}}/"
COMMAND, SET_REMOTE_ID = f"{DETAIL}command/", f"{DETAIL}set_remote_id/"
FORM, REMOTE_ID = "application/x-www-form-urlencoded", "set-remote-id.remote_id"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", provenance=True)


def newest(oms: Emulator) -> dict[tuple[str, str], str]:
    """Return what the newest response rests on."""
    return {(each.part, each.name): each.provenance for each in oms.requests[0].rests_on}


CASES: list[tuple[str, str, dict[str, Any], tuple[str, str], str]] = [
    ("GET", LIST, {}, ("operation", "list_packages"), "documented"),
    ("GET", LIST, {}, ("shape", "page-of-package"), "observed"),
    ("GET", LIST, {}, ("protocol", "page sizes: Package Services (guide)"), "observed"),
    ("GET", LIST, {}, ("protocol", "default orders: package"), "observed"),
    ("GET", LIST + "?limit=1000", {}, ("protocol", "page sizes: maximum"), "assumed"),
    ("GET", LIST + "?sort=-id", {}, ("protocol", "sort columns: package.id"), "assumed"),
    ("GET", LIST + "?page=1&page=2", {}, ("protocol", "requests: a parameter that is sent twice"), "framework"),
    ("GET", LIST + "?state_id=40", {}, ("filter", "package.state"), "assumed"),
    ("GET", LIST + "?state=40", {}, ("state", '40 "Packed all items"'), "assumed"),
    ("GET", LIST + "?state__enum_value=500", {}, ("state", '40 "Packed all items"'), "assumed"),
    (
        "GET",
        "/api/v1/oms/transfer_orders/",
        {},
        ("protocol", "page sizes: Transfer Order Services (guide)"),
        "assumed",
    ),
    ("GET", DETAIL, {}, ("state", '35 "Waiting"'), "observed"),
    ("GET", DETAIL, {"headers": {"Accept-Language": "tr-tr"}}, ("protocol", "parameters: language"), "assumed"),
    ("GET", LIST + "0/", {}, ("status", "get_package 404"), "framework"),
    ("GET", LIST, {"headers": {"Authorization": ""}}, ("status", "* 401"), "documented"),
    ("DELETE", LIST, {}, ("status", "* 405"), "framework"),
    ("OPTIONS", LIST, {}, ("protocol", "methods: OPTIONS"), "framework"),
    ("HEAD", LIST, {}, ("protocol", "methods: HEAD"), "framework"),
    ("GET", "/nowhere/", {}, ("protocol", "requests: 404 for a URL that no operation has"), "framework"),
    (
        "GET",
        LIST[:-1],
        {"allow_redirects": False},
        ("protocol", "requests: redirect to the trailing slash"),
        "assumed",
    ),
    ("POST", COMMAND, {"json": {"transition": 138}}, ("status", "command_package 400"), "documented"),
    ("POST", COMMAND, {"data": {"transition": 138}}, ("protocol", f"body formats: {FORM}"), "framework"),
    ("POST", SET_REMOTE_ID, {"json": {"remote_id": "R"}}, ("protocol", f"body fields: {REMOTE_ID}"), "assumed"),
]


@pytest.mark.parametrize(
    ("method", "url", "options", "basis", "mark"), CASES, ids=[f"{case[0]} {case[3][1]}" for case in CASES]
)
def test_a_response_rests_on_what_decided_it(
    oms: Emulator, method: str, url: str, options: dict[str, Any], basis: tuple[str, str], mark: str
) -> None:
    """The header has the weakest provenance, and names a guess."""
    session = oms.session()
    pk = oms.package(state="Waiting")["id"]
    answer = session.request(method, url.format(pk=pk), **options)
    bases = newest(oms)
    assert bases[basis] == mark
    header = unquote(answer.headers["X-Emulator-Provenance"])
    assert header.split("; ")[0] == oms.requests[0].provenance
    assert PROVENANCES.index(header.split("; ")[0]) >= PROVENANCES.index(mark)
    assert (mark != "assumed") or " ".join(basis) in header.split("; ")


COMMANDS = [(kind, transition) for kind in KINDS for transition in kind.commands]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "transition"), COMMANDS, ids=[each["slug"] for _, each in COMMANDS])
def test_a_command_rests_on_its_transition_states_and_parameters(kind: Kind, transition: dict[str, Any]) -> None:
    oms = Emulator("demo", provenance=True)
    record = ready_for(oms, kind, transition)
    sent = parameters(oms, record)
    answer = send(oms, kind, record.id, {"transition": transition["id"], "input_parameters": sent})
    assert answer.status_code < 300
    bases = newest(oms)
    origins = complete_installation("default").origins
    assert bases["transition", transition["slug"]] == origins[Transition, transition["id"]].provenance
    states = {name.split()[0] for part, name in bases if part == "state"}
    assert states == {str(transition["source_state"]), str(transition["destination_state"])}
    subject = {"packages": "package", "transfer_orders": "transfer_order"}[kind.path]
    note = provenance.notes()["commands"][subject][transition["command_code"]]
    assert bases["command", transition["command_code"]] == note["provenance"]
    found = {name.partition(".")[2]: mark for (part, name), mark in bases.items() if part == "command parameter"}
    assert found == {name: each["provenance"] for name, each in note["parameters"].items() if name in sent}


FILTERS = [
    (route.path, route.filter_set, row)
    for route in ROUTES
    if route.filter_set == "package" and route.operation == "list_packages"
    for row in FILTER_SETS["package"].filters
]


@pytest.mark.parametrize(("path", "name", "row"), FILTERS, ids=[row.name for _, _, row in FILTERS])
def test_an_applied_filter_has_the_provenance_of_its_row(oms: Emulator, path: str, name: str, row: Any) -> None:
    answer = oms.session().get(path, params={row.name: EXAMPLES.get(row.value_type, "1")})
    assert answer.status_code in (200, 400)
    applied = newest(oms).get(("filter", f"{name}.{row.name}"))
    assert applied == (row.provenance if answer.status_code == 200 else None)


EXAMPLES = {"boolean": "true", "null_boolean": "true", "datetime": "2023-04-05", "date": "2023-04-05"}


SHIPPED, PREPARING = ("state", '42 "Shipped"'), ("state", '37 "Preparing"')
STATES: list[tuple[str, list[tuple[str, str]]]] = [
    (LIST + "?state=42", [SHIPPED, ("state", '62 "Shipped"'), ("state", '99 "Created"')]),
    (LIST + "?state=37", [PREPARING, ("state", '57 "Preparing"')]),
    ("/api/v1/oms/packages/short/?state=42", [SHIPPED]),
    ("/api/v1/oms/packages/list-simple/?state=42", [SHIPPED]),
    (DETAIL, [SHIPPED, ("state", '62 "Shipped"'), ("state", '28 "Preparing"')]),
    (DETAIL + "transition_logs/", [SHIPPED, ("state", '35 "Waiting"'), ("state", '40 "Packed all items"')]),
    ("/packages/", [SHIPPED, ("state", '62 "Shipped"')]),
    ("/packages/{pk}/transition_logs/short/", [SHIPPED, ("state", '40 "Packed all items"')]),
]


@pytest.mark.parametrize(("url", "states"), STATES, ids=[url for url, _ in STATES])
def test_a_response_rests_on_the_states_that_it_shows(oms: Emulator, url: str, states: list[tuple[str, str]]) -> None:
    """Those of the rows of a list, of items and of logs, whether they are documents, ids or names."""
    pk = oms.package(state="Shipped")["id"]
    path = url.format(pk=pk)
    headers = oms.auth if path.startswith("/api") else {"Authorization": f"Bearer {oms.jwt('full-access')}"}
    assert oms.session().get(path, headers=headers).status_code == 200
    assert newest(oms).keys() >= set(states)


def test_a_page_rests_on_no_state_of_other_pages(oms: Emulator) -> None:
    """Nor on the states to which the offered commands lead, nor on JSON that a client stored."""
    pk = oms.package(state="Waiting")["id"]
    with oms.world.transaction() as tx:
        tx.change(tx.get_existing(Package, pk), extra_information=b'{"state": 42}')
    row = oms.session().get(LIST, params={"limit": 1}).json()["results"][0]
    assert (row["id"], row["extra_information"]) == (pk, {"state": 42})
    assert row["commands"]
    assert {name for part, name in newest(oms) if part == "state"} == {
        '35 "Waiting"',
        '55 "Waiting"',
        '23 "Approved"',
    }


def test_response_changed_by_a_fault_has_no_provenance(oms: Emulator) -> None:
    oms.faults.add("list_packages", status=503, times=1)
    answer = oms.session().get(LIST)
    assert "X-Emulator-Provenance" not in answer.headers
    assert (oms.requests[0].rests_on, oms.requests[0].provenance) == ((), None)


def test_an_overtaken_response_is_a_real_one(oms: Emulator) -> None:
    pk = oms.package(state="Waiting")["id"]
    oms.faults.add("command_package", "overtaken")
    answer = oms.session().post(COMMAND.format(pk=pk), json={"transition": 138, "input_parameters": {}})
    assert (answer.status_code, answer.headers["X-Emulator-Provenance"]) == (400, "observed")
    assert "belongs to state 35" in answer.headers["X-Emulator-Hint"]


def test_what_all_responses_rest_on_is_collected(oms: Emulator) -> None:
    """It outlives a reset and the journal."""
    oms.package(state="Waiting")
    session = oms.session()
    session.get(LIST, params={"limit": 1})
    session.get(LIST, params={"state": 35})
    oms.requests.clear()
    oms.reset()
    assert oms.provenance is not None
    assert oms.provenance.weakest == "assumed"
    assert [each.name for each in oms.provenance.weaker_than("observed")] == ["package.state"]


@pytest.mark.medium
def test_the_journal_has_the_provenance_also_when_it_is_off() -> None:
    oms = Emulator("demo")
    oms.session().get(LIST, params={"state": 35})
    full = oms.session().get("/__admin/requests/00000001").json()
    (brief,) = oms.session().get("/__admin/requests?brief=true").json()["results"]
    assert find_problem("exchange", full) is None
    assert find_problem("exchange-brief", brief) is None
    assert full["provenance"] == brief["provenance"] == "assumed"
    assert [each["name"] for each in full["rests_on"] if each["provenance"] == "assumed"] == ["package.state"]
    assert all(each["reason"] for each in full["rests_on"] if each["provenance"] == "assumed")


@contextmanager
def counting_calls() -> Iterator[list[str]]:
    """Record the calls of functions of the module."""
    calls: list[str] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == provenance.__file__:
            calls.append(frame.f_code.co_name)

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def use_everything(session: requests.Session, pk: int) -> None:
    for url in (LIST, LIST + "?state=35&sort=-id", DETAIL.format(pk=pk), LIST + "0/", "/nowhere/"):
        session.get(url)
    for _ in range(2):
        session.post(COMMAND.format(pk=pk), json={"transition": 138, "input_parameters": {}})
    session.get("/__admin/health")


@pytest.mark.medium
@pytest.mark.parametrize("is_on", [False, True])
def test_none_of_its_code_runs_when_it_is_off(is_on: bool) -> None:
    oms = Emulator("demo", provenance=is_on)
    pk = int(oms.package(state="Waiting")["id"])
    with counting_calls() as calls:
        use_everything(oms.session(), pk)
    assert len(oms.requests) == 7
    assert bool(calls) is is_on
    with counting_calls() as calls:
        oms.session().get("/__admin/requests")
    assert "bases_of" in calls


def test_the_weakest_provenance_decides() -> None:
    bases = [Basis("x", str(at), mark) for at, mark in enumerate(PROVENANCES)]
    assert [weakest_provenance(bases[: at + 1]) for at in range(4)] == list(PROVENANCES)
    assert weakest_provenance([]) is None


def test_pages_of_other_origins_may_read_the_header() -> None:
    answer = Emulator("demo").session().get(LIST, headers={"Origin": "http://shop.test"})
    assert "X-Emulator-Provenance" in answer.headers["Access-Control-Expose-Headers"]
