"""A world: everything that changes, with one lock for writers and none for readers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.core.bases import Base
from emulator.core.sending import Deliver, send_nothing
from emulator.core.sources import Clock
from emulator.core.store import Root, Transaction

Announce = Callable[[Transaction], None]


@dataclass(frozen=True)
class Settings:
    """What a scenario says of a world beside its records."""

    scenario: str
    seed: int
    start: datetime
    installation: str = "default"
    """Name or path."""
    language: str = "en-us"
    base_url: str = "http://127.0.0.1:8080"
    error_style: str = "documented"
    """How validation errors look: `documented` wraps those of commands, `wrapped` all, `plain` none."""
    request: str | None = None
    """For `documented/...`: the path whose GET gives the sample."""


@dataclass
class World:
    """One scenario's records, clock and counters, apart from every other world's."""

    name: str
    settings: Settings
    base: Base
    clock: Clock
    announce: Announce
    """Turns the events that a transaction queued into records, just before the commit."""
    root: Root = field(init=False)
    calls: dict[str, list[datetime]] = field(default_factory=dict)
    """Throttled callers, by scheme and role -> when their latest calls were."""
    strict: bool = False
    """Whether a query parameter that nobody knows is refused."""
    kept: Any = None
    """The documents kept ready for this world's base (`shapes/reading.py`)."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    writing: bool = False
    """A transaction is open; only its thread, which has the lock, sees this."""
    deliver: Deliver = send_nothing
    """Makes one attempt to send an event; whoever delivers puts itself here."""

    def __post_init__(self) -> None:
        self.root = Root(self.base, {})

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give a transaction; it is kept when the block ends well, and leaves no trace when it raises.

        One within another of the same world is an error: the outer one would overwrite what it kept.
        """
        with self.lock:
            if self.writing:
                raise RuntimeError(f"world {self.name} is in a transaction of this thread already")
            self.writing = True
            try:
                transaction = Transaction(self.root, self.clock.next_write())
                yield transaction
                if transaction.events:
                    self.announce(transaction)
                self.root = transaction.root()
                self.clock.wrote(transaction.now)
            finally:
                self.writing = False
