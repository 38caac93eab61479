"""The response of a hook, or the reason why there is none."""

from __future__ import annotations

from typing import NamedTuple

from emulator.core.delivery_result import NETWORK_ERROR

TIMEOUT = 10
"""Seconds for a connection, and for each read. The vendor's sender uses the same value."""
LONGEST = 30.0
"""Maximum seconds for a complete response (assumed: the vendor's sender has no such limit)."""


class Answer(NamedTuple):
    """A response."""

    status: int
    body: bytes
    text: str


class NoAnswer(Exception):
    """There was no response. `recorded` is the status and the text that the vendor's sender records."""

    def __init__(self, why: str, status: int = NETWORK_ERROR, content: str | None = None) -> None:
        super().__init__(why)
        self.recorded = status, why if content is None else content


class Refused(NoAnswer):
    """The host may not be called."""
