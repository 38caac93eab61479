"""The parameters of operations: path parameters from the paths, query parameters from tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.routes import Route
from emulator.rules.filters import FILTER_SETS
from emulator.rules.filters.filter_set import Filter

Json = dict[str, Any]

PLACEHOLDER = re.compile(r"<(\.\.\.)?(\w+)>")
REST = "path"
"""The name of a `<...rest>` parameter."""

PATH_PARAMETERS: Mapping[str, tuple[Json, str]] = {
    "pk": ({"type": "integer", "minimum": 0}, "Id of the record."),
    "log_id": ({"type": "integer", "minimum": 0}, "Id of the transition log."),
    "webhook_event_id": ({"type": "integer", "minimum": 0}, "Id of the webhook event."),
    "name": ({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"}, "Name of the world or snapshot."),
    "request_id": ({"type": "string"}, "Id of the request."),
    "id": ({"type": "integer", "minimum": 0}, "Id of the record."),
    "location_id": ({"type": "integer", "minimum": 0}, "Id of the stock location."),
    "sku": ({"type": "string"}, "Stock keeping unit of the product."),
    REST: ({"type": "string"}, "The rest of the path, including slashes."),
}


def query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


PAGE = query(
    "page",
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "const": "last"}], "default": 1},
    "The page number, or `last`. A page beyond the last one is a 404.",
)
LIMIT = query(
    "limit",
    {"type": "integer"},
    "The number of rows of a page. An invalid value has no effect. The maximum is 100 (assumed).",
)
PAGE_SIZE = LIMIT | {
    "name": "page_size",
    "description": "The number of rows of a page, as this list names it.",
}
SORTED = query(
    "sort",
    {"type": "string"},
    "Columns to sort by, separated by commas. `-` sorts in descending order.",
)
FORMAT = query(
    "format", {"type": "string", "enum": ["json"]}, "The format of the response. Any other value is a 404."
)
LANGUAGE: Json = {
    "name": "Accept-Language",
    "in": "header",
    "description": "The language of the states' names, if the installation has it (assumed).",
    "schema": {"type": "string", "examples": ["en-us"]},
}

SHARED: Mapping[str, Json] = {
    "page": PAGE,
    "limit": LIMIT,
    "page_size": PAGE_SIZE,
    "sort": SORTED,
    "format": FORMAT,
    "language": LANGUAGE,
}
"""`components.parameters`."""

VALUES: Mapping[str, Json] = {
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "null_boolean": {"type": "boolean"},
    "char": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "choice": {"type": "integer"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "number_list": {"type": "array", "items": {"type": "number"}},
    "char_list": {"type": "array", "items": {"type": "string"}},
}
"""Type of a filter's value -> its schema. The items of lists are separated by commas."""


def openapi_path(route: Route) -> str:
    """Return the path in OpenAPI's notation."""
    return PLACEHOLDER.sub(lambda match: f"{{{REST if match[1] else match[2]}}}", route.path)


def path_parameters(path: str) -> list[Json]:
    """Return the parameters of a path."""
    return [
        {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
        for name in re.findall(r"{(\w+)}", path)
        for schema, description in [PATH_PARAMETERS[name]]
    ]


def parameters_of(route: Route) -> list[Json]:
    """Return all parameters of an operation."""
    filters = FILTER_SETS[route.filters].filters if route.filters else ()
    paging = ("page", route.size_parameter) if route.is_paginated else ()
    common = ("format", "language") if route.negotiates and route.method == "GET" else ()
    shared = (*paging, *(("sort",) if route.filters else ()), *common)
    return [
        *path_parameters(openapi_path(route)),
        *({"$ref": f"#/components/parameters/{name}"} for name in shared),
        *map(filter_parameter, filters),
    ]


def filter_parameter(row: Filter) -> Json:
    """Return the parameter of a filter."""
    doc = f"{row.doc} " if row.doc else ""
    aliases = f" Aliases: {', '.join(row.aliases)}." if row.aliases else ""
    parameter = query(row.name, VALUES[row.type], f"{doc}({row.lookup}; its name is {row.provenance}).{aliases}")
    return parameter | ({"style": "form", "explode": False} if row.type.endswith("_list") else {})
