"""The call that a handler receives and the reply that it returns, independent of HTTP libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from emulator.core.credentials import Credential
from emulator.core.json_text import JsonValue
from emulator.core.records import User

HTML = "text/html; charset=utf-8"
PAGE = """
<!doctype html>
<html lang="en">
<head>
  <title>{title}</title>
</head>
<body>
  <h1>{title}</h1><p>{details}</p>
</body>
</html>
"""
HTML_PAGES: Mapping[int, bytes] = {
    400: PAGE.format(title="Bad Request (400)", details="").encode(),
    404: PAGE.format(title="Not Found", details="The requested resource was not found on this server.").encode(),
    500: PAGE.format(title="Server Error (500)", details="").encode(),
}
"""Status -> Django's page for an error outside of Django REST framework's views."""

Query = Mapping[str, Sequence[str]]


class Call(NamedTuple):
    """An authorized request, as its handler receives it."""

    operation: str
    method: str
    path: Mapping[str, int]
    url: str
    """The absolute URL of a read as sent, with the query. Links between pages start from it."""
    query: Query
    language: str
    user: User | None
    request_id: str
    read_body: Callable[[], JsonValue]
    """Returns the parsed body. Like the framework, a handler reads it after it looked up the record."""
    list_query: Any = None
    """The filters and the order of a list request (`api.filters.filter_set.ListQuery`)."""
    caller: Credential | None = None
    is_from_foreign_page: bool = False
    """Whether a browser sent it for a page of another origin."""
    is_replayed: bool = False
    """Whether a recorded step makes the call, which an earlier version may have recorded."""

    def get_param(self, name: str) -> str | None:
        """Return the last value of a query parameter, as the framework does, or None."""
        values = self.query.get(name)
        return values[-1] if values else None


class ResponseFault(NamedTuple):
    """How a response is disturbed while it is sent. `web/fault_injection.py` carries it out."""

    delay: float = 0.0
    """Seconds before anything is sent."""
    silent: bool = False
    """Whether the connection ends without a response."""
    reset: bool = False
    """Whether the connection is reset instead of closed."""
    sent: int | None = None
    """Bytes of the body to send before the connection ends; None sends all and keeps the connection."""
    drip: float = 0.0
    """Seconds between the first and the last byte of the body."""
    pieces: int = 1
    """Number of pieces in which the body is sent."""


class Reply(NamedTuple):
    """Status, body and headers of a response. The dispatcher completes the links in the body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})
    content_type: str = "application/json"
    fault: ResponseFault | None = None
