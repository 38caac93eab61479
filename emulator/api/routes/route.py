"""The row of a route table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Literal

from emulator.core.call import Call, Reply
from emulator.state.world import World

ViewFunction = Callable[[Call, World], Reply]
AuthScheme = Literal["Token", "Bearer"]
PAGE_SCHEMA_PREFIX = "page-of-"
"""Part of the name of every schema of a page."""


@dataclass(frozen=True)
class Route:
    """One operation: its name, method and path, handler, schemas, and the page that documents it."""

    operation: str
    endpoint: str
    """Method and path as the page prints them: `GET packages/<pk>/`. `<name>` is an integer, `<...name>` is the rest
    of the path with its slashes."""
    view: ViewFunction
    _: KW_ONLY
    responses: Mapping[int, str | None]
    """Status -> schema of the body; None if there is no body or if it is not JSON."""
    prefix: str = ""
    """Start of the path, without a slash at the end."""
    request_schema: str | None = None
    """Schema of the request's body."""
    auth_scheme: AuthScheme | None = "Token"
    """Authentication scheme; None: no credentials are required."""
    doc: str = ""
    is_negotiated: bool = True
    """Whether the response is JSON and depends on `Accept`; that of images and labels is not."""
    size_parameter: str = "limit"
    """Name of the query parameter for the page size."""
    varies_by_user: bool = False
    """Whether the response depends on the user."""
    filter_set: str | None = None
    """Name of the list's filters in `rules.filters.FILTER_SETS`."""

    @cached_property
    def method(self) -> str:
        return self.endpoint.partition(" ")[0]

    @cached_property
    def path(self) -> str:
        """The whole path from the root."""
        return f"{self.prefix}/{self.endpoint.partition(' ')[2]}"

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names of the integers in the path."""
        return tuple(
            part[1:-1] for part in self.path.split("/") if part.startswith("<") and not part.startswith("<...")
        )

    @property
    def state_graph(self) -> str | None:
        """The state graph (`rules.graph.KINDS`) whose transitions the operation runs; None if it runs none."""
        if self.request_schema != "command":
            return None
        return "transfers" if "/transfer_orders/" in self.path else "packages"

    @property
    def is_paginated(self) -> bool:
        return PAGE_SCHEMA_PREFIX in (self.responses.get(200) or "")
