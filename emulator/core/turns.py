"""A thread that waits for something outside of Python lets another one work meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Turns(Protocol):
    """Says how many threads work at once; its threads put it at `OF_THREAD.turns`."""

    def rest(self) -> None:
        """Let another thread work, as this one waits."""

    def resume(self) -> None:
        """Work again."""


OF_THREAD = threading.local()


@contextmanager
def resting() -> Iterator[None]:
    """Wait within this for what other threads do: whoever hands out work reckons with it."""
    turns: Turns | None = getattr(OF_THREAD, "turns", None)
    if turns is None:
        yield
        return
    turns.rest()
    try:
        yield
    finally:
        turns.resume()
