"""`oms.requests`: the recorded requests of a world, and assertions about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypedDict, Unpack
from urllib.parse import parse_qs, parse_qsl, unquote

import orjson

from emulator.api.control.journal import exchange_document, mask_json, mask_text
from emulator.api.routes import ROUTES
from emulator.core.fields import MISSING, Missing
from emulator.core.json_text import JsonObject, JsonValue
from emulator.state.journal import Basis, Exchange, weakest_provenance
from emulator.state.world import World
from emulator.web.provenance import bases_of

if TYPE_CHECKING:
    from emulator.api_types import Operation, Role

MAX_NEAREST = 3
"""Number of other calls that a failure shows."""
MAX_DIFFERENCES = 12
"""Number of differences of one call that a failure shows."""
MAX_VALUE_LENGTH = 120
"""Number of characters of a value that a failure shows."""
OTHER_OPERATION_DISTANCE = 100
"""Added to the distance of a call of another operation, so that calls of the same operation are nearer."""
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"

Parameters: TypeAlias = Mapping[str, JsonValue] | str


class ExpectedFields(TypedDict, total=False):
    """The fields of a request that an assertion can name."""

    json: JsonValue
    path: str | None
    query: Parameters | None
    token: Role | None
    status: int | None


class Requests:
    """The recorded requests of the current world, newest first.

    Iterate over it, take its length, or index it: `oms.requests[0]` is the newest request.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def __iter__(self) -> Iterator[RecordedRequest]:
        world = self._world()
        return (RecordedRequest(exchange, world) for exchange in world.journal.newest_first())

    def __len__(self) -> int:
        return len(self._world().journal)

    def __getitem__(self, index: int) -> RecordedRequest:
        return list(self)[index]

    def __repr__(self) -> str:
        return f"<{len(self)} requests in world {self._world().name}>"

    @property
    def last(self) -> RecordedRequest | None:
        """The newest request, or None."""
        return next(iter(self), None)

    def clear(self) -> None:
        """Delete all recorded requests."""
        self._world().journal.clear()

    def assert_called(
        self, operation: Operation | None = None, *, times: int | None = None, **fields: Unpack[ExpectedFields]
    ) -> None:
        """Assert that a matching request was made: at least once, or exactly `times` times.

        - `operation`: name of the operation. `oms-emulator routes` lists the names.
        - `json`: the request body.
        - `path`: the path, without the prefix of the world.
        - `query`: the query string, or a mapping of all parameters to a value or a list of values.
        - `token`: the role of the caller.
        - `status`: the status of the response.

        Values must be equal; `unittest.mock.ANY` is equal to anything. Raise an `AssertionError` that shows the
        nearest other calls and their differences. Raise `ValueError` for an unknown operation.

        Example: `oms.requests.assert_called("command_package", status=204, times=1)`
        """
        expected = ExpectedRequest(validated_operation(operation), **fields)
        matching, others = self._split(expected)
        if len(matching) == times or (times is None and matching):
            return
        lines = [f"expected {expected} {format_times(times)}; it was called {format_times(len(matching))}"]
        lines += [request.describe() for request in matching]
        if len(matching) < (times or 1):
            lines += nearest_requests(expected, others)
        journal = self._world().journal
        if journal.evicted_count:
            kept = f"the journal keeps the latest {len(journal)}"
            lines.append(f"({journal.evicted_count} older calls are forgotten; {kept})")
        raise AssertionError("\n".join(lines))

    def assert_not_called(self, operation: Operation | None = None, **fields: Unpack[ExpectedFields]) -> None:
        """Assert that no matching request was made. The arguments are those of `assert_called`.

        Raise an `AssertionError` that shows the matching requests. Raise `ValueError` for an unknown operation.
        """
        expected = ExpectedRequest(validated_operation(operation), **fields)
        matching, _ = self._split(expected)
        if matching:
            head = f"expected no {expected}; it was called {format_times(len(matching))}"
            raise AssertionError("\n".join([head, *(request.describe() for request in matching)]))

    def _split(self, expected: ExpectedRequest) -> tuple[list[RecordedRequest], list[RecordedRequest]]:
        """Return the matching requests, and all others."""
        matching: list[RecordedRequest] = []
        others: list[RecordedRequest] = []
        for request in self:
            (others if expected.differences(request) else matching).append(request)
        return matching, others


class Message(NamedTuple):
    """The headers and the body of a request or response. Secrets are masked, as in the control API."""

    headers: Mapping[str, str]
    body: JsonValue
    """JSON, or text; None without a body."""


