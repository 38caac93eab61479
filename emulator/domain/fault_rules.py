"""Injected faults: the kinds with their options, and the rules by which calls trigger armed faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import orjson

from emulator.core.call import HTML, HTML_PAGES, Reply, ResponseFault
from emulator.core.errors import (
    ApiError,
    AuthenticationFailed,
    InvalidDocument,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    ParseError,
    PermissionDenied,
    ServerError,
    Throttled,
    UnsupportedMediaType,
)
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import State
from emulator.core.seeded_random import draw, u32
from emulator.domain.state_graph import PACKAGE_STATUS, STATE_ALIASES, TRANSFER_STATUS, state_names
from emulator.state.faults import OVERTAKEN, ArmedFault, FaultMatch
from emulator.state.store import Reader
from emulator.state.world import World

NO_REPLY = Reply(0)
"""Placeholder for the response to a call that is not handled."""
MAX_DELAY = 600.0
RETRY_AFTER = 60
U32_RANGE = 2**32
CONDITION_KEYS = ("nth", "token", "state", "after", "rate", "read")
DOCUMENT_KEYS = ("id", "kind", "operation", "method", "options", "when", "times", "hits")
SCENARIO_FIELDS = {**{key: key for key in DOCUMENT_KEYS}, "met": "matches", "seen": "request_counts"}
"""Key of a fault in scenario files -> its field in `ArmedFault`."""
ERROR_STATUSES = [each.value for each in HTTPStatus if each >= 400]
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
    record: str | None = None
    """The package or transfer order in the path, such as `package 1`."""


Fault: TypeAlias = Callable[..., Reply]
"""`(call, reply, **options) -> reply`."""


def answer_status(
    call: FaultTarget,
    _: Reply,
    *,
    status: int,
    detail: str | None = None,
    retry_after: int | None = None,
    body: str = "json",
) -> Reply:
    """Respond with an error in the framework's form. The call is not executed.

    An HTML page is what Django sends for an exception outside of the framework's views.
    """
    if body == "html":
        return Reply(status, HTML_PAGES[status], content_type=HTML)
    error = error_with_status(call, status, retry_after)
    headers = dict(error.headers) | ({} if call.allow is None else {"Allow": call.allow})
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    document = error.body if detail is None else {"detail": detail}
    return Reply(status, orjson.dumps(document), headers)


def error_with_status(call: FaultTarget, status: int, retry_after: int | None) -> ApiError:
    """Return the framework's error for a status. The default is an error with the phrase of the status."""
    errors: dict[int, Callable[[], ApiError]] = {
        401: lambda: AuthenticationFailed(scheme=call.scheme),
        405: lambda: MethodNotAllowed(call.method),
        415: lambda: UnsupportedMediaType(call.content_type),
        429: lambda: Throttled(RETRY_AFTER if retry_after is None else retry_after),
    }
    errors |= {each.status: each for each in (ParseError, PermissionDenied, NotFound, NotAcceptable, ServerError)}
    if status in errors:
        return errors[status]()
    return ApiError(STATUS_DETAILS.get(status, f"{HTTPStatus(status).phrase}."))


def delay_response(_: FaultTarget, reply: Reply, *, seconds: float) -> Reply:
    """Delay the response."""
    return with_response_fault(reply, delay=response_fault_of(reply).delay + seconds)


def reset_connection(_: FaultTarget, reply: Reply) -> Reply:
    """Reset the connection. The call is not executed."""
    return with_response_fault(reply, silent=True, reset=True)


def lose_request(_: FaultTarget, reply: Reply, *, seconds: float = 0.0) -> Reply:
    """Close the connection after a delay. The call is not executed."""
    return with_response_fault(reply, silent=True, delay=response_fault_of(reply).delay + seconds)


def lose_response(_: FaultTarget, reply: Reply, *, seconds: float = 0.0) -> Reply:
    """Execute the call, then close the connection after a delay, without a response."""
    return with_response_fault(reply, silent=True, delay=response_fault_of(reply).delay + seconds)


