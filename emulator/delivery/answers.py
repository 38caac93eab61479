"""What comes back from a hook, or why nothing does."""

from __future__ import annotations

from typing import NamedTuple

TIMEOUT = 10.0
"""Seconds for a connection, and for each wait for bytes: the sender's own setting."""
LONGEST = 30.0
"""Seconds after which an answer that still drips in is given up (assumed: the sender would wait for ever)."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    text: str


class NoAnswer(Exception):
    """Nothing came back; the text is what the sender records."""


class Refused(NoAnswer):
    """An address that is not called, and why."""
