"""A request whose head was parsed before gets the same answer as any other request."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import Package
from emulator.web import context as context_module
from emulator.web.app import split_world
from emulator.web.context import HEAD_PROPERTIES, HEAD_VARIABLES, KnownHeads, RequestContext, RequestHead
from tests.transports.corpus import edge_case_requests, route_requests
from tests.web.test_fast_path import ReadEnviron, environ_of, fetch

WAITING, BLOCK = 35, 1021
"""A state, and a transition from it that works once."""
BODY = json.dumps({"transition": BLOCK, "input_parameters": {}}).encode()


def command_path(oms: Emulator, root: str = "/api/v1/oms/packages/") -> str:
    package = next(each for each in oms.world.records.all(Package) if each.state == WAITING)
    return f"{root}{package.id}/command/"


def command_environ(oms: Emulator, body: bytes = BODY, **headers: str) -> dict[str, Any]:
    return environ_of(command_path(oms), "POST", body, **{"Content_Type": "application/json", **headers})


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=20)


def test_properties_of_a_head_depend_on_its_variables_alone(oms: Emulator) -> None:
    environ = ReadEnviron(command_environ(oms) | {"QUERY_STRING": "format=json&x=1"})
    head = RequestHead("default", "", command_path(oms))
    context = RequestContext(environ, oms.world, oms._emulator_app.router, head)
    environ.read.clear()
    split_world(context.path, environ)
    assert [getattr(context, name) for name in HEAD_PROPERTIES] != []
    assert environ.read - set(HEAD_VARIABLES) == set()


def test_second_equal_head_is_not_parsed(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the body of the second request is parsed."""
    parsed: list[str] = []
    for name in ("authenticate", "parse_query", "indent_of", "parse_body"):
        parse = getattr(context_module, name)
        monkeypatch.setattr(context_module, name, lambda *args, n=name, p=parse: parsed.append(n) or p(*args))
    environ = command_environ(oms)
    for expected in (["authenticate", "indent_of", "parse_body"], ["parse_body"]):
        parsed.clear()
        fetch(oms, environ | {"wsgi.input": BytesIO(BODY)})
        assert sorted(parsed) == expected


DIFFERENCES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another token": {"HTTP_AUTHORIZATION": "Token read-only"},
    "a wrong token": {"HTTP_AUTHORIZATION": "Token x"},
    "indentation": {"HTTP_ACCEPT": "application/json; indent=2"},
    "no JSON": {"HTTP_ACCEPT": "text/csv"},
    "a format": {"QUERY_STRING": "format=xml"},
    "a parameter": {"QUERY_STRING": "x=1"},
    "a form": {"CONTENT_TYPE": "application/x-www-form-urlencoded"},
    "another world": {"HTTP_X_EMULATOR_WORLD": "other"},
    "no world": {"HTTP_X_EMULATOR_WORLD": "nowhere"},
    "another language": {"HTTP_ACCEPT_LANGUAGE": "tr"},
    "another host": {"HTTP_HOST": "other.test"},
    "a wrong host": {"HTTP_HOST": "a b"},
    "a mount": {"SCRIPT_NAME": "/mounted"},
    "another method": {"REQUEST_METHOD": "PUT"},
    "another path": {"PATH_INFO": "/api/v1/oms/packages/1/command/"},
}


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)
def test_request_gets_its_own_answer(difference: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that knows no head gives the same answer."""
    answers = []
    for is_known in (True, False):
        oms = Emulator("demo", packages=20)
        oms.in_world("other", "demo")
        environ = command_environ(oms)
        if not is_known:
            monkeypatch.setattr(KnownHeads, "get", lambda *_: None)
        fetch(oms, command_environ(oms, b"{}"))
        answers.append([fetch(oms, environ | {"wsgi.input": BytesIO(BODY)} | difference).bytes_ for _ in range(2)])
    assert answers[0] == answers[1]


@pytest.mark.medium
def test_corpus_twice_gets_the_same_as_without_known_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    for is_known in (True, False):
        oms = Emulator("demo", packages=20)
        if not is_known:
            monkeypatch.setattr(KnownHeads, "get", lambda *_: None)
        ids = (oms.world.records.ids(Package)[0], 1)
        answers = []
        for request in (*route_requests(*ids), *edge_case_requests(ids[0])):
            if request.method != "GET" and not request.target.startswith("/__admin"):
                environ = environ_of(request.target, request.method, request.body)
                named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
                named |= {"CONTENT_TYPE": request.headers.get("Content-Type", "")}
                answers += [fetch(oms, environ | named).bytes_ for _ in range(2)]
        exchanges = [exchange._replace(seconds=0, duration=0) for exchange in oms.world.journal.newest_first()]
        outcomes.append((answers, exchanges, list(oms.world.steps), oms.world.coverage.counts()))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) > 40


def test_jwt_of_a_known_head_expires(oms: Emulator) -> None:
    environ = environ_of(command_path(oms, "/packages/"), "POST", BODY, Content_Type="application/json")
    environ["HTTP_AUTHORIZATION"] = f"Bearer {oms.jwt(expires_in=60)}"
    assert fetch(oms, environ).status[:3] == "204"
    assert oms._emulator_app.heads.get(environ) is not None
    oms.clock.advance(seconds=61)
    assert fetch(oms, environ).status[:3] == "401"


def test_known_heads_are_limited(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "MAX_HEADS", 3)
    heads = oms._emulator_app.heads
    environs = [command_environ(oms, X_Emulator_World="default", Accept=f"*/*; n={number}") for number in range(5)]
    for environ in environs:
        fetch(oms, environ)
    assert [heads.get(environ) is not None for environ in environs] == [False] * 3 + [True] * 2


def test_long_head_is_not_kept(oms: Emulator) -> None:
    environ = command_environ(oms, Accept="*/*; n=" + "x" * 2_000)
    fetch(oms, environ)
    assert oms._emulator_app.heads.get(environ) is None
