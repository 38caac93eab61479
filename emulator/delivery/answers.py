"""What comes back from a hook, or why nothing does."""

from __future__ import annotations

from typing import NamedTuple

from emulator.core.sending import NETWORK_ERROR

TIMEOUT = 10
"""Seconds for a connection, and for each wait for bytes: the sender's own setting."""
LONGEST = 30.0
"""Seconds after which an answer that still drips in is given up (assumed: the sender would wait for ever)."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    text: str


class NoAnswer(Exception):
    """Nothing came back, and why; `recorded` is the status and the text that the sender records."""

    def __init__(self, why: str, status: int = NETWORK_ERROR, content: str | None = None) -> None:
        super().__init__(why)
        self.recorded = status, why if content is None else content


class Refused(NoAnswer):
    """An address that is not called, and why."""
