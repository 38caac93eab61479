"""What a row of a route table is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from emulator.core.exchange import Call, Reply
from emulator.core.world import World

Handler = Callable[[Call, World], Reply]
Scheme = Literal["Token", "Bearer"]
PAGE_OF = "page-of-"
"""What the names of pages' schemas contain."""


@dataclass(frozen=True)
class Route:
    """One operation: its name everywhere, where it is, who answers, in which shapes, and which page says so."""

    operation: str
    method: str
    path: str
    """From the root, with `<pk>`-like integers; `<...rest>` takes what follows, slashes included."""
    handler: Handler
    replies: Mapping[int, str | None]
    """Status -> schema of the body; None where there is none, or none that is JSON."""
    body: str | None = None
    """Schema of the request's body."""
    scheme: Scheme | None = "Token"
    """How a caller authenticates; None: needs no credentials."""
    doc: str = ""
    negotiates: bool = True
    """Whether it answers JSON and minds `Accept`; pictures and labels do not."""
    size_parameter: str = "limit"
    """What a list calls the size of its pages."""
    personal: bool = False
    """Whether the answer depends on who asks."""
    filters: str | None = None
    """Which of `rules.filters.FILTER_SETS` its list has."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the integers in its path."""
        return tuple(
            part[1:-1] for part in self.path.split("/") if part.startswith("<") and not part.startswith("<...")
        )

    @property
    def moves(self) -> str | None:
        """The graph (`rules.graph.KINDS`) along which it moves a record; None where it runs no command."""
        if self.body != "command":
            return None
        return "transfers" if "/transfer_orders/" in self.path else "packages"

    @property
    def pages(self) -> bool:
        """Whether it answers a page of a list."""
        return PAGE_OF in (self.replies.get(200) or "")


def route(  # noqa: PLR0913 - a row is made of these
    operation: str,
    method_and_path: str,
    handler: Handler,
    *,
    replies: Mapping[int, str | None],
    prefix: str = "",
    body: str | None = None,
    scheme: Scheme | None = "Token",
    doc: str = "",
    negotiates: bool = True,
    size_parameter: str = "limit",
    personal: bool = False,
    filters: str | None = None,
) -> Route:
    """Give a row; `method_and_path` reads like the page: `GET packages/<pk>/`."""
    method, _, path = method_and_path.partition(" ")
    return Route(
        operation,
        method,
        f"{prefix}/{path}",
        handler,
        replies,
        body,
        scheme,
        doc,
        negotiates,
        size_parameter,
        personal,
        filters,
    )
