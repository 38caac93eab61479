"""The result of one attempt to deliver a webhook event."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

NETWORK_ERROR = 500
"""The recorded status of an attempt that got no response."""
NOT_SENT = "not sent: "
"""Prefix of the reason why a host may not be called. Such an attempt is not retried. No response starts like this."""


class DeliveryResult(NamedTuple):
    """One attempt: the response, or the reason why there is none."""

    status: int
    content: str
    """As the event record stores it: the `repr` of the response's bytes (`b'200 OK'`), or the error's text."""
    seconds: float
    """Duration of the attempt."""
    text: str = ""
    """The response body as text, or the error's text."""
    started: datetime | None = None
    """When the attempt began, by the world's clock. None: when it is recorded."""

    @property
    def is_ok(self) -> bool:
        """Whether the sender accepts the response. It accepts redirects, although nothing was delivered."""
        return self.status < 400


def answered(status: int, body: bytes, text: str, seconds: float, started: datetime | None = None) -> DeliveryResult:
    """Return the result of an attempt that got a response."""
    return DeliveryResult(status, str(body), seconds, text, started)


def unanswered(
    reason: str, seconds: float, started: datetime | None = None, status: int = NETWORK_ERROR
) -> DeliveryResult:
    """Return the result of an attempt that got no response: no connection, a timeout, or a refusal to call."""
    return DeliveryResult(status, reason, seconds, reason, started)
