"""Fault injection: the faults that a request triggers, the replies that they produce, and how these are sent.

A fault can delay a response, cut it or split it. Such a response is sent by actions: wait, send bytes, close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, NoReturn

from emulator.core.call import HTML, Reply, ResponseFault
from emulator.core.errors import ApiError, ControlError, InvalidDocument
from emulator.core.records import Package, TransferOrder
from emulator.domain.fault_rules import FAULT_KINDS, NO_REPLY, FaultTarget, triggered_faults, validate_options
from emulator.domain.state_graph import Subject
from emulator.domain.traffic import build_overtaking_steps
from emulator.state.clock import sleep
from emulator.state.faults import OVERTAKEN
from emulator.web.context import Environ, Match, RequestContext
from emulator.web.dispatch import BAD_REQUEST, respond
from emulator.web.hints import hint_header, with_hint
from emulator.worlds.loading.scenarios import replay_step

FAULT_HEADER = "HTTP_X_EMULATOR_FAULT"
HEADER_NOT_ALLOWED = (
    "X-Emulator-Fault was ignored: only serve --allow-fault-header, or allow_fault_header=True, obeys it"
)
RECORD_TYPES: Mapping[str, type[Any]] = {"/packages/": Package, "/transfer_orders/": TransferOrder}
"""Part of a path -> the records that its `pk` identifies."""


class FaultSpec(NamedTuple):
    """A fault to apply to a call."""

    kind: str
    options: dict[str, Any]
    action: Callable[[], object] | None = None
    """For an overtaken call: what the other actor does."""


DETACH = "emulator.detach"
"""Key in the WSGI environment: a function that takes the actions over from the application. It raises."""
STREAM = "emulator.stream"
"""Key in the WSGI environment: the same function for actions without an end. They end when the client disconnects."""
WAIT = "emulator.wait"
"""Key in the WSGI environment: a function that waits for some seconds in place of `sleep`."""


class Wait(NamedTuple):
    """Send nothing for some seconds."""

    seconds: float


class Close(NamedTuple):
    """Close or reset the connection."""

    by_reset: bool


SendAction = Wait | Close | bytes
"""A step of sending a response: wait, close the connection, or send these bytes."""
Detach = Callable[[Iterator[SendAction]], NoReturn]


def respond_with_faults(context: RequestContext, *, allow_header: bool) -> Reply:
    """Reply to a request that armed faults or the header X-Emulator-Fault may affect."""
    header = context.environ.get(FAULT_HEADER)
    try:
        requested = [] if header is None or not allow_header else [parse_fault_header(header)]
        for fault in requested:
            context.world.check_fault(fault.kind)
    except InvalidDocument as error:
        return Reply(400, BAD_REQUEST, hint_header(f"X-Emulator-Fault: {error}"), HTML)
    call = build_fault_target(context)
    triggered = triggered_faults(context.world, call)
    faults = [FaultSpec(fault.kind, dict(fault.options), fault.action) for fault in triggered] + requested
    run = partial(respond, context)
    reply = apply_faults(context, call, faults, run) if faults else run()
    if header is not None and not allow_header:
        reply = reply._replace(headers={**hint_header(HEADER_NOT_ALLOWED), **reply.headers})
    return reply


def apply_faults(
    context: RequestContext, call: FaultTarget, faults: list[FaultSpec], run: Callable[[], Reply]
) -> Reply:
    """Apply faults to the reply of `run`. The first fault that replaces the reply keeps the handler from running."""
    replacing = [fault for fault in faults if FAULT_KINDS[fault.kind].replaces_response][:1]
    applied = replacing + [fault for fault in faults if not FAULT_KINDS[fault.kind].replaces_response]
    refusals = [refusal for fault in faults if fault.kind == OVERTAKEN and (refusal := overtake(context, fault))]
    if replacing:
        context.info.operation, context.info.role = call.operation, call.token
        reply = NO_REPLY
    else:
        reply = run()
    for fault in applied:
        reply = FAULT_KINDS[fault.kind].run(call, reply, **fault.options)
    context.info.fault = ", ".join(dict.fromkeys(fault.kind for fault in applied))
    if refusals:
        reply = with_hint(reply, "; ".join(refusals))
    return reply._replace(headers={**reply.headers, "X-Emulator-Fault": context.info.fault})


def overtake(context: RequestContext, fault: FaultSpec) -> str | None:
    """Change the record as another actor before the call. Return a hint if the actor was refused."""
    if fault.action is not None:
        fault.action()
        return None
    world, subject = context.world, None if context.match is None else record_in_path(context, context.match)
    if subject is None:
        return "overtaken: the path names no package and no transfer order"
    try:
        for step in build_overtaking_steps(world.records, subject, fault.options.get("transition")):
            replay_step(world, step._replace(request_id=world.new_request_id()))
    except (ApiError, ControlError) as error:
        return f"overtaken: the other actor was refused: {error}"
    return None


def build_fault_target(context: RequestContext) -> FaultTarget:
    """Return what the conditions and the functions of faults need to know about a request."""
    call = FaultTarget(None, context.method, context.path, context.query_string)
    if (match := context.match) is None:
        return call
    with suppress(ApiError):
        call = call._replace(token=None if context.credential is None else context.credential.role)
    subject = record_in_path(context, match)
    return call._replace(
        operation=None if context.route is None else context.route.operation,
        scheme=match.resource.any_route.auth_scheme or "Token",
        content_type=context.content_type,
        allow=match.resource.allow,
        state=None if subject is None else subject.state,
        record=None if subject is None else f"{type(subject).__name__} {subject.id}",
    )


def record_in_path(context: RequestContext, match: Match) -> Subject | None:
    """Return the package or transfer order that the path identifies, or None."""
    pk, route_path = match.path.get("pk"), match.resource.any_route.path
    kind: type[Any] | None = next((kind for part, kind in RECORD_TYPES.items() if part in route_path), None)
    return None if pk is None or kind is None else context.world.records.get(kind, pk)


def parse_fault_header(header: str) -> FaultSpec:
    """Parse X-Emulator-Fault: a status, or a kind with options such as `delay;seconds=2`.

    Raises `InvalidDocument` if the kind or an option is unknown.
    """
    kind, *parts = (part.strip() for part in header.split(";"))
    if kind.isascii() and kind.isdigit():
        kind, parts = "status", [f"status={kind[:9]}", *parts]
    options = dict(parse_option(part) for part in parts if part)
    return FaultSpec(kind, validate_options(kind, options))


def parse_option(part: str) -> tuple[str, Any]:
    """Parse `name=value`. A value that looks like a number becomes one."""
    name, _, value = part.partition("=")
    try:
        number = float(value)
    except ValueError:
        return name, value
    return name, int(number) if number.is_integer() else number


def send_actions(fault: ResponseFault, body: bytes) -> Iterator[SendAction]:
    """Yield the actions that send a body with a fault, in order."""
    if fault.delay:
        yield Wait(fault.delay)
    if fault.silent:
        yield Close(fault.reset)
        return
    yield from split_body(body if fault.sent is None else body[: fault.sent], fault.pieces, fault.drip)
    if fault.sent is not None and body:
        yield Close(fault.reset)


def split_body(body: bytes, pieces: int, seconds: float) -> Iterator[SendAction]:
    """Yield the pieces of a body with waits between them. An empty body is one piece."""
    if not body:
        yield body
    size = max(1, -(-len(body) // pieces))
    for at in range(0, len(body), size):
        if at:
            yield Wait(seconds / max(1, pieces - 1))
        yield body[at : at + size]


def send_with_fault(reply: Reply, environ: Environ, start: Callable[[], object], body: bytes) -> Iterable[bytes]:
    """Send a reply that has a fault. `start` sends the status and the headers, `body` follows them.

    The server and the in-process session put a `DETACH` function into the environment: it takes the actions over and
    raises. Without one, this function waits in its thread and ends the body early for a cut. Where no response may be
    sent it raises `ConnectionResetError`, as plain WSGI cannot close a connection.
    """
    fault = reply.fault or ResponseFault()
    actions = send_actions(fault, body)
    if not fault.silent:
        start()
    detach: Detach | None = environ.get(DETACH)
    return send_plainly(actions, environ.get(WAIT, sleep)) if detach is None else detach(actions)


def send_plainly(actions: Iterator[SendAction], wait: Callable[[float], object]) -> Iterable[bytes]:
    """Carry out the actions up to the first bytes now, and the others while the server iterates the body."""
    chunks = sent_chunks(actions, wait)
    return chain([next(chunks)], chunks)


def sent_chunks(actions: Iterator[SendAction], wait: Callable[[float], object]) -> Iterator[bytes]:
    """Yield the bytes to send, and wait between them. A close ends the body if it has begun."""
    has_begun = False
    for action in actions:
        if isinstance(action, Wait):
            wait(action.seconds)
        elif isinstance(action, bytes):
            has_begun = True
            yield action
        elif has_begun:
            return
        else:
            raise ConnectionResetError("a fault ended the connection without an answer")
