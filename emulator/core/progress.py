"""Reports the progress of long loops to a listener, such as the progress bar of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")
Tracker = Callable[[Iterable[Any], int], Iterable[Any]]
"""Returns the same items, and reports each of them. The number is the expected length."""
_tracker: ContextVar[Tracker | None] = ContextVar("tracker", default=None)


def track(items: Iterable[Item], length: int) -> Iterable[Item]:
    """Return the items. If this context has a tracker, it reports each of them."""
    tracker = _tracker.get()
    return items if tracker is None else tracker(items, length)


@contextmanager
def tracking(tracker: Tracker) -> Iterator[None]:
    """Set the tracker of this context."""
    token = _tracker.set(tracker)
    try:
        yield
    finally:
        _tracker.reset(token)
