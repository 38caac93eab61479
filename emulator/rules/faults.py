"""Injected faults: one function per kind, and its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

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
from emulator.core.jsontext import JsonObject, JsonValue
from emulator.core.refusals import InvalidDocument

NO_REPLY = Reply(0)
"""Placeholder for the response to a call that is not handled."""
LONGEST_DELAY = 600.0
RETRY_AFTER = 60
STATUS_DETAILS = {503: "Service temporarily unavailable, try again later."}
"""Status without an exception in the framework -> detail, from an example in the framework's documentation."""


class FaultTarget(NamedTuple):
    """The properties of a call that faults can match."""

    operation: str | None
    """None if the path has no operation with this method."""
    method: str
    path: str
    query: str = ""
    token: str | None = None
    """Role of the caller, if known."""
    scheme: str = "Token"
    content_type: str = ""
    allow: str | None = None
    """Methods that the path allows."""
    state: int | None = None
    """Id of the state of the package or transfer order in the path."""


Fault: TypeAlias = Callable[..., Reply]
"""`(call, reply, **options) -> reply`."""


def answer_status(
    call: FaultTarget, _: Reply, *, status: int, detail: str | None = None, retry_after: int | None = None
) -> Reply:
    """Respond with an error in the framework's form. The call is not executed."""
    error = error_with_status(call, status, retry_after)
    headers = dict(error.headers) | ({} if call.allow is None else {"Allow": call.allow})
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    body = error.body if detail is None else {"detail": detail}
    return Reply(status, orjson.dumps(body), headers)


def error_with_status(call: FaultTarget, status: int, retry_after: int | None) -> ApiError:
    """Return the framework's error for a status. The default is an error with the phrase of the status."""
    factories: dict[int, Callable[[], ApiError]] = {
        401: lambda: AuthenticationFailed(scheme=call.scheme),
        405: lambda: MethodNotAllowed(call.method),
        415: lambda: UnsupportedMediaType(call.content_type),
        429: lambda: Throttled(RETRY_AFTER if retry_after is None else retry_after),
    }
    classes = {each.status: each for each in (ParseError, PermissionDenied, NotFound, NotAcceptable, ServerError)}
    if status in factories:
        return factories[status]()
    if status in classes:
        return classes[status]()
    return ApiError(STATUS_DETAILS.get(status, f"{HTTPStatus(status).phrase}."))


def delay_response(_: FaultTarget, reply: Reply, *, seconds: float) -> Reply:
    """Delay the response."""
    return disturbed(reply, delay=delivery_of(reply).delay + seconds)


def reset_connection(_: FaultTarget, reply: Reply) -> Reply:
    """Reset the connection. The call is not executed."""
    return disturbed(reply, silent=True, reset=True)


def lose_request(_: FaultTarget, reply: Reply, *, seconds: float = 0.0) -> Reply:
    """Close the connection after a delay. The call is not executed."""
    return disturbed(reply, silent=True, delay=delivery_of(reply).delay + seconds)


def lose_response(_: FaultTarget, reply: Reply, *, seconds: float = 0.0) -> Reply:
    """Execute the call, then close the connection after a delay, without a response."""
    return disturbed(reply, silent=True, delay=delivery_of(reply).delay + seconds)