def truncate_body(_: FaultTarget, reply: Reply, *, size: int | None = None) -> Reply:
    """Send less of the body than Content-Length says, and close the connection."""
    reply = ensure_body(reply)
    length = len(reply.body)
    return with_response_fault(reply, sent=min(length // 2 if size is None else size, length - 1))


def break_json(_: FaultTarget, reply: Reply) -> Reply:
    """Send half of the body as a complete response, which is invalid JSON."""
    reply = ensure_body(reply)
    return reply._replace(body=reply.body[: max(1, len(reply.body) // 2)])


def drip_body(_: FaultTarget, reply: Reply, *, seconds: float = 2.0, pieces: int = 10) -> Reply:
    """Send the body in pieces, with pauses."""
    return with_response_fault(ensure_body(reply), drip=seconds, pieces=pieces)


def keep_reply(_: FaultTarget, reply: Reply, **__: JsonValue) -> Reply:
    """Return the response to a call before which another actor changed the record."""
    return reply


def ensure_body(reply: Reply) -> Reply:
    """Return a reply with a body to break. A missing body becomes an empty object."""
    return reply if len(reply.body) > 1 else reply._replace(status=200, body=b"{}", content_type="application/json")


def response_fault_of(reply: Reply) -> ResponseFault:
    return reply.fault or ResponseFault()


def with_response_fault(reply: Reply, **changes: JsonValue) -> Reply:
    return reply._replace(fault=response_fault_of(reply)._replace(**changes))


class FaultOption(NamedTuple):
    """An option of a fault."""

    type: type[int] | type[float] | type[str]
    doc: str
    minimum: float = 0
    maximum: float = float("inf")
    is_required: bool = False
    choices: tuple[str, ...] = ()


BODIES = ("json", "html")
SECONDS = FaultOption(float, "Number of seconds.", 0, MAX_DELAY)


class FaultKind(NamedTuple):
    """A kind of fault. If it replaces the response, the call is not executed."""

    run: Fault
    options: Mapping[str, FaultOption] = MappingProxyType({})
    replaces_response: bool = False
    ends_connection: bool = False
    """Whether the server must end the connection without a response."""


FAULT_KINDS: Mapping[str, FaultKind] = {
    "status": FaultKind(
        answer_status,
        {
            "status": FaultOption(int, "HTTP status of the error.", 400, 599, is_required=True),
            "detail": FaultOption(str, "Message of the error. Default: the message of the framework."),
            "retry_after": FaultOption(int, "Value of the Retry-After header, in seconds.", 0, 86_400),
            "body": FaultOption(
                str, "Form of the body. Django's HTML page exists for a few statuses.", choices=BODIES
            ),
        },
        replaces_response=True,
    ),
    "delay": FaultKind(delay_response, {"seconds": SECONDS._replace(is_required=True)}),
    "reset": FaultKind(reset_connection, replaces_response=True, ends_connection=True),
    "lost_request": FaultKind(lose_request, {"seconds": SECONDS}, replaces_response=True, ends_connection=True),
    "lost_response": FaultKind(lose_response, {"seconds": SECONDS}, ends_connection=True),
    "truncated": FaultKind(
        truncate_body,
        {"size": FaultOption(int, "Bytes of the body to send. Default: half of them.")},
        ends_connection=True,
    ),
    "malformed": FaultKind(break_json),
    "drip": FaultKind(
        drip_body,
        {
            "seconds": SECONDS._replace(doc="Duration of the body in seconds. Default: 2."),
            "pieces": FaultOption(int, "Number of pieces. Default: 10.", 2, 1000),
        },
    ),
    OVERTAKEN: FaultKind(
        keep_reply,
        {
            "transition": FaultOption(
                int, "Id of the transition that the other actor makes. Default: the first out of the state.", 1
            )
        },
    ),
}
"""Kind of fault -> its function and its options."""


def refuse_ended_connection(kind: str) -> None:
    """Raise `InvalidDocument` if the server must end the connection before the response, which granian cannot do."""
    if kind in FAULT_KINDS and FAULT_KINDS[kind].ends_connection:
        raise InvalidDocument(f"fault {kind!r} needs the server waitress: granian cannot end a response early")


def validate_options(kind: str, options: Mapping[str, JsonValue]) -> JsonObject:
    """Validate the options of a fault and return them. Raise `InvalidDocument` with the known names or values."""
    if kind not in FAULT_KINDS:
        raise InvalidDocument(f"unknown fault {kind!r}", FAULT_KINDS, kind)
    known = FAULT_KINDS[kind].options
    for name in options:
        if name not in known:
            raise InvalidDocument(f"fault {kind}: unknown option {name!r}", known, name)
    for name, option in known.items():
        if option.is_required and name not in options:
            raise InvalidDocument(f"fault {kind}: option {name!r} is required", known)
    if options.get("body") == "html" and options["status"] not in HTML_PAGES:
        raise InvalidDocument(f"fault {kind}: no HTML page has the status {options['status']}", HTML_PAGES)
    return {name: validate_option(kind, name, known[name], value) for name, value in options.items()}


def validate_option(kind: str, name: str, option: FaultOption, value: JsonValue) -> int | float | str:
    where = f"fault {kind}: option {name!r}"
    if option.type is str:
        if not isinstance(value, str):
            raise InvalidDocument(f"{where} must be a string (got {value!r})")
        if option.choices and value not in option.choices:
            raise InvalidDocument(f"{where} is unknown: {value!r}", option.choices)
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (option.type is int and value != value // 1):
        raise InvalidDocument(f"{where} must be {'an integer' if option.type is int else 'a number'} (got {value!r})")
    if not option.minimum <= value <= option.maximum:
        limits = f"from {option.minimum} to {option.maximum:g}"
        limits = f"at least {option.minimum}" if option.maximum == float("inf") else limits
        raise InvalidDocument(f"{where} must be {limits} (got {value})")
    if (kind, name) == ("status", "status") and value not in ERROR_STATUSES:
        raise InvalidDocument(f"{where} must be an HTTP status (got {value})", ERROR_STATUSES)
    return option.type(value)


# --- documents and triggers -----------------------------------------------------------------------------------------


def fault_from_document(document: Mapping[str, JsonValue]) -> ArmedFault:
    """Return the fault of a document that `fault_scenario_document` returned."""
    return ArmedFault(**{field: document[key] for key, field in SCENARIO_FIELDS.items() if key in document})


def fault_document(fault: ArmedFault) -> JsonObject:
    """Return the document of a fault in the control API."""
    return {key: getattr(fault, key) for key in DOCUMENT_KEYS}


def fault_scenario_document(fault: ArmedFault) -> JsonObject:
    """Return the document of a fault in scenario files: with its counts, and without empty keys."""
    document = {key: getattr(fault, field) for key, field in SCENARIO_FIELDS.items()}
    return {key: value for key, value in document.items() if value not in (None, {}, 0)}


def triggered_faults(world: World, call: FaultTarget) -> list[ArmedFault]:
    """Return the faults that this call triggers, in the order of their arming. Count the call in each match."""
    faults, request = world.faults, request_key(call)
    with faults.lock:
        for fault in faults.armed:
            if fault.when.get("read") == call.operation is not None:
                fault.readers.add(reader_keys(call)[-1])
        matches = [fault for fault in faults.armed if matches_call(fault, call, world)]
        triggered = [fault for fault in matches if count_and_trigger(fault, call, world)]
    world.save_fault_counts(faults, [FaultMatch(fault, request) for fault in matches])
    return triggered


def matches_call(fault: ArmedFault, call: FaultTarget, world: World) -> bool:
    """Return whether a fault matches this call."""
    when = fault.when
    return (
        fault.operation in (None, call.operation)
        and fault.method in (None, call.method)
        and when.get("token") in (None, call.token)
        and ("state" not in when or call.state in resolve_state_ids(world.records, when["state"]))
        and not (isinstance(when.get("after"), str) and world.clock.now() < parse_time(when["after"]))
        and ("read" not in when or not fault.readers.isdisjoint(reader_keys(call)))
        and (fault.kind != OVERTAKEN or fault.action is not None or call.record is not None)
    )


def reader_keys(call: FaultTarget) -> tuple[str, ...]:
    """Return the keys of a caller that has read a list, and of one that has read the record in the path."""
    client = f"{call.scheme} {call.token}"
    return (client,) if call.record is None else (client, f"{client} {call.record}")


def count_and_trigger(fault: ArmedFault, call: FaultTarget, world: World) -> bool:
    """Count a call that a fault matches, and return whether it triggers the fault."""
    fault.matches += 1
    after = fault.when.get("after")
    if fault.times is not None and fault.hits >= fault.times:
        return False
    if fault.matches < fault.when.get("nth", 1) or (isinstance(after, int) and fault.matches <= after):
        return False
    if "rate" in fault.when and not draw_probability(fault, request_key(call), world.settings.source.seed):
        return False
    fault.hits += 1
    fault.readers.difference_update(reader_keys(call))
    return True


def request_key(call: FaultTarget) -> str:
    """Return a key that is equal for equal requests."""
    return f"{call.method} {call.path}?{call.query}"


def draw_probability(fault: ArmedFault, request: str, seed: int) -> bool:
    """Draw from the world's seed. The draw depends on the request and its count, and not on other requests."""
    fault.request_counts[request] = fault.request_counts.get(request, 0) + 1
    draws = draw(seed, f"fault {fault.id} {request}", fault.request_counts[request])
    return u32(draws, 0) < float(fault.when["rate"]) * U32_RANGE


def resolve_state_ids(view: Reader, name_or_id: str | int) -> frozenset[int]:
    """Return the ids of the states of packages and transfer orders that a name, an enum value or an id denotes."""
    states = [state for state in view.all(State) if state.enum_class in (PACKAGE_STATUS, TRANSFER_STATUS)]
    text = str(name_or_id).strip().casefold()
    value = STATE_ALIASES.get(text, text)
    ids = [state.id for state in states if value in (state.enum_value, str(state.id)) or text in state_names(state)]
    if not ids:
        raise InvalidDocument(f"unknown state {name_or_id!r}", [state.name for state in states], name_or_id)
    return frozenset(ids)


def parse_time(text: str) -> datetime:
    """Parse the time of `after`. Without a time zone, it is in UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidDocument(f"after: {text!r} is not a date and time: {error}") from None
    return at.replace(tzinfo=at.tzinfo or UTC)
