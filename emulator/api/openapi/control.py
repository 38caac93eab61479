"""`paths` of the control API, from the table of its endpoints in `fixtures/control_api.json`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from emulator.api.openapi.components import schema_reference
from emulator.api.openapi.operations import JSON, PLACEHOLDER, path_parameters, request_media
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject

TABLES = load_fixture("control_api")
TAG: JsonObject = TABLES["tag"]
HTML, TEXT = "text/html", "text/plain"
BODY_SCHEMAS: Mapping[str, JsonObject] = TABLES["body_schemas"]
"""Media type -> schema of a body for which no schema is named. Other media types are strings."""


class Endpoint(NamedTuple):
    """One endpoint: operation id, method, path, summary, and the schemas of its bodies."""

    operation: str
    method: str
    path: str
    """Path below `/__admin/`, with `<name>` for parameters."""
    summary: str
    responses: Mapping[int, str | None]
    """Status -> schema of the body; None for no body, or for a body without a schema."""
    request_schema: str | None = None
    errors: tuple[int, ...] = ()
    """Statuses of error responses, besides those of `COMMON_ERRORS`."""
    media_type: str = JSON
    query: tuple[str, ...] = ()
    """Names of query parameters, in `QUERY_PARAMETERS`."""
    requires_body: bool = True

    @property
    def full_path(self) -> str:
        return f"/__admin/{self.path}"


COMMON_ERRORS = (400, 401, 403)
"""Any call may get them: for a body that it does not accept, and from the guard of the control API."""


def build_endpoint(row: JsonObject) -> Endpoint:
    columns = {
        "responses": {int(status): schema for status, schema in row["responses"].items()},
        "errors": tuple(row.get("errors", ())),
        "query": tuple(row.get("query", ())),
    }
    return Endpoint(**row | columns)


QUERY_PARAMETERS: Mapping[str, JsonObject] = TABLES["query_parameters"]
CONTROL_ENDPOINTS = tuple(map(build_endpoint, TABLES["endpoints"]))


def control_paths() -> JsonObject:
    """Return the path items of the control API."""
    paths: JsonObject = {}
    for row in CONTROL_ENDPOINTS:
        path = PLACEHOLDER.sub(r"{\2}", row.full_path)
        paths.setdefault(path, {})[row.method.lower()] = control_operation(row, path)
    return paths


def control_operation(row: Endpoint, path: str) -> JsonObject:
    parameters = path_parameters(path) + [QUERY_PARAMETERS[name] for name in row.query]
    operation: JsonObject = {
        "operationId": row.operation,
        "tags": [TAG["name"]],
        "summary": row.summary,
        "description": f"{row.summary}.",
        "security": [],
    }
    if parameters:
        operation["parameters"] = parameters
    if row.request_schema is not None:
        operation["requestBody"] = {
            "required": row.requires_body,
            "content": {JSON: request_media(row.request_schema, row.request_schema)},
        }
    schemas = dict(row.responses) | dict.fromkeys((*COMMON_ERRORS, *row.errors), "control-error")
    responses = {str(code): control_response(code, each, row.media_type) for code, each in sorted(schemas.items())}
    return operation | {"responses": responses}


def control_response(status: int, schema: str | None, media: str) -> JsonObject:
    response: JsonObject = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        return response | {"content": {JSON: {"schema": schema_reference(schema)}}}
    if status == 204:
        return response
    return response | {"content": {media: {"schema": BODY_SCHEMAS.get(media, {"type": "string"})}}}
