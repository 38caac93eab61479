"""The OpenAPI document says all that the tables say, once, and in valid OpenAPI 3.1."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

import emulator
from emulator.api.filters import FILTER_SETS
from emulator.api.openapi.components import examples_of, samples
from emulator.api.openapi.control import CONTROL_ENDPOINTS
from emulator.api.openapi.document import TAG_DESCRIPTIONS
from emulator.api.openapi.responses import openapi_path
from emulator.api.routes import ROUTES, Route
from emulator.core.credentials import CREDENTIALS
from emulator.core.event_types import EVENT_TYPES
from emulator.domain.scenario_files import find_scenario
from emulator.web import as_flask, create_emulator_app
from emulator.worlds.registry import WorldRegistry
from tests.openapi import reading

SOURCES = Path(emulator.__file__).parent
EVENT_NAME = re.compile(r'"((?:package|shipment|transfer|stock_location)\.(?:[a-z_]+\.)?[a-z_]+)"')
UNLISTED = {"/__admin/docs/", "/__admin/docs/start.js", "/__admin/docs/<>", "/__admin/ui", "/__admin/ui/<>"}
"""What the page of the document is made of."""


def ids(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.slow
def test_it_is_valid(document: Any) -> None:
    """The specification's own schema and its rules of reference hold."""
    validate(document)


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_every_row_is_an_operation(route: Route, document: Any) -> None:
    """Each row is found at its path and method, with its statuses, its body and its scheme."""
    operation = document["paths"][openapi_path(route)][route.method.lower()]
    assert operation["operationId"].startswith(route.operation)
    assert {str(status) for status in route.responses} <= operation["responses"].keys()
    assert operation["security"] == ([{route.auth_scheme: []}] if route.auth_scheme else [])
    assert ("requestBody" in operation) is (route.request_schema is not None)
    assert operation["summary"]
    assert route.doc in operation["description"]


def test_no_operation_is_made_up(document: Any) -> None:
    """What is described is a row of a table."""
    rows = {(openapi_path(route), route.method.lower()) for route in ROUTES}
    control = {(path, method) for path, method, operation in reading.operations() if "control" in operation["tags"]}
    assert {(path, method) for path, method, _ in reading.operations()} == rows | control


def test_ids_are_unique() -> None:
    """No two operations, webhooks included, share an id."""
    counted = Counter(operation["operationId"] for operation in reading.all_operations())
    assert counted.most_common(1)[0][1] == 1


def test_roles_are_those_that_exist(document: Any) -> None:
    """A credential can be had for each of them."""
    schema = document["components"]["schemas"]["token-wanted"]
    assert schema["properties"]["role"]["enum"] == list(CREDENTIALS)


def test_every_page_is_described() -> None:
    """Each tag says what is under it."""
    assert {route.doc.partition(", ")[0] for route in ROUTES} == TAG_DESCRIPTIONS.keys()


def test_every_parameter_of_a_path_is_described(document: Any) -> None:
    """What varies in a path is a required parameter."""
    for path, _, operation in reading.operations():
        given = [reading.resolved(parameter) for parameter in operation.get("parameters", ())]
        assert [each["name"] for each in given if each["in"] == "path"] == re.findall(r"{(\w+)}", path)
        assert all(each["description"] and each["schema"] for each in given)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.filter_set], ids=ids)
def test_every_filter_is_a_parameter(route: Route, document: Any) -> None:
    """What narrows a list is described, each name once."""
    operation = document["paths"][openapi_path(route)][route.method.lower()]
    names = [reading.resolved(each)["name"] for each in operation["parameters"]]
    assert {each.name for each in FILTER_SETS[str(route.filter_set)].filters} <= set(names)
    assert len(names) == len(set(names))


def test_every_sample_is_an_example() -> None:
    """Each documented sample stands at an operation."""
    statuses = (None, 200, 201, 204)
    shown = {name for route in ROUTES for status in statuses for name in examples_of(route, status)}
    assert shown == samples().keys()


def test_examples_are_valid(document: Any) -> None:
    """What is shown fits the schema beside it, placeholders and all."""
    shown = 0
    for media in reading.media_types(document):
        for example in media.get("examples", {}).values():
            reading.judge(media["schema"]).validate(reading.resolved(example)["value"])
            shown += 1
    assert shown > len(samples())


def test_no_placeholder_is_left(document: Any) -> None:
    """Links in examples are links."""
    assert "_url}" not in str(document["components"]["examples"])


def test_every_component_is_used(document: Any) -> None:
    """Nothing is described that no operation leads to."""
    used = set(re.findall(r"#/components/(\w+/[\w.-]+)", str(document)))
    kept = {f"{kind}/{name}" for kind, entries in document["components"].items() for name in entries}
    assert kept - used == {f"securitySchemes/{name}" for name in document["components"]["securitySchemes"]}


def test_every_event_that_is_sent_is_a_webhook(document: Any) -> None:
    """A type that the code queues is in the table, and the table is the document's."""
    code = "".join(path.read_text("utf-8") for folder in ("domain", "api") for path in rglob(folder))
    queued = {name for name in EVENT_NAME.findall(code) if name.split(".")[1] in ("created", "refused", "status")}
    assert queued
    assert queued <= {event.name for event in EVENT_TYPES} == document["webhooks"].keys()


def rglob(folder: str) -> list[Path]:
    return sorted((SOURCES / folder).rglob("*.py"))


def test_the_control_api_is_described() -> None:
    """Each call of the control API is a row, and each row is a call."""
    rules = as_flask(*create_emulator_app(WorldRegistry(find_scenario("empty"), "frozen"))).url_map.iter_rules()
    calls = {
        (method, unnamed(rule.rule)) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(row.method, unnamed(row.full_path)) for row in CONTROL_ENDPOINTS}
    assert {call for call in calls if call[1] not in UNLISTED} == described


def unnamed(rule: str) -> str:
    return re.sub(r"<.*?>", "<>", rule)


def test_stored_payloads_are_what_webhooks_are_sent(document: Any) -> None:
    """The documented payloads fit the webhooks of their types."""
    bodies = [found.body for found in samples().values() if "webhook" in found.title.lower().replace(" ", "")]
    events = [each for body in bodies for each in body.get("results", [body]) if "request_payload" in each]
    assert events
    for event in events:
        payload = event["request_payload"]
        hook = document["webhooks"][payload["event"]["type"]]["post"]
        reading.judge(hook["requestBody"]["content"]["application/json"]["schema"]).validate(payload)
