"""`paths` of the emulated API: the operations of the route table with their parameters and responses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from emulator.api.filters import FILTER_SETS
from emulator.api.filters.filter_set import Filter
from emulator.api.openapi.components import examples_of, schema_reference
from emulator.api.routes import Route
from emulator.core import errors
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import load_schema

JSON = "application/json"
OTHER_MEDIA: Mapping[str, str] = {"preview_shipping_label": "text/html", "product_image": "image/svg+xml"}
"""Operation -> the media type of a response that is not JSON."""
SECOND_OPERATION_IDS: Mapping[tuple[str, str], str] = {("login", "/api/i1/auth/login/"): "login_i1"}
"""Operation and its second path -> the id of the second path. An id must be unique in a document."""

PLACEHOLDER = re.compile(r"<(\.\.\.)?(\w+)>")
REST_OF_PATH = "path"
"""The name of a `<...rest>` parameter."""

TABLES = load_fixture("openapi")
PATH_PARAMETERS: Mapping[str, JsonObject] = TABLES["path_parameters"]
"""Name of a parameter in a path -> its description and schema."""
SHARED_PARAMETERS: Mapping[str, JsonObject] = TABLES["parameters"]
"""`components.parameters`."""
RESPONSE_HEADERS: Mapping[str, JsonObject] = TABLES["headers"]
"""`components.headers`."""
HTML_PAGE: Mapping[str, JsonObject] = {"text/html": {"schema": {"type": "string"}}}
COMMON_HEADERS = ("Allow", "X-Emulator-Request-Id", "X-Emulator-Hint", "X-Emulator-Provenance")


class SharedResponse(NamedTuple):
    """An error response that operations share."""

    status: int
    description: str
    examples: Sequence[Sequence[JsonValue]] = ()
    """The class of an error, and its arguments."""
    headers: Sequence[str] = ()
    is_page: bool = False
    """Whether the framework also answers with an HTML page, as it does where no view is called."""


SHARED_RESPONSES = {name: SharedResponse(**row) for name, row in TABLES["responses"].items()}
"""`components.responses`, by name."""

ERROR_EXAMPLES: Mapping[str, JsonObject] = {
    "command-error": {
        "error": {"transition": ["Transition 166 is not allowed in the current state."]},
        "status_code": 400,
    },
    "field-errors": {"remote_id": ["This field is required."]},
    "webhook-refusal": errors.WebhookAlreadyRegistered().body,
    "hook-retry-refused": errors.EventStillInProgress().body,
    "error": errors.ParseError("JSON parse error - Expecting value: line 1 column 1 (char 0)").body,
}
"""Schema of a 400 -> an example."""

BODY_EXAMPLES: Mapping[str, JsonObject] = TABLES["body_examples"]
"""Request schema, or the state graph of a command -> a body that the emulator accepts in the scenario `demo`.

Swagger UI offers the first example. The vendor's samples name transitions that the state of a package may not allow.
"""
EXAMPLE_NAME, EXAMPLE_SUMMARY = "accepted", "A body that is accepted in the scenario `demo`"


def paths_of(routes: Iterable[Route]) -> JsonObject:
    """Return the paths with their operations, in the order of the route tables."""
    paths: JsonObject = {}
    for route in routes:
        paths.setdefault(openapi_path(route), {})[route.method.lower()] = route_operation(route)
    return paths


def route_operation(route: Route) -> JsonObject:
    return {
        "operationId": SECOND_OPERATION_IDS.get((route.operation, route.path), route.operation),
        "tags": [route.page],
        "summary": summary(route),
        "description": f"Source: {route.doc}.",
        "security": [{route.auth_scheme: []}] if route.auth_scheme else [],
        **optional_entry("parameters", parameters_of(route)),
        **optional_entry("requestBody", request_body(route)),
        "responses": responses_of(route),
    }


def summary(route: Route) -> str:
    """Return the title on the page, or the name of the operation if there is none."""
    text = route.title or route.operation.replace("_", " ")
    return text[:1].upper() + text[1:]


def request_body(route: Route) -> JsonObject:
    if route.request_schema is None:
        return {}
    schema = load_schema(route.request_schema)
    media = request_media(route.request_schema, route.state_graph or route.request_schema)
    media["examples"] |= examples_of(route, None)
    return {"required": bool(schema.get("required") or schema.get("anyOf")), "content": {JSON: media}}


def request_media(schema: str, example: str) -> JsonObject:
    """Return the media type of a request body, with an example that is accepted."""
    value = {"summary": EXAMPLE_SUMMARY, "value": BODY_EXAMPLES[example]}
    return {"schema": schema_reference(schema), "examples": {EXAMPLE_NAME: value}}


def openapi_path(route: Route) -> str:
    """Return the path in OpenAPI's notation."""
    return PLACEHOLDER.sub(lambda match: f"{{{REST_OF_PATH if match[1] else match[2]}}}", route.path)


