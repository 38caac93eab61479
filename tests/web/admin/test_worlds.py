"""The control API for worlds, snapshots, undo, scenarios and the journal."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from emulator import Emulator
from emulator.api.openapi.control import CONTROL_ENDPOINTS, Endpoint
from emulator.api.serializers.events import record_events
from emulator.domain.scenario_files import bundled_scenarios
from emulator.state.clock import Scheduled
from emulator.state.world import World, WorldServices
from emulator.worlds import registry as worlds_module
from emulator.worlds.registry import WorldRegistry
from tests.support.answers import check_body
from tests.support.reads import ReceivedResponse, wsgi_sender

pytestmark = pytest.mark.slow

LIST = "/api/v1/oms/packages/"
FULL = {"Authorization": "Token full-access"}
SKU = "PZ-101-02-L"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=2)


def send_json(oms: Emulator, method: str, path: str, document: Any = None, **headers: str) -> ReceivedResponse:
    body = document if isinstance(document, bytes) or document is None else json.dumps(document).encode()
    return wsgi_sender(oms)(method, path, body, headers or None)


ANSWERS: list[tuple[str, str, Any, int, str | None]] = [
    ("GET", "health", None, 200, "health"),
    ("POST", "reset", None, 204, None),
    ("GET", "scenario", None, 200, "scenario-state"),
    ("PUT", "scenario", {"name": "empty"}, 200, "scenario-state"),
    ("PUT", "scenario", {"name": "demo", "packages": 3, "seed": 4}, 200, "scenario-state"),
    ("PUT", "scenario", {"name": "documented/package-list"}, 200, "scenario-state"),
    ("PUT", "scenario", {"document": {"name": "mine", "packages": 1.0}}, 200, "scenario-state"),
    ("GET", "scenarios", None, 200, "scenarios"),
    ("GET", "export", None, 200, "scenario"),
    ("GET", "worlds", None, 200, "worlds"),
    ("PUT", "worlds/new", None, 201, "world-state"),
    ("PUT", "worlds/new", {}, 201, "world-state"),
    ("PUT", "worlds/default", {}, 200, "world-state"),
    ("PUT", "worlds/new", {"scenario": "empty", "seed": 3, "packages": 1}, 201, "world-state"),
    ("PUT", "worlds/new", {"seed": -3}, 201, "world-state"),
    ("PUT", "worlds/new", {"document": {"name": "mine"}}, 201, "world-state"),
    ("PUT", "worlds/new", {"world": "default"}, 201, "world-state"),
    ("PUT", "worlds/default", {"world": "default"}, 200, "world-state"),
    ("PUT", "worlds/new", {"snapshot": "kept"}, 201, "world-state"),
    ("PUT", f"worlds/{'x' * 100}", {}, 201, "world-state"),
    ("PUT", "worlds/..-_A9", {}, 201, "world-state"),
    ("DELETE", "worlds/other", None, 204, None),
    ("GET", "snapshots", None, 200, "snapshots"),
    ("PUT", "snapshots/kept", None, 201, "snapshot"),
    ("PUT", "snapshots/new", {}, 201, "snapshot"),
    ("POST", "snapshots/kept/restore", None, 200, "snapshot"),
    ("POST", "undo", None, 200, "undone"),
    ("GET", "clock", None, 200, "clock-state"),
    ("PUT", "clock", {"mode": "ticking", "now": "2024-02-29T00:00:00Z"}, 200, "clock-state"),
    ("PUT", "clock", {"mode": "real"}, 200, "clock-state"),
    ("POST", "clock/advance", {"seconds": 0.5}, 200, "clock-state"),
    ("POST", "clock/advance", {"to": "2030-01-01T00:00:00Z"}, 200, "clock-state"),
    ("GET", "requests", None, 200, "exchanges"),
    ("GET", "requests?operation=list_packages&method=get&status=200&path=packages&limit=1", None, 200, "exchanges"),
    ("GET", "requests/00000001", None, 200, "exchange"),
    ("DELETE", "requests", None, 204, None),
]
REFUSALS: list[tuple[str, str, Any, int, str]] = [
    ("PUT", "scenario", b"{", 400, "the body is not JSON: "),
    ("PUT", "scenario", {}, 400, "the document: "),
    ("PUT", "scenario", [], 400, "must be an object"),
    ("PUT", "scenario", {"name": "dmeo"}, 400, "unknown scenario 'dmeo'. Did you mean demo? Known: "),
    ("PUT", "scenario", {"name": "nowhere.json"}, 400, "cannot read scenario file nowhere.json: No such file"),
    ("PUT", "scenario", {"name": "demo", "document": {}}, 400, "the document: "),
    (
        "PUT",
        "scenario",
        {"name": "documented/package-list", "packages": 3},
        400,
        "number of packages cannot be set",
    ),
    ("PUT", "scenario", {"document": {}}, 400, "document: /name: is missing"),
    ("PUT", "scenario", {"document": []}, 400, "/document: must be an object (got [])"),
    ("PUT", "scenario", {"document": {"name": "x", "colour": 1}}, 400, "document: /colour: is unknown; known keys"),
    (
        "PUT",
        "scenario",
        {"document": {"name": "x", "format": 2}},
        400,
        "/format: version 2 is not supported",
    ),
    ("PUT", "scenario", {"document": {"name": "x", "clock": "2023-02-31T00:00:00Z"}}, 400, "scenario x: /clock: day"),
    ("PUT", "scenario", {"document": {"name": "x", "now": "0001-01-01T00:00:00Z"}}, 400, "/now: a world's time is"),
    ("PUT", "scenario", {"document": {"name": "x", "installation": "no"}}, 400, "unknown installation 'no'; known: "),
    (
        "PUT",
        "scenario",
        {"document": {"name": "x", "steps": [{"operation": "fly"}]}},
        400,
        "scenario x: /steps/0/operation: 'fly' changes nothing; known: command_package, ",
    ),
    ("PUT", "worlds/new", {"document": {"name": "x", "answers": [{"path": "/x", "body": {}}]}}, 400, "answer"),
    ("PUT", "worlds/a b", {}, 400, "a world's name has 1 to 100 letters of A-Z a-z 0-9 . _ -, unlike 'a b'"),
    ("PUT", "worlds/é", {}, 400, "a world's name has 1 to 100 letters"),
    ("PUT", f"worlds/{'x' * 101}", {}, 400, "a world's name has 1 to 100 letters"),
    ("PUT", "worlds/a%0Ab", {}, 400, "a world's name has 1 to 100 letters"),
    ("PUT", "worlds/a%2Fb", {}, 404, "Not Found"),
    ("PUT", "worlds/", {}, 404, "Not Found"),
    ("PUT", "worlds/new", {"colour": "red"}, 400, "unknown key 'colour'"),
    ("PUT", "worlds/new", {"world": "no"}, 404, "no world is named 'no'; make it with PUT /__admin/worlds/no"),
    ("PUT", "worlds/new", {"snapshot": "no"}, 404, "no snapshot with the name 'no'"),
    ("PUT", "worlds/new", {"snapshot": "kept", "world": "other"}, 400, "the document: "),
    ("PUT", "worlds/new", {"scenario": "no"}, 400, "unknown scenario 'no'"),
    ("PUT", "worlds/new", {"packages": -1}, 400, "/packages: must be at least 0 (got -1)"),
    ("PUT", "worlds/new", {"seed": 1.5}, 400, "/seed: must be an integer (got 1.5)"),
    ("PUT", "worlds/new", {"seed": 10**30}, 400, "not a JSON document: "),
    ("PUT", "worlds/new", b"\x0c", 400, "the body is not JSON: "),
    ("PUT", "worlds/new", b"[" * 100_000, 400, "the body is not JSON: too deeply nested"),
    ("DELETE", "worlds/no", None, 404, "no world is named 'no'"),
    ("DELETE", "worlds/default", None, 400, "world 'default' cannot be deleted; POST reset starts it again"),
    ("POST", "worlds", None, 405, "POST /__admin/worlds: Method Not Allowed; it accepts GET"),
    ("PUT", "snapshots/a b", None, 400, "a snapshot's name has 1 to 100 letters"),
    ("PUT", "snapshots/new", {"a": 1}, 400, "PUT /__admin/snapshots/new does not accept a body"),
    ("POST", "snapshots/no/restore", None, 404, "no snapshot with the name 'no'"),
    ("POST", "snapshots/kept/restore", [], 400, "does not accept a body"),
    ("POST", "undo", {"a": 1}, 400, "POST /__admin/undo does not accept a body"),
    ("PUT", "clock", {}, 400, "the document: "),
    ("PUT", "clock", {"mode": "fast"}, 400, '/mode: must be one of "real", "frozen", "ticking" (got "fast")'),
    ("PUT", "clock", {"mode": "real", "now": "2024-01-01T00:00:00Z"}, 409, "a real clock cannot be set"),
    ("PUT", "clock", {"now": "2023-02-31T00:00:00Z"}, 400, "'2023-02-31T00:00:00Z' is not a date and time: day is"),
    ("PUT", "clock", {"now": "0001-01-01T00:00:00Z"}, 400, "a world's time is from 1970-01-01 to 9000-01-01, not 0"),
    ("PUT", "clock", {"now": "9999-12-31T23:59:59.999999Z"}, 400, "a world's time is from 1970-01-01"),
    ("PUT", "clock", {"now": "24:00"}, 400, "/now: "),
    ("POST", "clock/advance", {}, 400, "the document: "),
    ("POST", "clock/advance", {"seconds": -1}, 400, "/seconds: must be at least 0 (got -1)"),
    ("POST", "clock/advance", {"seconds": 1e308}, 400, "10000000000000000109 seconds: not a valid duration"),
    ("POST", "clock/advance", b'{"seconds": 1e999}', 400, "/seconds: "),
    ("POST", "clock/advance", b'{"seconds": NaN}', 400, "the body is not JSON: NaN is not JSON"),
    ("POST", "clock/advance", {"seconds": 1e12}, 400, "after the end of the calendar"),
    ("POST", "clock/advance", {"seconds": 3e11}, 400, "after the end of the calendar"),
    ("POST", "clock/advance", {"seconds": 10**400}, 400, "not a JSON document: "),
    ("POST", "clock/advance", {"seconds": True}, 400, "/seconds: "),
    (
        "POST",
        "clock/advance",
        {"to": "2001-01-01T00:00:00Z"},
        409,
        "already past 2001-01-01T00:00:00+00:00; use",
    ),
    ("POST", "clock/advance", {"to_next_event": False}, 400, "/to_next_event: "),
    ("GET", "requests?colour=red", None, 400, "unknown parameter 'colour'"),
    ("GET", "requests?status=ok", None, 400, "status must be a whole number (got 'ok')"),
    ("GET", "requests?limit=-1", None, 400, "limit must be a whole number (got '-1')"),
    ("GET", "requests/99999999", None, 404, "the journal has no request '99999999'; it holds the latest 1000"),
]


@pytest.fixture
def prepared_oms(oms: Emulator) -> Emulator:
    """Return an emulator with a second world, a snapshot, a write and an exchange."""
    oms.in_world("other")
    oms.snapshot("kept")
    assert send_json(oms, "GET", LIST, **FULL).status == 200
    oms.package()
    return oms


@pytest.mark.parametrize(("method", "path", "document", "status", "shape"), ANSWERS)
def test_response_matches_the_endpoint_table(
    method: str, path: str, document: Any, status: int, shape: str | None, prepared_oms: Emulator
) -> None:
    answer = send_json(prepared_oms, method, f"/__admin/{path}", document)
    assert answer.status == status, answer.body
    if shape is None:
        assert answer.body == b""
    else:
        check_body(shape, answer.body)
    row = find_row(method, path)
    assert row.responses[status] == shape


@pytest.mark.parametrize(("method", "path", "document", "status", "said"), REFUSALS)
def test_error_has_one_line_with_the_reason(
    method: str, path: str, document: Any, status: int, said: str, prepared_oms: Emulator
) -> None:
    """The status is in the endpoint table, and nothing changes."""
    before = prepared_oms.export()
    answer = send_json(prepared_oms, method, f"/__admin/{path}", document)
    assert answer.status == status, answer.body
    check_body("control-error", answer.body)
    assert said in answer.json["error"]
    if status != 405 and "Not Found" not in said:
        assert status in find_row(method, path).errors
    assert prepared_oms.export() == before
    assert sorted(prepared_oms.worlds) == ["default", "other"]


def find_row(method: str, path: str) -> Endpoint:
    """Return the row of the endpoint table for a request."""
    parts = path.partition("?")[0].split("/")
    found = [row for row in CONTROL_ENDPOINTS if row.method == method and matches_pattern(row.path.split("/"), parts)]
    return min(found, key=lambda row: row.path.count("<"))


def matches_pattern(pattern: list[str], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        one.startswith("<") or one == part for one, part in zip(pattern, parts, strict=True)
    )


@pytest.mark.parametrize("row", CONTROL_ENDPOINTS, ids=lambda row: row.operation)
def test_request_to_an_unknown_world_is_a_404_or_needs_no_world(row: Endpoint, oms: Emulator) -> None:
    """The endpoint table says which requests need a world."""
    path = row.full_path
    for name in ("name", "pk", "id", "location_id", "sku", "request_id", "chapter"):
        path = path.replace(f"<{name}>", "1")
    bodies = {"scenario-wanted": {"name": "demo"}, "token-wanted": {"role": "full-access", "kind": "token"}}
    document = bodies.get(row.request_schema or "", {"seconds": 1} if row.request_schema == "clock-advance" else {})
    document = {"mode": "frozen"} if row.request_schema == "clock" else document
    sent = None if row.method in ("GET", "DELETE") else document
    for where, headers in ((f"/w/nope{path}", {}), (path, {"X-Emulator-World": "nope"})):
        answer = send_json(oms, row.method, where, sent, **headers)
        if answer.status == 404:
            assert 404 in row.errors
            assert "nope" in answer.json["error"] or "'1'" in answer.json["error"]
        else:
            assert answer.status in row.responses, answer.body
            assert row.operation in WITHOUT_WORLD
    assert oms.export()["steps"] == []


def test_clock_cannot_advance_to_a_missing_next_event(oms: Emulator) -> None:
    answer = send_json(oms, "POST", "/__admin/clock/advance", {"to_next_event": True})
    assert answer.status == 409
    assert answer.json["error"].startswith("world default has no scheduled event")


WITHOUT_WORLD = {
    "control_scenarios",
    "control_worlds",
    "control_put_world",
    "control_openapi",
    "control_asyncapi",
    "control_arazzo",
    "control_docs",
    "control_ui",
    "control_metrics",
    "control_events",
    "control_stories",
}
"""Requests that do not use the world that they address."""


def test_emulated_api_of_an_unknown_world_is_a_404_with_a_hint(oms: Emulator) -> None:
    for path, headers in ((f"/w/nope{LIST}", FULL), (LIST, FULL | {"X-Emulator-World": "nope"}), ("/w/nope", {})):
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            answer = wsgi_sender(oms)(method, path, None, headers)
            assert answer.status == 404
            assert (
                answer.headers["X-Emulator-Hint"] == "no world is named 'nope'; make it with PUT /__admin/worlds/nope"
            )


UNUSUAL_NAMES = ["", "..", ".", "a b", "é", "\xff", "%", "a\x00b", "💥", "x" * 10_000, "a?b"]


@pytest.mark.parametrize("name", UNUSUAL_NAMES, ids=range(len(UNUSUAL_NAMES)))
def test_unusual_world_names_are_not_found(name: str, oms: Emulator) -> None:
    """In both APIs, in the path and in the header."""
    for path in (LIST, "/__admin/health"):
        assert wsgi_sender(oms)("GET", f"/w/{quote(name)}{path}", None, FULL).status == 404
        if name.isascii() and "\x00" not in name:
            assert wsgi_sender(oms)("GET", path, None, FULL | {"X-Emulator-World": name}).status == 404


def test_path_takes_precedence_over_the_header(oms: Emulator) -> None:
    oms.in_world("one", "empty")
    oms.in_world("two")
    both = FULL | {"X-Emulator-World": "two"}
    send = wsgi_sender(oms)
    assert [send("GET", path, None, both).json["count"] for path in (f"/w/one{LIST}", LIST, f"/w/default{LIST}")] == [
        0,
        2,
        2,
    ]
    assert send("GET", "/w/one/__admin/health", None, both).json["world"] == "one"
    assert send("GET", "/__admin/health", None, both).json["world"] == "two"
    assert send("GET", f"/w/nope{LIST}", None, both).status == 404


def test_world_can_be_created_from_an_unknown_world(oms: Emulator) -> None:
    """The name in the path is used, even if the header names an unknown world."""
    send = wsgi_sender(oms)
    assert send("PUT", "/__admin/worlds/mine", b"{}", {"X-Emulator-World": "mine"}).status == 201
    assert send("PUT", "/w/nope/__admin/worlds/other", b"{}").status == 201
    assert sorted(oms.worlds) == ["default", "mine", "other"]
    assert send("PUT", "/w/nope/__admin/worlds/third", b'{"snapshot": "x"}').status == 404


def test_reset_restores_the_start_of_the_loaded_scenario(oms: Emulator) -> None:
    """Snapshots are kept by a reset and dropped when another scenario is loaded."""
    send = wsgi_sender(oms)
    oms.snapshot("early")
    start = oms.export()
    oms.package()
    oms.reset()
    assert oms.export() == start
    assert [row["name"] for row in send("GET", "/__admin/snapshots").json["results"]] == ["early"]
    assert send("PUT", "/__admin/scenario", b'{"name": "empty", "seed": 5}').status == 200
    assert send("GET", "/__admin/snapshots").json["count"] == 0
    oms.package()
    oms.reset()
    assert send("GET", "/__admin/scenario").json["seed"] == 5
    assert oms.export()["steps"] == []


def test_number_of_worlds_is_limited_and_idle_worlds_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error contains the limit. A request to a closed world gets the reason."""
    now = [0.0]
    monkeypatch.setattr(worlds_module, "machine_seconds", lambda: now[0])
    oms = Emulator("empty", max_worlds=3, world_idle=60)
    send = wsgi_sender(oms)
    for name, status in (("one", 201), ("two", 201), ("three", 409), ("two", 200)):
        answer = send("PUT", f"/__admin/worlds/{name}", b"{}")
        assert answer.status == status
    assert "3 worlds are open, as many as --max-worlds allows" in send("PUT", "/__admin/worlds/three").json["error"]
    now[0] = 50
    assert send("GET", f"/w/two{LIST}", None, FULL).status == 200
    now[0] = 70
    assert send("PUT", "/__admin/worlds/three").status == 201
    assert sorted(oms.worlds) == ["default", "three", "two"]
    gone = send("GET", f"/w/one{LIST}", None, FULL)
    assert (gone.status, gone.headers["X-Emulator-Hint"]) == (
        404,
        "world 'one' was closed after 60 seconds without a call",
    )
    assert send("GET", "/w/one/__admin/clock").json["error"].startswith("world 'one' was closed after 60 seconds")
    now[0] = 1_000
    assert send("PUT", "/__admin/worlds/one").status == 201
    assert send("GET", f"/w/one{LIST}", None, FULL).status == 200


