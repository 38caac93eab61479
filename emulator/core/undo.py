"""The undo stack of a world: the latest writes of requests, each with the background writes that followed it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from emulator.core.store import Root

MAX_WRITES = 1_000
"""Maximum number of writes that can be undone."""


class UndoEntry(NamedTuple):
    """A write of a request, and the background writes that followed it."""

    before: Root
    """The records before the write. Unchanged records are shared, so they cost nothing."""
    previous_write_at: datetime | None
    """Time of the write before this one."""
    at: datetime
    request_id: str
    steps: int = 1
    """Number of these writes that are in the step log."""
    unrecorded_writes: int = 0
    """Number of these writes that are not in the step log."""

    @property
    def writes(self) -> int:
        return self.steps + self.unrecorded_writes


class UndoStack:
    """The latest writes. Background writes belong to the entry of the request before them, or to none."""

    def __init__(self, entries: Iterable[UndoEntry] = ()) -> None:
        self._entries = deque(entries)
        self._writes = sum(entry.writes for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[UndoEntry]:
        return iter(tuple(self._entries))

    def push(self, entry: UndoEntry) -> None:
        """Add the write of a request, and drop the oldest entries above the limit."""
        self._entries.append(entry)
        self._count_write()

    def extend(self, *, is_recorded: bool) -> None:
        """Add a background write to the latest entry, so that both are undone together."""
        if self._entries:
            entry = self._entries[-1]
            self._entries[-1] = entry._replace(
                steps=entry.steps + is_recorded, unrecorded_writes=entry.unrecorded_writes + (not is_recorded)
            )
            self._count_write()

    def pop(self) -> UndoEntry:
        """Remove and return the latest entry. Raise `IndexError` if there is none."""
        entry = self._entries.pop()
        self._writes -= entry.writes
        return entry

    def _count_write(self) -> None:
        self._writes += 1
        while self._writes > MAX_WRITES:
            self._writes -= self._entries.popleft().writes
