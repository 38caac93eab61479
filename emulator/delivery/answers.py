"""The response to a webhook request, the errors in its place, and the time limits of a request."""

from __future__ import annotations

from typing import NamedTuple

from emulator.core.delivery_result import NETWORK_ERROR

TIMEOUT = 10
"""Seconds for connecting, and for each read. The vendor's sender uses the same value."""
LONGEST = 30.0
"""Seconds until a response that is still being received is abandoned (assumed: the sender has no such limit)."""


class WebhookResponse(NamedTuple):
    """The receiver's response."""

    status: int
    body: bytes
    text: str


class NoResponse(Exception):
    """The request got no response. `recorded` holds the status and the text that the sender records."""

    def __init__(self, reason: str, status: int = NETWORK_ERROR, content: str | None = None) -> None:
        super().__init__(reason)
        self.recorded = status, reason if content is None else content


class HostNotAllowed(NoResponse):
    """The host is neither this machine nor on the allowlist, so the request is not sent."""