class RecordedRequest:
    """A request and its response. The attributes have the names of `GET /__admin/requests`."""

    def __init__(self, exchange: Exchange, world: World) -> None:
        self._exchange, self._world = exchange, world
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

    def describe(self) -> str:
        """Return an indented line, and a second line with the hint if there is one."""
        return f"  {self}" + (f"\n    hint: {self.hint}" if self.hint else "")

    @property
    def hint(self) -> str | None:
        """The hint in the response (`X-Emulator-Hint`), or None."""
        hint = self._exchange.response_headers.get("X-Emulator-Hint")
        return None if hint is None else unquote(hint)

    @cached_property
    def request(self) -> Message:
        """Headers and body of the request."""
        return Message(**self._document["request"])

    @cached_property
    def response(self) -> Message:
        """Headers and body of the response."""
        return Message(**self._document["response"])

    @cached_property
    def _document(self) -> JsonObject:
        return exchange_document(self._exchange)

    @property
    def rests_on(self) -> tuple[Basis, ...]:
        """The behaviours that the response rests on, with their provenances."""
        return bases_of(self._world, self._exchange)

    @property
    def provenance(self) -> str | None:
        """The weakest provenance of these behaviours, or None if a fault changed the response."""
        return weakest_provenance(self.rests_on)

    @cached_property
    def json(self) -> JsonValue:
        """The request body without masks: JSON, the fields of a form, other text, or None if it is empty."""
        body = self._exchange.info.body
        if not body:
            return None
        try:
            return orjson.loads(body)
        except ValueError:
            text = body.decode("utf-8", "replace")
        is_form = self._exchange.request_headers.get("CONTENT_TYPE", "").startswith(FORM_MEDIA_TYPE)
        return dict(parse_qsl(text, keep_blank_values=True)) if is_form else text

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the query, each with its values."""
        return parse_qs(self.query, keep_blank_values=True)


class ExpectedRequest(NamedTuple):
    """The fields that a request must have. A field that is None, or missing, matches any value."""

    operation: str | None = None
    json: JsonValue = MISSING
    path: str | None = None
    query: Parameters | None = None
    token: str | None = None
    status: int | None = None

    def __str__(self) -> str:
        fields = {"path": self.path, "query": self.query, "token": self.token, "status": self.status}
        arguments = [f"{name}={value!r}" for name, value in fields.items() if value is not None]
        if not isinstance(self.json, Missing):
            arguments.insert(0, f"json={mask_json(self.json)!r}")
        return f"{self.operation or 'call'}({', '.join(arguments)})"

    def differences(self, request: RecordedRequest) -> list[str]:
        """Return a line for each field of the request that differs."""
        lines = [
            format_difference(name, getattr(request, name), getattr(self, name))
            for name in ("operation", "path", "token", "status")
            if getattr(self, name) not in (None, getattr(request, name))
        ]
        lines += self._query_differences(request)
        return lines if isinstance(self.json, Missing) else [*lines, *differences("json", request.json, self.json)]

    def _query_differences(self, request: RecordedRequest) -> Iterator[str]:
        if isinstance(self.query, str):
            if self.query.removeprefix("?") != request.query:
                yield format_difference("query", request.query, self.query)
        elif self.query is not None:
            expected = {name: query_texts(value) for name, value in self.query.items()}
            yield from differences("query", request.parameters, expected)

    def distance(self, request: RecordedRequest) -> int:
        """Return the number of differences. A request of another operation is farther away."""
        is_other = self.operation is not None and request.operation != self.operation
        return len(self.differences(request)) + OTHER_OPERATION_DISTANCE * is_other


def validated_operation(operation: str | None) -> str | None:
    """Return the name of an operation. Raise `ValueError` with similar names if it is unknown."""
    names = [route.operation for route in ROUTES]
    if operation is None or operation in names:
        return operation
    similar = get_close_matches(operation, names, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(similar)}?" if similar else "`oms-emulator routes` lists them"
    raise ValueError(f"unknown operation {operation!r}; {advice}")


def nearest_requests(expected: ExpectedRequest, others: list[RecordedRequest]) -> list[str]:
    """Describe the requests with the fewest differences, each with its differences."""
    if not others:
        return ["nothing else was called"]
    lines = [f"nearest of {len(others)} other calls:"]
    for request in sorted(others, key=expected.distance)[:MAX_NEAREST]:
        found = expected.differences(request)
        lines += [request.describe(), *(f"    {line}" for line in found[:MAX_DIFFERENCES])]
        if len(found) > MAX_DIFFERENCES:
            lines.append(f"    ... and {len(found) - MAX_DIFFERENCES} more")
    return lines


def query_texts(value: JsonValue) -> JsonValue:
    """Return the values of a parameter as a query has them. Other objects, such as `ANY`, are returned unchanged."""
    if isinstance(value, list | tuple):
        return [text for item in value for text in query_texts(item)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, str | int | float) else value


def differences(where: str, found: JsonValue, expected: JsonValue) -> Iterator[str]:
    """Yield a line for each place in which two JSON values differ."""
    if expected == found and has_same_booleans(expected, found):
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            yield from differences(f"{where}.{key}", found.get(key, MISSING), expected.get(key, MISSING))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, pair in enumerate(zip(found, expected, strict=True)):
            yield from differences(f"{where}[{index}]", *pair)
    else:
        yield format_difference(where, found, expected)


def has_same_booleans(expected: JsonValue, found: JsonValue) -> bool:
    """Return whether equal values have booleans in the same places. In Python, `True == 1`; in JSON they differ."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return not isinstance(expected, int | float) or isinstance(expected, bool) == isinstance(found, bool)
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(has_same_booleans(expected[key], found.get(key)) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return all(map(has_same_booleans, expected, found))
    return True


def format_times(times: int | None) -> str:
    return "at least once" if times is None else "once" if times == 1 else f"{times} times"


def format_difference(where: str, found: JsonValue, expected: JsonValue) -> str:
    return f"{where}: {format_value(where, found)}, expected {format_value(where, expected)}"


def format_value(where: str, value: JsonValue) -> str:
    """Return the value as short text. Secrets are masked."""
    if isinstance(value, Missing):
        return "nothing"
    key = where.rpartition(".")[2]
    text = repr(mask_json({key: value})[key])
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 3] + "..."
