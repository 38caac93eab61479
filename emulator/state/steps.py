"""Steps: the recorded writes of a world, which can be replayed."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from emulator.core.fields import Form
from emulator.core.json_text import JsonObject, JsonValue, dump_json
from emulator.state.clock import format_time
from emulator.state.store import Snapshot, Transaction


class Step(NamedTuple):
    """One recorded write: a call, or a background write."""

    operation: str
    path: Mapping[str, int | str] = {}
    user: str | None = None
    """Name of the user on whose behalf the call was made."""
    language: str | None = None
    request_id: str | None = None
    """None for a background write, which no request made."""
    body: JsonValue = None
    """JSON, or a `Form`. None if nothing was sent or read."""
    at: datetime | None = None
    """The world's time of the write. None: the time of the replay."""

    def to_document(self) -> JsonObject:
        """Return the step as scenario files have it, without empty keys."""
        operation, path, user, language, request_id, body, at = self
        document: JsonObject = {}
        if at is not None:
            document["at"] = format_time(at) if at.tzinfo is UTC else at.isoformat().replace("+00:00", "Z")
        document["operation"] = operation
        if request_id is not None:
            document["request"] = request_id
        document["as"] = user
        if language is not None:
            document["language"] = language
        if path:
            document["path"] = dict(path)
        if type(body) is Form:
            # No field reads more of an uploaded file than its name.
            document["form"] = [[name, str(value)] for name in body for value in body.getlist(name)]
        elif body is not None:
            document["body"] = body
        return document

    def encode(self) -> bytes:
        """Return the step as one line of JSON."""
        return dump_json(self.to_document())

    def complete(self, at: datetime, read_body: ReadBody | None) -> Step:
        """Return the step of a write at this time. `read_body` returns the body if it was not known before."""
        operation, path, user, language, request_id, body, _ = self
        return Step(operation, path, user, language, request_id, read_body() if read_body else body, at)

    @classmethod
    def from_document(cls, document: Mapping[str, JsonValue], user: str | None = None) -> Step:
        """Parse a document that is valid by its schema. `user` is the default for a document without one.

        Raise `ValueError` for an invalid time.
        """
        at = document.get("at")
        form = document.get("form")
        return cls(
            operation=document["operation"],
            path=document.get("path", {}),
            user=document.get("as", user),
            language=document.get("language"),
            request_id=document.get("request"),
            body=document.get("body") if form is None else Form((name, value) for name, value in form),
            at=None if at is None else datetime.fromisoformat(at),
        )


CONSUMED = Step("(consumed)")
"""The pending step of a call whose write is recorded already."""
ReadBody = Callable[[], JsonValue]


class PendingSteps(threading.local):
    """The step that the next write of the current thread is recorded as. None: no call makes the write."""

    step: Step | None = None
    read_body: ReadBody | None = None
    """Returns the body at the time of the write, if it is not known before."""


class Recording:
    """The block in which the next write of a thread is recorded as a step."""

    __slots__ = ("_body", "_outer", "_step", "_thread")

    def __init__(self, thread: PendingSteps, step: Step, read_body: ReadBody | None) -> None:
        self._thread, self._step, self._body = thread, step, read_body

    def __enter__(self) -> None:
        thread = self._thread
        self._outer = thread.step, thread.read_body
        thread.step, thread.read_body = self._step, self._body

    def __exit__(self, *_: object) -> None:
        # A runtime without threads handles requests while another one waits.
        self._thread.step, self._thread.read_body = self._outer


class TransactionBlock:
    """The block of a transaction. It is a class, because a generator would cost each write twice as many calls."""

    __slots__ = ("_begin", "_end", "_transaction")

    def __init__(
        self, begin: Callable[[], Transaction], end: Callable[[Transaction, BaseException | None], None]
    ) -> None:
        self._begin, self._end = begin, end

    def __enter__(self) -> Transaction:
        self._transaction = self._begin()
        return self._transaction

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        self._end(self._transaction, error)


