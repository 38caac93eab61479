"""What can be undone: the latest calls' writes, each with what followed from it by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from emulator.core.store import Root

UNDOABLE = 1_000
"""How many of the latest writes can be undone."""


class Write(NamedTuple):
    """A call's write, and those that followed from it by themselves."""

    before: Root
    """The records as they were; those that nothing replaced since cost nothing."""
    before_at: datetime | None
    """When the write before it was."""
    at: datetime
    request_id: str
    steps: int
    """How many steps tell of them."""
    untold: int
    """How many of them no step tells of, since no call made them."""

    @property
    def writes(self) -> int:
        return self.steps + self.untold


class Undoable:
    """The latest writes. Those that no call made are kept with the call before: without one, none is kept."""

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        self._calls = deque(writes)
        self._writes = sum(call.writes for call in self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Write]:
        return iter(tuple(self._calls))

    def called(self, write: Write) -> None:
        """Take a call's write."""
        self._calls.append(write)
        self._count()

    def followed(self, *, is_step: bool) -> None:
        """Take a write that no call made: it goes back with the latest call's, so its own start is not kept."""
        if self._calls:
            call = self._calls[-1]
            self._calls[-1] = call._replace(steps=call.steps + is_step, untold=call.untold + (not is_step))
            self._count()

    def pop(self) -> Write:
        """Take the latest call's write away and give it; `IndexError` if there is none."""
        write = self._calls.pop()
        self._writes -= write.writes
        return write

    def clear(self) -> None:
        self._calls.clear()
        self._writes = 0

    def _count(self) -> None:
        self._writes += 1
        while self._writes > UNDOABLE:
            self._writes -= self._calls.popleft().writes
