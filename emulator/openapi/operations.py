"""`paths` of the emulated API: one operation for each row of the route tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.core.schemas import schema
from emulator.openapi.components import reference
from emulator.openapi.parameters import parameters_of, path_of
from emulator.openapi.responses import JSON, named, responses_of
from emulator.openapi.samples import examples_of
from emulator.routes import Route

Json = dict[str, Any]

SECOND_PATHS: Mapping[tuple[str, str], str] = {("login", "/api/i1/auth/login/"): "login_i1"}
"""Operation and its second path -> the id there: an id stands once in a document, an operation may have two paths."""

TAGS: Mapping[str, str] = {
    "Package Services (guide)": "Packages, in the shapes of the guide.",
    "Package Services (reference)": "Packages, in the shapes of the reference.",
    "Transfer Order Services (guide)": "Transfer orders, in the shapes of the guide.",
    "Webhook Subscriptions": "Subscriptions to events, and the events that were sent for them.",
    "Getting started": "Login: a name and a password become a token.",
}
"""The pages, which are the tags of the operations that they describe."""


def paths_of(routes: Iterable[Route]) -> dict[str, Json]:
    """Give the paths with their operations, in the order of the tables."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(path_of(route), {})[route.method.lower()] = operation_of(route)
    return paths


def operation_of(route: Route) -> Json:
    page, _, title = route.doc.partition(", ")
    return {
        "operationId": operation_id(route),
        "tags": [page],
        "summary": summary_of(route, title),
        "description": f"Source: {page}, {title}.",
        "security": [{route.scheme: []}] if route.scheme else [],
        **named_list("parameters", parameters_of(route)),
        **request_body(route),
        "responses": responses_of(route),
    }


def summary_of(route: Route, title: str) -> str:
    """Give the page's own title, or the operation's name where the page has none but its path."""
    told = route.operation.replace("_", " ") if title.startswith(f"{route.method} ") else title
    return told[:1].upper() + told[1:]


def operation_id(route: Route) -> str:
    return SECOND_PATHS.get((route.operation, route.path), route.operation)


def named_list(key: str, value: list[Json]) -> Json:
    return {key: value} if value else {}


def request_body(route: Route) -> Json:
    if route.body is None:
        return {}
    media = {"schema": reference(route.body)} | named("examples", examples_of(route, None))
    required = bool(schema(route.body).get("required"))
    return {"requestBody": {"required": required, "content": {JSON: media}}}


def tags_of(routes: Iterable[Route]) -> list[Json]:
    """Give the tags in the order of the tables."""
    pages = dict.fromkeys(route.doc.partition(", ")[0] for route in routes)
    return [{"name": page, **named_text("description", TAGS.get(page))} for page in pages]


def named_text(key: str, value: str | None) -> Json:
    return {} if value is None else {key: value}
