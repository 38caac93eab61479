"""The types of webhook events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from emulator.core.files import load_fixture


class EventType(NamedTuple):
    """A type of event."""

    name: str
    subjects: Sequence[str]
    """Kinds of record whose document may be the payload."""
    when: str
    """A sentence that says when it is sent."""


EVENT_TYPES = tuple(EventType(**row) for row in load_fixture("event_types"))