def truncate_body(_: FaultTarget, reply: Reply, *, size: int | None = None) -> Reply:
    """Send less of the body than Content-Length says, and close the connection."""
    reply = ensure_body(reply)
    length = len(reply.body)
    return disturbed(reply, sent=min(length // 2 if size is None else size, length - 1))


def break_json(_: FaultTarget, reply: Reply) -> Reply:
    """Send half of the body as a complete response, which is invalid JSON."""
    reply = ensure_body(reply)
    return replace(reply, body=reply.body[: max(1, len(reply.body) // 2)])


def drip_body(_: FaultTarget, reply: Reply, *, seconds: float = 2.0, pieces: int = 10) -> Reply:
    """Send the body in pieces, with pauses."""
    return disturbed(ensure_body(reply), drip=seconds, pieces=pieces)


def ensure_body(reply: Reply) -> Reply:
    """Return a reply with a body to break. A missing body becomes an empty object."""
    return reply if len(reply.body) > 1 else replace(reply, status=200, body=b"{}", content_type="application/json")


def delivery_of(reply: Reply) -> ResponseFault:
    return reply.fault or ResponseFault()


def disturbed(reply: Reply, **changes: JsonValue) -> Reply:
    return replace(reply, fault=delivery_of(reply)._replace(**changes))


class FaultOption(NamedTuple):
    """An option of a fault."""

    type: type[int] | type[float] | type[str]
    doc: str
    minimum: float = 0
    maximum: float = float("inf")
    is_required: bool = False


SECONDS = FaultOption(float, "Number of seconds.", 0, LONGEST_DELAY)


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault. If it replaces the response, the call is not executed."""

    run: Fault
    options: Mapping[str, FaultOption] = field(default_factory=dict)
    replaces_response: bool = False


FAULT_KINDS: Mapping[str, FaultKind] = {
    "status": FaultKind(
        answer_status,
        {
            "status": FaultOption(int, "HTTP status of the error.", 400, 599, is_required=True),
            "detail": FaultOption(str, "Message of the error. Default: the message of the framework."),
            "retry_after": FaultOption(int, "Value of the Retry-After header, in seconds.", 0, 86_400),
        },
        replaces_response=True,
    ),
    "delay": FaultKind(delay_response, {"seconds": SECONDS._replace(is_required=True)}),
    "reset": FaultKind(reset_connection, replaces_response=True),
    "lost_request": FaultKind(lose_request, {"seconds": SECONDS}, replaces_response=True),
    "lost_response": FaultKind(lose_response, {"seconds": SECONDS}),
    "truncated": FaultKind(
        truncate_body, {"size": FaultOption(int, "Bytes of the body to send. Default: half of them.")}
    ),
    "malformed": FaultKind(break_json),
    "drip": FaultKind(
        drip_body,
        {
            "seconds": SECONDS._replace(doc="Duration of the body in seconds. Default: 2."),
            "pieces": FaultOption(int, "Number of pieces. Default: 10.", 2, 1000),
        },
    ),
}
"""Kind of fault -> its function and its options."""


def checked_options(kind: str, options: Mapping[str, JsonValue]) -> JsonObject:
    """Validate the options of a fault and return them. Raise `InvalidDocument` with the known names or values."""
    if kind not in FAULT_KINDS:
        raise InvalidDocument(f"unknown fault {kind!r}", FAULT_KINDS)
    known = FAULT_KINDS[kind].options
    for name in options:
        if name not in known:
            raise InvalidDocument(f"fault {kind}: unknown option {name!r}", known)
    for name, option in known.items():
        if option.is_required and name not in options:
            raise InvalidDocument(f"fault {kind}: option {name!r} is required", known)
    return {name: checked_value(kind, name, known[name], value) for name, value in options.items()}


def checked_value(kind: str, name: str, option: FaultOption, value: JsonValue) -> int | float | str:
    where = f"fault {kind}: option {name!r}"
    if option.type is str:
        if not isinstance(value, str):
            raise InvalidDocument(f"{where} must be a string (got {value!r})")
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (option.type is int and value != value // 1):
        raise InvalidDocument(f"{where} must be {'an integer' if option.type is int else 'a number'} (got {value!r})")
    if not option.minimum <= value <= option.maximum:
        raise InvalidDocument(f"{where} must be {describe_range(option)} (got {value})")
    if (kind, name) == ("status", "status") and value not in STATUSES:
        raise InvalidDocument(f"{where} must be an HTTP status (got {value})", STATUSES)
    return option.type(value)


def describe_range(option: FaultOption) -> str:
    return (
        f"at least {option.minimum}"
        if option.maximum == float("inf")
        else f"from {option.minimum} to {option.maximum:g}"
    )


STATUSES = [each.value for each in HTTPStatus if each >= 400]
