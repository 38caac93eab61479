"""The parameters of operations: those of paths from the paths, those of queries from tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.routes import Route
from emulator.rules.filters import FILTER_SETS
from emulator.rules.filters.filter_set import Filter

Json = dict[str, Any]

IN_PATH = re.compile(r"<(\.\.\.)?(\w+)>")
REST = "path"
"""What `<...rest>` is called."""

PATH: Mapping[str, tuple[Json, str]] = {
    "pk": ({"type": "integer", "minimum": 0}, "Id of the record."),
    "log_id": ({"type": "integer", "minimum": 0}, "Id of the transition log."),
    "webhook_event_id": ({"type": "integer", "minimum": 0}, "Id of the webhook event."),
    "name": ({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"}, "Name of the world or snapshot."),
    "request_id": ({"type": "string"}, "Id of the request."),
    "id": ({"type": "integer", "minimum": 0}, "Id of the record."),
    "location_id": ({"type": "integer", "minimum": 0}, "Id of the stock location."),
    "sku": ({"type": "string"}, "Stock keeping unit of the product."),
    REST: ({"type": "string"}, "What follows, slashes included."),
}


def query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


PAGE = query(
    "page",
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "const": "last"}], "default": 1},
    "Which page; `last` names the last one. A page beyond it is a 404.",
)
LIMIT = query(
    "limit",
    {"type": "integer"},
    "How many a page has. What is no number above 0 gives the usual page; more than 100 gives 100 (assumed).",
)
PAGE_SIZE = LIMIT | {"name": "page_size", "description": "How many a page has, as this list alone calls it."}
SORTED = query("sort", {"type": "string"}, "Columns to sort by, with commas between and `-` before a falling one.")
FORMAT = query("format", {"type": "string", "enum": ["json"]}, "The form of the answer; any other one is a 404.")
LANGUAGE: Json = {
    "name": "Accept-Language",
    "in": "header",
    "description": "The language of states' names, where the installation has it (assumed).",
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
"""Type of a filter's value -> its schema; lists are written with commas between."""


def path_of(route: Route) -> str:
    """Give the path as OpenAPI writes it."""
    return IN_PATH.sub(lambda found: f"{{{REST if found[1] else found[2]}}}", route.path)


def in_path(path: str) -> list[Json]:
    """Give the parameters of a path."""
    return [
        {"name": name, "in": "path", "required": True, "description": PATH[name][1], "schema": PATH[name][0]}
        for name in re.findall(r"{(\w+)}", path)
    ]


def is_list(route: Route) -> bool:
    return "page-of-" in (route.replies.get(200) or "")


def parameters_of(route: Route) -> list[Json]:
    """Give all parameters of an operation."""
    filters = FILTER_SETS[route.filters].filters if route.filters else ()
    paging = ("page", route.size_parameter) if is_list(route) else ()
    usual = ("format", "language") if route.negotiates and route.method == "GET" else ()
    shared = (*paging, *(("sort",) if route.filters else ()), *usual)
    return [
        *in_path(path_of(route)),
        *({"$ref": f"#/components/parameters/{name}"} for name in shared),
        *map(of_filter, filters),
    ]


def of_filter(row: Filter) -> Json:
    """Give the parameter of a filter."""
    told = f"{row.doc} " if row.doc else ""
    aliases = f" Also called {', '.join(row.aliases)}." if row.aliases else ""
    described = query(row.name, VALUES[row.type], f"{told}({row.lookup}; its name is {row.provenance}).{aliases}")
    return described | ({"style": "form", "explode": False} if row.type.endswith("_list") else {})