class StepLog:
    """Steps in order, as lines of JSON. Older lines are compressed, and copies share them."""

    BLOCK = 256

    def __init__(
        self, blocks: tuple[bytes, ...] = (), tail: Iterable[bytes] = (), unrecorded_writes: int = 0
    ) -> None:
        self._blocks, self._tail = blocks, list(tail)
        self.unrecorded_writes = unrecorded_writes
        """Number of writes that are not in the log, because no call made them."""

    @property
    def is_replayable(self) -> bool:
        """Whether the log has every write."""
        return self.unrecorded_writes == 0

    def __len__(self) -> int:
        return len(self._blocks) * self.BLOCK + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            yield from _decompress(block)
        yield from tuple(self._tail)

    def append(self, line: bytes) -> None:
        self._tail.append(line)
        if len(self._tail) == 2 * self.BLOCK:
            self._blocks += (zlib.compress(b"\n".join(self._tail[: self.BLOCK]), 1),)
            del self._tail[: self.BLOCK]

    def pop(self) -> bytes:
        """Remove and return the last step. Raise `IndexError` if there is none."""
        if not self._tail and self._blocks:
            self._tail = _decompress(self._blocks[-1])
            self._blocks = self._blocks[:-1]
        return self._tail.pop()

    def take_back(self, steps: int, unrecorded_writes: int) -> None:
        """Remove the latest writes."""
        for _ in range(steps):
            self.pop()
        self.unrecorded_writes -= unrecorded_writes

    def copy(self) -> StepLog:
        return StepLog(self._blocks, self._tail, self.unrecorded_writes)


def _decompress(block: bytes) -> list[bytes]:
    return zlib.decompress(block).split(b"\n")


def request_number(request_id: str | None) -> int:
    """Return the number in a request id, or 0 for an id that is not one of ours."""
    return int(request_id) if request_id is not None and request_id.isascii() and request_id.isdigit() else 0


MAX_UNDO_WRITES = 1_000
"""Maximum number of writes that can be undone."""


class UndoEntry(NamedTuple):
    """A write of a request, and the background writes that followed it."""

    before: Snapshot
    """The records before the write. Unchanged records are shared, so they cost nothing."""
    previous_write_at: datetime | None
    """Time of the write before this one."""
    at: datetime
    request_id: str
    steps: int = 1
    """Number of these writes that are in the step log."""
    unrecorded_writes: int = 0
    """Number of these writes that are not in the step log."""
    after: Snapshot | None = None
    """The records after the request's write, if background writes followed it."""

    @property
    def writes(self) -> int:
        return self.steps + self.unrecorded_writes


class UndoStack:
    """The latest writes. Background writes belong to the entry of the request before them, or to none."""

    def __init__(self, entries: Iterable[UndoEntry] = (), next_request: int = 1) -> None:
        self._entries = deque(entries)
        self._writes = sum(entry.writes for entry in self._entries)
        self.first_request = request_number(self._entries[0].request_id) if self._entries else next_request
        """Number of the first request since which every write is known."""
        self.start: Snapshot | None = None
        """The records before the background writes that no entry has."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[UndoEntry]:
        return iter(tuple(self._entries))

    def push(self, entry: UndoEntry) -> None:
        """Add the write of a request, and drop the oldest entries above the limit."""
        self._entries.append(entry)
        self._count_writes(entry.writes)

    def extend(self, *, is_recorded: bool, before: Snapshot | None = None) -> None:
        """Add a background write to the latest entry, so that both are undone together.

        `before` has the records before the write. None: the write is part of the latest one.
        """
        if self._entries:
            entry = self._entries[-1]
            self._entries[-1] = entry._replace(
                steps=entry.steps + is_recorded,
                unrecorded_writes=entry.unrecorded_writes + (not is_recorded),
                after=entry.after or before,
            )
            self._count_writes(1)
        else:
            self.start = self.start or before

    def pop(self) -> UndoEntry:
        """Remove and return the latest entry. Raise `IndexError` if there is none."""
        entry = self._entries.pop()
        self._writes -= entry.writes
        return entry

    def _count_writes(self, number: int) -> None:
        self._writes += number
        while self._writes > MAX_UNDO_WRITES:
            dropped = self._entries.popleft()
            self._writes -= dropped.writes
            self.first_request, self.start = request_number(dropped.request_id) + 1, None