def test_listing_worlds_does_not_keep_them_open(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(worlds_module, "machine_seconds", lambda: now[0])
    oms = Emulator("empty", world_idle=60)
    oms.in_world("idle")
    now[0] = 100
    assert send_json(oms, "GET", "/__admin/worlds").json["count"] == 2
    assert send_json(oms, "PUT", "/__admin/worlds/new").status == 201
    assert "idle" not in oms.worlds


def test_replaced_or_deleted_world_is_closed(oms: Emulator) -> None:
    """Its background tasks end."""
    first = oms.in_world("x").world
    oms.worlds.create("x")
    second = oms.worlds.get("x")
    oms.worlds.reset("x")
    third = oms.worlds.get("x")
    oms.worlds.delete("x")
    assert [world.is_closed for world in (first, second, third)] == [True, True, True]
    assert not oms.world.is_closed


def test_mounted_world_is_shared_by_both_servers() -> None:
    """A reset on one side applies to both."""
    here, there = Emulator("demo", packages=2), Emulator("empty")
    there.worlds.mount("guest", here.worlds.slot("default"))
    there.in_world("guest").package()
    assert len(here.world.steps) == 1
    here.reset()
    assert len(there.in_world("guest").world.steps) == 0
    assert send_json(there, "GET", f"/w/guest{LIST}", **FULL).json["count"] == 2


def test_bundled_scenarios_are_listed(oms: Emulator) -> None:
    assert [row["name"] for row in send_json(oms, "GET", "/__admin/scenarios").json["results"]] == list(
        bundled_scenarios()
    )


def test_every_new_world_has_the_services_of_the_server(oms: Emulator) -> None:
    """Created, branched and reset worlds use the services of the server."""
    connected: list[str] = []

    def tasks(world: World) -> list[Scheduled]:
        connected.append(world.name)
        return []

    worlds = WorldRegistry(
        bundled_scenarios()["empty"], "frozen", services=WorldServices(record_events, traffic=tasks)
    )
    worlds.create("put")
    worlds.branch("branched", worlds.get("put"))
    worlds.reset("put")
    assert connected == ["default", "put", "branched", "put"]
    assert Emulator("empty", journal_size=7).in_world("x").world.journal.limit == 7
