"""A call and its reply as plain values: all that handlers know of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from emulator.core.credentials import Credential
from emulator.core.records import User

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request after it was let in: who asks, for which operation, about what, in which language."""

    operation: str
    method: str
    path: Mapping[str, int]
    url: str
    """Absolute and as sent, with the query: pages link to it."""
    query: Query
    language: str
    user: User | None
    request_id: str
    read_body: Callable[[], Any]
    """Parses the body; asked for after the record was found, as the framework does."""
    wanted: Any = None
    """What the query asks of a list with filters (`rules.filters.ListQuery`)."""
    caller: Credential | None = None
    """As whom the caller was let in."""

    def last(self, name: str) -> str | None:
        """Give the last value of a query parameter, as the framework reads it, or None."""
        values = self.query.get(name)
        return values[-1] if values else None


class Body:
    """A body that is parsed when it is asked for, and once."""

    def __init__(self, parse: Callable[[], Any]) -> None:
        self._parse = parse
        self.value: Any = None
        """What was parsed; None before."""

    def __call__(self) -> Any:
        if self.value is None:
            self.value = self._parse()
        return self.value


class Disturbance(NamedTuple):
    """What happens to an answer on its way out; carried out at the edge, where it is known how the answer travels."""

    delay: float = 0.0
    """Seconds before anything is sent."""
    silent: bool = False
    """Whether the connection ends without an answer."""
    reset: bool = False
    """Whether a connection that ends is reset, not closed."""
    sent: int | None = None
    """How many bytes of the body are sent before the connection ends; None: all, and it stays open."""
    drip: float = 0.0
    """Seconds that the body takes from its first byte to its last."""
    pieces: int = 1
    """In how many pieces the body comes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, ready text and headers; the text's links are completed at the edge."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    disturbance: Disturbance | None = None
