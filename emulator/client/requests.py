"""The journal of a world from Python: iterated, and asserted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import orjson

from emulator.api.control.journal import exchange_document, mask_json, mask_text
from emulator.api.routes import ROUTES
from emulator.core.fields import MISSING, Missing
from emulator.state.journal import Exchange
from emulator.state.world import World

MAX_NEAREST = 3
"""How many calls a failure shows."""
MAX_DIFFERENCES = 12
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
        json: Any = MISSING,
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
        json: Any = MISSING,
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
        if not journal.evicted_count:
            return []
        return [f"({journal.evicted_count} older calls are forgotten; the journal keeps the latest {len(journal)})"]


def nearest_requests(wanted: ExpectedRequest, others: list[RecordedRequest]) -> list[str]:
    """Give the calls that are least unlike what is wanted, each with what differs."""
    if not others:
        return ["nothing else was called"]
    lines = [f"nearest of {len(others)} other calls:"]
    for asked in sorted(others, key=wanted.distance)[:MAX_NEAREST]:
        found = wanted.differences(asked)
        more = [f"    ... and {len(found) - MAX_DIFFERENCES} more"] if len(found) > MAX_DIFFERENCES else []
        lines += [format_request(asked), *(f"    {each}" for each in found[:MAX_DIFFERENCES]), *more]
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


FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Message:
    """What was sent one way. Secrets are masked, as in the control API."""

    headers: Mapping[str, str]
    body: Any
    """JSON, or text; None where there was nothing."""


class RecordedRequest:
    """A request and its answer; the names are those of `GET /__admin/requests`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.id: str = exchange.id
        self.at: datetime = exchange.at
        self.operation: str | None = exchange.info.operation
        self.method: str = exchange.method
        self.path: str = exchange.path
        self.query: str = exchange.query
        self.status: int = exchange.status
        self.token: str | None = exchange.info.role
        self.fault: str | None = exchange.info.fault

    def __str__(self) -> str:
        query = f"?{mask_text(self.query)}" if self.query else ""
        fault = f" (fault: {self.fault})" if self.fault else ""
        return f"{self.id} {self.method} {self.path}{query} -> {self.status}{fault}"

    def __repr__(self) -> str:
        return f"<{self}>"

    @property
    def hint(self) -> str | None:
        """What the emulator had to say about it, or None."""
        told = self._exchange.response_headers.get("X-Emulator-Hint")
        return None if told is None else unquote(told)

    @cached_property
    def request(self) -> Message:
        """What the client sent."""
        return Message(**self._document["request"])

    @cached_property
    def response(self) -> Message:
        """What it was answered."""
        return Message(**self._document["response"])

    @cached_property
    def _document(self) -> dict[str, Any]:
        return exchange_document(self._exchange)

    @cached_property
    def json(self) -> Any:
        """The body that was sent, nothing masked: JSON, a form as an object of texts, else text; None if empty."""
        sent = self._exchange.info.body
        if not sent:
            return None
        try:
            return orjson.loads(sent)
        except ValueError:
            text = sent.decode("utf-8", "replace")
        is_form = self._exchange.request_headers.get("CONTENT_TYPE", "").startswith(FORM_MEDIA_TYPE)
        return dict(parse_qsl(text, keep_blank_values=True)) if is_form else text

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the query, each with its values."""
        return parse_qs(self.query, keep_blank_values=True)


MAX_VALUE_LENGTH = 120
"""How much of a value a failure shows."""
OTHER_OPERATION_DISTANCE = 100
"""A call of another operation is farther away than one of the same that differs in everything."""

Parameters = Mapping[str, Any] | str


@dataclass(frozen=True)
class ExpectedRequest:
    """The fields that a call must have; what is None, or absent, may be anything."""

    operation: str | None = None
    json: Any = MISSING
    path: str | None = None
    query: Parameters | None = None
    token: str | None = None
    status: int | None = None

    def __str__(self) -> str:
        fields = {"path": self.path, "query": self.query, "token": self.token, "status": self.status}
        said = [f"{name}={value!r}" for name, value in fields.items() if value is not None]
        if not isinstance(self.json, Missing):
            said.insert(0, f"json={mask_json(self.json)!r}")
        return f"{self.operation or 'call'}({', '.join(said)})"

    def differences(self, asked: RecordedRequest) -> list[str]:
        """Give a line for each field in which a call is not as wanted."""
        return [*self._of_plain(asked), *self._of_query(asked), *self._of_json(asked)]

    def distance(self, asked: RecordedRequest) -> int:
        """Give how far a call is from what is wanted."""
        other = self.operation is not None and asked.operation != self.operation
        return len(self.differences(asked)) + OTHER_OPERATION_DISTANCE * other

    def _of_plain(self, asked: RecordedRequest) -> Iterator[str]:
        for name in ("operation", "path", "token", "status"):
            wanted, found = getattr(self, name), getattr(asked, name)
            if wanted is not None and wanted != found:
                yield format_difference(name, found, wanted)

    def _of_query(self, asked: RecordedRequest) -> Iterator[str]:
        if self.query is None:
            return
        if isinstance(self.query, str):
            if self.query.removeprefix("?") != asked.query:
                yield format_difference("query", asked.query, self.query)
            return
        wanted = {name: query_texts(value) for name, value in self.query.items()}
        yield from differences("query", asked.parameters, wanted)

    def _of_json(self, asked: RecordedRequest) -> Iterator[str]:
        if not isinstance(self.json, Missing):
            yield from differences("json", asked.json, self.json)


def query_texts(value: Any) -> Any:
    """Give what a parameter's values look like in a query; what is no plain value is compared as it is."""
    if isinstance(value, list | tuple):
        return [text for each in value for text in query_texts(each)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, str | int | float) else value


def differences(where: str, found: Any, wanted: Any) -> Iterator[str]:
    """Give a line for each place in which two JSON values differ."""
    if wanted == found and is_same_json_type(wanted, found):
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in [*wanted, *(key for key in found if key not in wanted)]:
            yield from differences(f"{where}.{key}", found.get(key, MISSING), wanted.get(key, MISSING))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(f"{where}[{index}]", *pair)
    else:
        yield format_difference(where, found, wanted)


def is_same_json_type(wanted: Any, found: Any) -> bool:
    """Tell `true` from 1: they are equal in Python, and not in JSON."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return not isinstance(wanted, int | float) or isinstance(wanted, bool) == isinstance(found, bool)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(is_same_json_type(wanted[key], found.get(key)) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return all(map(is_same_json_type, wanted, found))
    return True


def format_difference(where: str, found: Any, wanted: Any) -> str:
    return f"{where}: {format_value(where, found)}, expected {format_value(where, wanted)}"


def format_value(where: str, value: Any) -> str:
    """Give a value in short; one that is nobody's business is masked."""
    if isinstance(value, Missing):
        return "nothing"
    key = where.rpartition(".")[2]
    text = repr(mask_json({key: value})[key])
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 3] + "..."
