"""Steps: the calls that changed a world, each with what it needs to be repeated exactly."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from emulator.core import jsontext
from emulator.core.fields import Form


class Step(NamedTuple):
    """One call that changes a world."""

    operation: str
    path: Mapping[str, int | str] = {}
    user: str | None = None
    """The name of the user on whose behalf it is."""
    language: str | None = None
    request_id: str | None = None
    """None for what nobody called for: what follows by itself from earlier calls."""
    body: Any = None
    """JSON, or a `Form`; None where nothing was sent or read."""
    at: datetime | None = None
    """The world's time of the write; None: whenever it is repeated."""

    def document(self) -> dict[str, Any]:
        """Give the step as scenario files have it: what says nothing is left out."""
        at = None if self.at is None else self.at.isoformat().replace("+00:00", "Z")
        found: dict[str, Any] = {"at": at, "operation": self.operation, "request": self.request_id}
        found = {key: value for key, value in found.items() if value is not None}
        found["as"] = self.user
        if self.language is not None:
            found["language"] = self.language
        if self.path:
            found["path"] = dict(self.path)
        if isinstance(self.body, Form):
            # Of a file that was sent, its name is all that any field reads.
            found["form"] = [[name, str(value)] for name in self.body for value in self.body.getlist(name)]
        elif self.body is not None:
            found["body"] = self.body
        return found

    @classmethod
    def of(cls, document: Mapping[str, Any], user: str | None = None) -> Step:
        """Give the step that a document (valid by its schema) describes; `user` is who calls where it does not say.

        Raises `ValueError` for a time that no calendar has.
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


class Doing(NamedTuple):
    """What a thread is at: the step that its next write is, whose body is known when it was read."""

    step: Step
    body: Callable[[], Any] | None = None

    def done(self, at: datetime) -> Step:
        """Give the step as it was done."""
        body = self.step.body if self.body is None else self.body()
        return self.step._replace(body=body, at=at)


def line_of(step: Step) -> bytes:
    """Give the step as one line of JSON."""
    return jsontext.written(step.document())


class StepLog:
    """Steps in order, as lines; older ones are kept compressed, and copies share them."""

    BLOCK = 256

    def __init__(self, blocks: tuple[bytes, ...] = (), tail: Iterable[bytes] = ()) -> None:
        self._blocks, self._tail = blocks, list(tail)

    def __len__(self) -> int:
        return len(self._blocks) * self.BLOCK + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            yield from unpacked(block)
        yield from tuple(self._tail)

    def append(self, line: bytes) -> None:
        self._tail.append(line)
        if len(self._tail) == 2 * self.BLOCK:
            self._blocks += (zlib.compress(b"\n".join(self._tail[: self.BLOCK]), 1),)
            del self._tail[: self.BLOCK]

    def pop(self) -> bytes:
        """Take the last step away and give it; `IndexError` if there is none."""
        if not self._tail and self._blocks:
            self._tail = unpacked(self._blocks[-1])
            self._blocks = self._blocks[:-1]
        return self._tail.pop()

    def copy(self) -> StepLog:
        return StepLog(self._blocks, self._tail)


def unpacked(block: bytes) -> list[bytes]:
    return zlib.decompress(block).split(b"\n")
