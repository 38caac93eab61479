"""The OpenAPI document is valid and contains everything in the tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

import emulator
from emulator import Emulator
from emulator.api.filters import FILTER_SETS
from emulator.api.openapi import PARTS, TAG_DESCRIPTIONS, VERSIONS, openapi_document
from emulator.api.openapi.components import examples_of, samples
from emulator.api.openapi.control import CONTROL_ENDPOINTS, Endpoint
from emulator.api.openapi.operations import PLACEHOLDER, openapi_path
from emulator.api.routes import ROUTES, Route
from emulator.core.credentials import CREDENTIALS
from emulator.core.event_types import EVENT_TYPES
from emulator.domain.scenario_files import find_scenario
from emulator.web import create_emulator_app
from emulator.worlds.registry import WorldRegistry
from tests.api.openapi import reading

SOURCES = Path(emulator.__file__).parent
EVENT_NAME = re.compile(r'"((?:package|shipment|transfer|stock_location)\.(?:[a-z_]+\.)?[a-z_]+)"')
UNLISTED = {"/__admin/docs/", "/__admin/docs/redoc", "/__admin/docs/<>", "/__admin/ui", "/__admin/ui/<>"}
"""Files of the documentation pages."""


def ids(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_document_is_valid_openapi(version: str, part: str) -> None:
    document = json.loads(json.dumps(openapi_document(version=version, part=part)))
    validate(document)
    assert document["openapi"].startswith(version)


@pytest.mark.medium
def test_parts_divide_the_document(document: Any) -> None:
    oms, own = openapi_document(part="oms"), openapi_document(part="control")
    assert oms["paths"] | own["paths"] == document["paths"]
    assert not oms["paths"].keys() & own["paths"].keys()
    assert [tag["name"] for tag in own["tags"]] == ["control"]
    assert "control" not in {tag["name"] for tag in oms["tags"]}


@pytest.mark.medium
def test_webhooks_are_callbacks_in_openapi_30(document: Any) -> None:
    callbacks = openapi_document(version="3.0")["paths"]["/whisperer/hooks/"]["post"]["callbacks"]
    assert callbacks.keys() == document["webhooks"].keys()


@pytest.mark.medium
@pytest.mark.parametrize("version", VERSIONS)
def test_names_and_titles_are_unique_without_case_and_punctuation(version: str) -> None:
    """Generators make class names and file names of them."""
    schemas = openapi_document(version=version)["components"]["schemas"]
    for names in (list(schemas), [schema["title"] for schema in schemas.values()]):
        counted = Counter(re.sub(r"[\W_]", "", name).lower() for name in names)
        assert [name for name, count in counted.items() if count > 1] == []
    assert [name for name in schemas if not re.fullmatch(r"[a-z0-9-]+", name)] == []


def schema_parts(schema: Any) -> Iterator[Any]:
    """Yield a schema and all schemas inside it."""
    if isinstance(schema, list):
        for part in schema:
            yield from schema_parts(part)
    elif isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key not in ("enum", "default", "examples", "required"):
                yield from schema_parts(list(value.values()) if key == "properties" else value)


@pytest.mark.medium
def test_schemas_have_no_keyword_that_generators_misread(document: Any) -> None:
    for schema in schema_parts(list(document["components"]["schemas"].values())):
        types = [type_ for type_ in as_list(schema.get("type", [])) if type_ != "null"]
        assert not schema.keys() & {"const", "if", "then", "not"}
        assert len(types) < 2
        assert not ("object" in types and not schema.keys() & {"properties", "additionalProperties"})
        assert not ("enum" in schema and "type" not in schema)
        assert not ("pattern" in schema and schema.get("format") in ("date-time", "uuid"))
        for alternative in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
            assert alternative.keys() - {"required", "not", "maxProperties"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.medium
def test_values_have_their_format_and_their_enumeration(document: Any) -> None:
    schemas = document["components"]["schemas"]
    package, state = schemas["package"]["properties"], schemas["state"]["properties"]
    assert package["created_date"] | {"examples": []} == {"type": "string", "format": "date-time", "examples": []} | {
        "description": "A datetime in UTC."
    }
    assert {"100", "600", "in_transit"} <= set(state["enum_value"]["enum"])
    assert schemas["order-item"]["properties"]["price_currency"]["enum"] == ["eur", "try"]
    assert schemas["webhook"]["properties"]["config"]["type"] == "object"
    assert schemas["command"]["description"].endswith("Requires `transition` or `slug`.")
    assert schemas["clock-advance"]["properties"]["to_next_event"]["type"] == "boolean"


def test_page_of_an_invalid_id_is_described(document: Any) -> None:
    assert "text/html" in document["components"]["responses"]["NotFound"]["content"]


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_every_route_is_an_operation(route: Route, document: Any) -> None:
    """The operation has the statuses, the body and the scheme of its route."""
    operation = document["paths"][openapi_path(route)][route.method.lower()]
    assert operation["operationId"].startswith(route.operation)
    assert {str(status) for status in route.responses} <= operation["responses"].keys()
    assert operation["security"] == ([{route.auth_scheme: []}] if route.auth_scheme else [])
    assert ("requestBody" in operation) is (route.request_schema is not None)
    assert operation["summary"]
    assert route.doc in operation["description"]


def test_every_operation_is_a_route() -> None:
    routes = {(openapi_path(route), route.method.lower()) for route in ROUTES}
    control = {(path, method) for path, method, operation in reading.operations() if "control" in operation["tags"]}
    assert {(path, method) for path, method, _ in reading.operations()} == routes | control


def test_ids_are_unique() -> None:
    counted = Counter(operation["operationId"] for operation in reading.all_operations())
    assert counted.most_common(1)[0][1] == 1


def test_roles_are_the_credentials(document: Any) -> None:
    schema = document["components"]["schemas"]["token-wanted"]
    assert schema["properties"]["role"]["enum"] == list(CREDENTIALS)


def test_every_page_is_described() -> None:
    assert {route.page for route in ROUTES} == TAG_DESCRIPTIONS.keys()


def test_every_parameter_of_a_path_is_described(document: Any) -> None:
    for path, _, operation in reading.operations():
        parameters = [reading.resolve_reference(parameter) for parameter in operation.get("parameters", ())]
        assert [parameter["name"] for parameter in parameters if parameter["in"] == "path"] == re.findall(
            r"{(\w+)}", path
        )
        assert all(parameter["description"] and parameter["schema"] for parameter in parameters)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.filter_set], ids=ids)
def test_every_filter_is_a_parameter(route: Route, document: Any) -> None:
    operation = document["paths"][openapi_path(route)][route.method.lower()]
    names = [reading.resolve_reference(parameter)["name"] for parameter in operation["parameters"]]
    assert {filter_.name for filter_ in FILTER_SETS[str(route.filter_set)].filters} <= set(names)
    assert len(names) == len(set(names))


def test_every_sample_is_an_example() -> None:
    statuses = (None, 200, 201, 204)
    shown = {name for route in ROUTES for status in statuses for name in examples_of(route, status)}
    assert shown == samples().keys()


@pytest.mark.medium
def test_examples_are_valid(document: Any) -> None:
    """Each example matches the schema of its media type."""
    shown = 0
    for media in reading.media_types(document):
        for example in media.get("examples", {}).values():
            reading.compile_schema(media["schema"]).validate(reading.resolve_reference(example)["value"])
            shown += 1
    assert shown > len(samples())


def test_examples_have_no_url_placeholder(document: Any) -> None:
    assert "_url}" not in str(document["components"]["examples"])


def test_every_component_is_used(document: Any) -> None:
    used = set(re.findall(r"#/components/(\w+/[\w.-]+)", str(document)))
    components = {f"{kind}/{name}" for kind, entries in document["components"].items() for name in entries}
    assert components - used == {f"securitySchemes/{name}" for name in document["components"]["securitySchemes"]}


def test_every_event_type_is_a_webhook(document: Any) -> None:
    """The table has every type that the code queues, and the document has every type of the table."""
    code = "".join(path.read_text("utf-8") for folder in ("domain", "api") for path in python_files(folder))
    queued = {name for name in EVENT_NAME.findall(code) if name.split(".")[1] in ("created", "refused", "status")}
    assert queued
    assert queued <= {event.name for event in EVENT_TYPES} == document["webhooks"].keys()


def python_files(folder: str) -> list[Path]:
    return sorted((SOURCES / folder).rglob("*.py"))


@pytest.mark.medium
def test_control_api_is_described() -> None:
    """The document has exactly the endpoints of the application."""
    _, flask = create_emulator_app(WorldRegistry(find_scenario("empty"), "frozen"))
    rules = [rule for rule in flask.app.url_map.iter_rules() if rule.rule.startswith("/__admin")]
    calls = {
        (method, without_parameter_names(rule.rule))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(row.method, without_parameter_names(row.full_path)) for row in CONTROL_ENDPOINTS}
    assert {call for call in calls if call[1] not in UNLISTED} == described


def without_parameter_names(rule: str) -> str:
    return re.sub(r"<.*?>", "<>", rule)


def test_documented_payloads_match_their_webhooks(document: Any) -> None:
    bodies = [sample.body for sample in samples().values() if "webhook" in sample.title.lower().replace(" ", "")]
    events = [event for body in bodies for event in body.get("results", [body]) if "request_payload" in event]
    assert events
    for event in events:
        payload = event["request_payload"]
        hook = document["webhooks"][payload["event"]["type"]]["post"]
        reading.compile_schema(hook["requestBody"]["content"]["application/json"]["schema"]).validate(payload)


@pytest.mark.medium
@pytest.mark.parametrize(
    "row", [row for row in CONTROL_ENDPOINTS if row.request_schema], ids=lambda row: row.operation
)
def test_control_call_without_a_body_is_described(row: Endpoint, document: Any) -> None:
    """A call without a body is a 400 if and only if the document requires the body."""
    path = PLACEHOLDER.sub("1", row.full_path)
    operation = document["paths"][PLACEHOLDER.sub(r"{\2}", row.full_path)][row.method.lower()]
    answer = Emulator("empty").session().request(row.method, path)
    assert (answer.status_code == 400) is operation["requestBody"]["required"]