def path_parameters(path: str) -> list[JsonObject]:
    """Return the parameters of a path."""
    return [
        {"name": name, "in": "path", "required": True} | PATH_PARAMETERS[name]
        for name in re.findall(r"{(\w+)}", path)
    ]


def parameters_of(route: Route) -> list[JsonObject]:
    """Return all parameters of an operation."""
    filters = FILTER_SETS[route.filter_set].filters if route.filter_set else ()
    paging = ("page", route.size_parameter) if route.is_paginated else ()
    common = ("format", "language") if route.is_negotiated and route.method == "GET" else ()
    shared = (*paging, *(("sort",) if route.filter_set else ()), *common)
    return [
        *path_parameters(openapi_path(route)),
        *({"$ref": f"#/components/parameters/{name}"} for name in shared),
        *map(filter_parameter, filters),
    ]


def filter_parameter(filter_: Filter) -> JsonObject:
    """Return the parameter of a filter."""
    doc = f"{filter_.doc} " if filter_.doc else ""
    aliases = f" Aliases: {', '.join(filter_.aliases)}." if filter_.aliases else ""
    parameter = {
        "name": filter_.name,
        "in": "query",
        "description": f"{doc}({filter_.lookup}; its name is {filter_.provenance}).{aliases}",
        "schema": TABLES["filter_values"][filter_.value_type],
    }
    return parameter | ({"style": "form", "explode": False} if filter_.value_type.endswith("_list") else {})


def shared_response_names(route: Route) -> list[str]:
    """Return the names of the shared responses of an operation."""
    excluded = {
        "Forbidden": route.auth_scheme is None,
        "TooManyRequests": route.auth_scheme is None,
        "BadRequest": route.request_schema is not None or 400 in route.responses,
        "NotFound": not route.is_negotiated and 404 not in route.responses and "<" not in route.path,
        "NotAcceptable": not route.is_negotiated,
        "UnsupportedMediaType": route.request_schema is None,
    }
    return [name for name in SHARED_RESPONSES if not excluded.get(name, False)]


def responses_of(route: Route) -> JsonObject:
    """Return every response of an operation, by status."""
    own = {status: route_response(route, status) for status in route.responses}
    if route.request_schema is not None:
        own[400] = route_response(route, 400)
    shared = {
        SHARED_RESPONSES[name].status: {"$ref": f"#/components/responses/{name}"}
        for name in shared_response_names(route)
    }
    special = {status: own[status] for status in route.responses if route.responses[status] not in {None, "error"}}
    return {str(status): response for status, response in sorted((own | shared | special).items())}


def route_response(route: Route, status: int) -> JsonObject:
    """Return a response of the route's filter_."""
    response: JsonObject = {"description": HTTPStatus(status).phrase, "headers": header_references()}
    schema = route.responses.get(status)
    if status in {400, 406}:
        may_be_unreadable = status == 406 or route.request_schema is not None
        page = HTML_PAGE if status == 400 else {}
        return response | {"content": {JSON: error_media(schema, may_be_unreadable=may_be_unreadable), **page}}
    if schema is not None:
        examples = examples_of(route, status)
        return response | {
            "content": {JSON: {"schema": schema_reference(schema)} | optional_entry("examples", examples)}
        }
    if status == 204:
        return response
    return response | {"content": {OTHER_MEDIA.get(route.operation, "text/html"): {"schema": {"type": "string"}}}}


def error_media(schema: str | None, *, may_be_unreadable: bool) -> JsonObject:
    """Return the media type of a 400 or 406. A request that cannot be read has the framework's error."""
    names = [name for name in (schema, "error" if may_be_unreadable else None) if name is not None]
    references = list(map(schema_reference, names))
    body = {"anyOf": references} if len(references) > 1 else references[0]
    return {"schema": body} | optional_entry("examples", {name: {"value": ERROR_EXAMPLES[name]} for name in names})


def header_references(*more: str) -> JsonObject:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*COMMON_HEADERS, *more)}


def optional_entry(key: str, value: JsonValue) -> JsonObject:
    """Return an entry, or nothing if the value is empty."""
    return {key: value} if value else {}


def response_component(response: SharedResponse) -> JsonObject:
    """Return a response that operations share."""
    examples = {name: {"value": getattr(errors, name)(*arguments).body} for name, *arguments in response.examples}
    document = {JSON: {"schema": schema_reference("error"), "examples": examples}} if examples else {}
    return {
        "description": response.description,
        "headers": header_references(*response.headers),
        "content": {**document, **(HTML_PAGE if response.is_page else {})},
    }
