"""The journal of a world from Python: iterated, and asserted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from emulator.core.fields import ABSENT
from emulator.core.world import World
from emulator.routes import ROUTES
from emulator.verification.asked import RecordedRequest
from emulator.verification.wanted import ExpectedRequest, Parameters

NEAREST = 3
"""How many calls a failure shows."""
LINES_LIMIT = 12
"""How many differences of one call a failure shows."""


class Requests:
    """The exchanges of whatever world an emulator has now, newest first."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def __iter__(self) -> Iterator[RecordedRequest]:
        return map(RecordedRequest, self._world().journal.newest_first())

    def __len__(self) -> int:
        return len(self._world().journal)

    def __getitem__(self, index: int) -> RecordedRequest:
        return list(self)[index]

    def __repr__(self) -> str:
        return f"<{len(self)} requests in world {self._world().name}>"

    @property
    def last(self) -> RecordedRequest | None:
        """The latest exchange, or None."""
        return next(iter(self), None)

    def clear(self) -> None:
        """Forget all exchanges."""
        self._world().journal.clear()

    def assert_called(  # noqa: PLR0913 - one argument for each field, by keyword
        self,
        operation: str | None = None,
        *,
        json: Any = ABSENT,
        path: str | None = None,
        query: Parameters | None = None,
        token: str | None = None,
        status: int | None = None,
        times: int | None = None,
    ) -> None:
        """Raise an AssertionError unless such a call was made: at least once, or exactly so many `times`.

        What is given must be equal (`unittest.mock.ANY` is equal to anything): `json` the body, `path` the path
        without the world's prefix, `query` a text or all parameters (a value or a list of values each), `token` the
        role of the caller. The failure shows the nearest other calls, and what differed. `ValueError` for an
        operation that there is not.
        """
        wanted = ExpectedRequest(validated_operation(operation), json, path, query, token, status)
        met, others = self._split(wanted)
        if len(met) == times or (times is None and met):
            return
        lines = [f"expected {wanted} {format_times(times)}; it was called {format_times(len(met))}"]
        lines += map(format_request, met)
        if len(met) < (times or 1):
            lines += nearest_requests(wanted, others)
        raise AssertionError("\n".join(lines + self._bound()))

    def assert_not_called(  # noqa: PLR0913 - as above
        self,
        operation: str | None = None,
        *,
        json: Any = ABSENT,
        path: str | None = None,
        query: Parameters | None = None,
        token: str | None = None,
        status: int | None = None,
    ) -> None:
        """Raise an AssertionError that shows them if such calls were made; arguments as in `assert_called`."""
        wanted = ExpectedRequest(validated_operation(operation), json, path, query, token, status)
        met, _ = self._split(wanted)
        if met:
            head = f"expected no {wanted}; it was called {format_times(len(met))}"
            raise AssertionError("\n".join([head, *map(format_request, met)]))

    def _split(self, wanted: ExpectedRequest) -> tuple[list[RecordedRequest], list[RecordedRequest]]:
        """Give the calls that are as wanted, and all others."""
        met: list[RecordedRequest] = []
        others: list[RecordedRequest] = []
        for asked in self:
            (others if wanted.differences(asked) else met).append(asked)
        return met, others

    def _bound(self) -> list[str]:
        journal = self._world().journal
        if not journal.forgot:
            return []
        return [f"({journal.forgot} older calls are forgotten; the journal keeps the latest {len(journal)})"]


def nearest_requests(wanted: ExpectedRequest, others: list[RecordedRequest]) -> list[str]:
    """Give the calls that are least unlike what is wanted, each with what differs."""
    if not others:
        return ["nothing else was called"]
    lines = [f"nearest of {len(others)} other calls:"]
    for asked in sorted(others, key=wanted.distance)[:NEAREST]:
        found = wanted.differences(asked)
        more = [f"    ... and {len(found) - LINES_LIMIT} more"] if len(found) > LINES_LIMIT else []
        lines += [format_request(asked), *(f"    {each}" for each in found[:LINES_LIMIT]), *more]
    return lines


def validated_operation(operation: str | None) -> str | None:
    """Give an operation's name if there is such an operation; `ValueError` that names near ones if not."""
    names = [route.operation for route in ROUTES]
    if operation is None or operation in names:
        return operation
    near = get_close_matches(operation, names, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}?" if near else "`oms-emulator routes` lists them"
    raise ValueError(f"unknown operation {operation!r}; {meant}")


def format_times(times: int | None) -> str:
    return "at least once" if times is None else "once" if times == 1 else f"{times} times"


def format_request(asked: RecordedRequest) -> str:
    """Give a call in one line, and the hint that its answer had in another."""
    return f"  {asked}" + (f"\n    hint: {asked.hint}" if asked.hint else "")
