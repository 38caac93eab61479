"""Routes of the emulated API: one row per operation and surface, in the order of the vendor's pages.

The rows are in `fixtures/routes.json`. Rows with the same page, prefix and authentication scheme are in one group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Literal

from emulator.api.views import documents, records, webhooks
from emulator.api.views.records import ViewFunction
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject
from emulator.core.records import KINDS

AuthScheme = Literal["Token", "Bearer"]
COMMAND_SCHEMAS = ("command", "reference-command")
PAGE_SCHEMA_PREFIX = "page-of-"
"""Part of the name of every schema of a page."""


@dataclass(frozen=True)
class Route:
    """One operation: its name, method, path and view, the schemas of its bodies, and the page that documents it."""

    operation: str
    method: str
    rule: str
    """Path as the page prints it: `packages/<pk>/`. `<name>` is an integer. `<...name>` is the rest of the path."""
    view: ViewFunction
    title: str = ""
    """Title on the page. If empty, the page has method and path instead."""
    _: KW_ONLY
    page: str
    """Page of the vendor's documentation."""
    responses: Mapping[int, str | None]
    """Status -> schema of the body; None if there is no body or if it is not JSON."""
    prefix: str = ""
    """Start of the path, without a slash at the end."""
    request_schema: str | None = None
    """Schema of the request's body."""
    auth_scheme: AuthScheme | None = "Token"
    """Authentication scheme; None: no credentials are required."""
    is_negotiated: bool = True
    """Whether the response is JSON and depends on `Accept`; that of images and labels is not."""
    size_parameter: str = "limit"
    """Name of the query parameter for the page size."""
    varies_by_user: bool = False
    """Whether the response depends on the user."""
    filter_set: str | None = None
    """Name of the list's filters in `FILTER_SETS`."""

    @cached_property
    def path(self) -> str:
        """The whole path from the root."""
        return f"{self.prefix}/{self.rule}"

    @property
    def documented_title(self) -> str:
        """The title on the page, or else method and path as the page prints them."""
        path = self.path.replace("<pk>", "<id>").replace("<", "{").replace(">", "}")
        return self.title or f"{self.method} {path}"

    @property
    def doc(self) -> str:
        return f"{self.page}, {self.documented_title}"

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names of the integers in the path."""
        return tuple(
            part[1:-1] for part in self.path.split("/") if part.startswith("<") and not part.startswith("<...")
        )

    @property
    def state_graph(self) -> str | None:
        """The state graph whose transitions the operation runs: `packages` or `transfers`; None if it runs none."""
        if self.request_schema not in COMMAND_SCHEMAS:
            return None
        return "transfers" if "/transfer_orders/" in self.path else "packages"

    @property
    def is_login(self) -> bool:
        return self.operation == "login"

    @property
    def is_paginated(self) -> bool:
        return PAGE_SCHEMA_PREFIX in (self.responses.get(200) or "")


VIEWS = vars(documents) | vars(records) | vars(webhooks)
"""The views and the functions that build views, by name."""


def build_view(view: str | JsonObject) -> ViewFunction:
    """Return the view with this name, or the view that a factory returns for these arguments."""
    if isinstance(view, str):
        named: ViewFunction = VIEWS[view]
        return named
    kinds = {name: KINDS[view[name]] for name in ("owner", "kind") if name in view}
    arguments = {name: value for name, value in view.items() if name != "factory"}
    built: ViewFunction = VIEWS[view["factory"]](**arguments | kinds)
    return built


def build_routes(table: str) -> tuple[Route, ...]:
    return tuple(build_route(group | row) for group in load_fixture("routes")[table] for row in group["routes"])


def build_route(row: JsonObject) -> Route:
    responses = {int(status): schema for status, schema in row["responses"].items()}
    columns = {name: value for name, value in row.items() if name != "routes"}
    return Route(**columns | {"view": build_view(row["view"]), "responses": responses})


GUIDE_ROUTES = build_routes("guide")
"""The page prints the path of `get_transfer_log` under `packages/`, which is an evident mistake."""
SERVICE_ROUTES = build_routes("services")
"""Smaller services of the same OMS. Each has its own page."""
REFERENCE_ROUTES = build_routes("reference")
HOOK_ROUTES = build_routes("hooks")
PUBLIC_ROUTES = build_routes("public")
ROUTES = (*GUIDE_ROUTES, *SERVICE_ROUTES, *REFERENCE_ROUTES, *HOOK_ROUTES, *PUBLIC_ROUTES)
ROUTES_BY_OPERATION = {route.operation: route for route in ROUTES}
