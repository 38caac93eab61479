"""What can go wrong on purpose: one small function per kind of fault, and the options that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from emulator.core.errors import (
    ApiError,
    AuthenticationFailed,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    ParseError,
    PermissionDenied,
    ServerError,
    Throttled,
    UnsupportedMediaType,
)
from emulator.core.exchange import Reply, ResponseFault
from emulator.core.refusals import InvalidDocument

NO_REPLY = Reply(0)
"""What stands for the answer of a call that was never handled."""
LONGEST_DELAY = 600.0
RETRY_AFTER = 60
WORDS = {503: "Service temporarily unavailable, try again later."}
"""Status -> its detail, where the framework has no exception for it: its documentation's example of one."""


class Meeting(NamedTuple):
    """A call as faults see it."""

    operation: str | None
    """None where no operation is at the path, or none with the method."""
    method: str
    path: str
    query: str = ""
    token: str | None = None
    """The role of whoever calls, if that is known."""
    scheme: str = "Token"
    content_type: str = ""
    allow: str | None = None
    """The methods that are allowed at the path."""
    state: int | None = None
    """Id of the state that the package or transfer order of the path is in."""


Fault = Callable[..., Reply]
"""`(call, reply, **options) -> reply`."""


def status(
    call: Meeting, _: Reply, *, status: int, detail: str | None = None, retry_after: int | None = None
) -> Reply:
    """Answer an error in the framework's form; nothing is done."""
    error = error_of(call, status, retry_after)
    headers = dict(error.headers) | ({} if call.allow is None else {"Allow": call.allow})
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    body = error.body if detail is None else {"detail": detail}
    return Reply(status, orjson.dumps(body), headers)


def error_of(call: Meeting, status: int, retry_after: int | None) -> ApiError:
    """Give the framework's error of a status; where it has none, one that says what the status says."""
    special: dict[int, Callable[[], ApiError]] = {
        401: lambda: AuthenticationFailed(scheme=call.scheme),
        405: lambda: MethodNotAllowed(call.method),
        415: lambda: UnsupportedMediaType(call.content_type),
        429: lambda: Throttled(RETRY_AFTER if retry_after is None else retry_after),
    }
    plain = {each.status: each for each in (ParseError, PermissionDenied, NotFound, NotAcceptable, ServerError)}
    if status in special:
        return special[status]()
    if status in plain:
        return plain[status]()
    return ApiError(WORDS.get(status, f"{HTTPStatus(status).phrase}."))


def delay(_: Meeting, reply: Reply, *, seconds: float) -> Reply:
    """Let the answer come later."""
    return disturbed(reply, delay=of(reply).delay + seconds)


def reset(_: Meeting, reply: Reply) -> Reply:
    """Reset the connection; nothing is done."""
    return disturbed(reply, silent=True, reset=True)


def lost_request(_: Meeting, reply: Reply, *, seconds: float = 0.0) -> Reply:
    """Do nothing and answer nothing; the connection is closed after a while."""
    return disturbed(reply, silent=True, delay=of(reply).delay + seconds)


def lost_response(_: Meeting, reply: Reply, *, seconds: float = 0.0) -> Reply:
    """Do what was asked for and answer nothing; the connection is closed after a while."""
    return disturbed(reply, silent=True, delay=of(reply).delay + seconds)


def truncated(_: Meeting, reply: Reply, *, size: int | None = None) -> Reply:
    """Send less of the body than its length says, and close the connection."""
    reply = with_body(reply)
    most = len(reply.body) - 1
    return disturbed(reply, sent=min(len(reply.body) // 2 if size is None else size, most))


def malformed(_: Meeting, reply: Reply) -> Reply:
    """Send half of the body as if it were all: no JSON."""
    reply = with_body(reply)
    return replace(reply, body=reply.body[: max(1, len(reply.body) // 2)])


def drip(_: Meeting, reply: Reply, *, seconds: float = 2.0, pieces: int = 10) -> Reply:
    """Send the body piece by piece."""
    return disturbed(with_body(reply), drip=seconds, pieces=pieces)


def with_body(reply: Reply) -> Reply:
    """Give a reply that has a body to disturb: one without content becomes an empty object."""
    return reply if len(reply.body) > 1 else replace(reply, status=200, body=b"{}", content_type="application/json")


def of(reply: Reply) -> ResponseFault:
    return reply.fault or ResponseFault()


def disturbed(reply: Reply, **changes: Any) -> Reply:
    return replace(reply, fault=of(reply)._replace(**changes))


class Option(NamedTuple):
    """A value that a fault takes."""

    type: type[Any]
    doc: str
    least: float = 0
    most: float = float("inf")
    is_required: bool = False


SECONDS = Option(float, "Number of seconds.", 0, LONGEST_DELAY)


@dataclass(frozen=True)
class Kind:
    """One kind of fault. `is_instead`: whether it takes the place of the answer, so that nothing is done."""

    run: Fault
    options: Mapping[str, Option] = field(default_factory=dict)
    is_instead: bool = False


FAULTS: Mapping[str, Kind] = {
    "status": Kind(
        status,
        {
            "status": Option(int, "HTTP status of the error.", 400, 599, is_required=True),
            "detail": Option(str, "Message of the error. Default: the message of the framework."),
            "retry_after": Option(int, "Value of the Retry-After header, in seconds.", 0, 86_400),
        },
        is_instead=True,
    ),
    "delay": Kind(delay, {"seconds": SECONDS._replace(is_required=True)}),
    "reset": Kind(reset, is_instead=True),
    "lost_request": Kind(lost_request, {"seconds": SECONDS}, is_instead=True),
    "lost_response": Kind(lost_response, {"seconds": SECONDS}),
    "truncated": Kind(truncated, {"size": Option(int, "Bytes of the body to send. Default: half of them.")}),
    "malformed": Kind(malformed),
    "drip": Kind(
        drip,
        {
            "seconds": SECONDS._replace(doc="Duration of the body in seconds. Default: 2."),
            "pieces": Option(int, "Number of pieces. Default: 10.", 2, 1000),
        },
    ),
}
"""Kind -> what it does and what it takes."""


def checked_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options of a fault if they are right; `InvalidDocument` says what is wrong and what is known."""
    if kind not in FAULTS:
        raise InvalidDocument(f"unknown fault {kind!r}", FAULTS)
    known = FAULTS[kind].options
    for name in options:
        if name not in known:
            raise InvalidDocument(f"fault {kind}: unknown option {name!r}", known)
    for name, option in known.items():
        if option.is_required and name not in options:
            raise InvalidDocument(f"fault {kind}: option {name!r} is required", known)
    return {name: checked_value(kind, name, known[name], value) for name, value in options.items()}


def checked_value(kind: str, name: str, option: Option, value: Any) -> Any:
    where = f"fault {kind}: option {name!r}"
    if option.type is str:
        if not isinstance(value, str):
            raise InvalidDocument(f"{where} must be a string (got {value!r})")
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (option.type is int and value != value // 1):
        raise InvalidDocument(f"{where} must be {'an integer' if option.type is int else 'a number'} (got {value!r})")
    if not option.least <= value <= option.most:
        raise InvalidDocument(f"{where} must be {range_of(option)} (got {value})")
    if (kind, name) == ("status", "status") and value not in STATUSES:
        raise InvalidDocument(f"{where} must be an HTTP status (got {value})", STATUSES)
    return option.type(value)


def range_of(option: Option) -> str:
    return f"at least {option.least}" if option.most == float("inf") else f"from {option.least} to {option.most:g}"


STATUSES = [each.value for each in HTTPStatus if each >= 400]
