"""What an attempt to deliver an event came to, and who makes attempts: the seam between rules and delivery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from emulator.core.world import World

NETWORK_ERROR = 500
"""The status that is recorded where no answer came."""
NOT_SENT = "not sent: "
"""How the reason begins where an address may not be called: no use to try again. No answer is recorded so."""


class Outcome(NamedTuple):
    """One attempt: what came back, or why nothing did."""

    status: int
    content: str
    """As an event keeps it: the text of Python's bytes, `b'200 OK'`, or that of an exception."""
    took: float
    """Seconds."""
    text: str = ""
    """The answer's body as text; for an exception its text again."""
    started: datetime | None = None
    """When the attempt began, by the world's clock; None: when it is recorded."""

    @property
    def is_ok(self) -> bool:
        """Whether the sender takes it for good: a redirect, too, although that is no delivery."""
        return self.status < 400


def answered(status: int, body: bytes, text: str, took: float, started: datetime | None = None) -> Outcome:
    """Give the outcome of an attempt that got an answer."""
    return Outcome(status, str(body), took, text, started)


def unanswered(reason: str, took: float, started: datetime | None = None, status: int = NETWORK_ERROR) -> Outcome:
    """Give the outcome of an attempt that got none: no connection, no answer in time, or a refusal to call there."""
    return Outcome(status, reason, took, reason, started)


Deliver = Callable[["World", int], Outcome]
"""Sends an event, by its id, once and now; takes no transaction, records nothing and raises nothing."""

NOBODY = "nothing is sent from this world"


def send_nothing(world: World, event_id: int) -> Outcome:  # noqa: ARG001 - the seam's signature
    """Stand for the sender of a world that has none: the attempt fails as one without a network does."""
    return unanswered(NOBODY, 0.0)
