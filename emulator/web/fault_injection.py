"""Fault injection: the faults that a request triggers, and the replies that they produce."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from emulator.core.call import Reply
from emulator.core.errors import ApiError, InvalidDocument
from emulator.core.records import Package, TransferOrder
from emulator.domain.fault_rules import FAULT_KINDS, NO_REPLY, FaultTarget, triggered_faults, validate_options
from emulator.web.context import RequestContext
from emulator.web.dispatch import ResponseCache, respond
from emulator.web.hints import hint_header
from emulator.web.urls import BAD_REQUEST, HTML, Match

FAULT_HEADER = "HTTP_X_EMULATOR_FAULT"
HEADER_NOT_ALLOWED = (
    "X-Emulator-Fault was ignored: only serve --allow-fault-header, or allow_fault_header=True, obeys it"
)
RECORD_TYPES: Mapping[str, type[Any]] = {"/packages/": Package, "/transfer_orders/": TransferOrder}
"""Part of a path -> the records that its `pk` identifies."""
FaultOptions = tuple[str, dict[str, Any]]
"""Kind and options of a fault."""


def respond_with_faults(context: RequestContext, cache: ResponseCache, *, allow_header: bool) -> Reply:
    """Reply to a request that armed faults or the header X-Emulator-Fault may affect."""
    header = context.environ.get(FAULT_HEADER)
    try:
        requested = [] if header is None or not allow_header else [parse_fault_header(header)]
    except InvalidDocument as error:
        return Reply(400, BAD_REQUEST, hint_header(f"X-Emulator-Fault: {error}"), HTML)
    call = build_fault_target(context)
    faults = [(fault.kind, dict(fault.options)) for fault in triggered_faults(context.world, call)] + requested
    reply = apply_faults(context, call, faults, cache) if faults else respond(context, cache)
    if header is not None and not allow_header:
        reply = replace(reply, headers={**hint_header(HEADER_NOT_ALLOWED), **reply.headers})
    return reply


def apply_faults(
    context: RequestContext, call: FaultTarget, faults: list[FaultOptions], cache: ResponseCache
) -> Reply:
    """Apply faults to the reply. The first fault that replaces the reply keeps the handler from running."""
    replacing = [fault for fault in faults if FAULT_KINDS[fault[0]].replaces_response][:1]
    applied = replacing + [fault for fault in faults if not FAULT_KINDS[fault[0]].replaces_response]
    if replacing:
        context.info.operation, context.info.role = call.operation, call.token
        reply = NO_REPLY
    else:
        reply = respond(context, cache)
    for kind, options in applied:
        reply = FAULT_KINDS[kind].run(call, reply, **options)
    context.info.fault = ", ".join(kind for kind, _ in applied)
    return replace(reply, headers={**reply.headers, "X-Emulator-Fault": context.info.fault})


def build_fault_target(context: RequestContext) -> FaultTarget:
    """Return what the conditions and the functions of faults need to know about a request."""
    call = FaultTarget(None, context.method, context.path, context.query_string)
    if (match := context.match) is None:
        return call
    with suppress(ApiError):
        call = call._replace(token=None if context.credential is None else context.credential.role)
    return call._replace(
        operation=None if context.route is None else context.route.operation,
        scheme=match.resource.any_route.auth_scheme or "Token",
        content_type=context.content_type,
        allow=match.resource.allow,
        state=record_state(context, match),
    )


def record_state(context: RequestContext, match: Match) -> int | None:
    """Return the state of the package or transfer order that the path identifies, or None."""
    pk, route_path = match.path.get("pk"), match.resource.any_route.path
    kind: type[Any] | None = next((kind for part, kind in RECORD_TYPES.items() if part in route_path), None)
    if pk is None or kind is None:
        return None
    record = context.world.records.get(kind, pk)
    return None if record is None else record.state


def parse_fault_header(header: str) -> FaultOptions:
    """Parse X-Emulator-Fault: a status, or a kind with options such as `delay;seconds=2`.

    Raises `InvalidDocument` if the kind or an option is unknown.
    """
    kind, *parts = (part.strip() for part in header.split(";"))
    if kind.isascii() and kind.isdigit():
        kind, parts = "status", [f"status={kind[:9]}", *parts]
    options = dict(parse_option(part) for part in parts if part)
    return kind, validate_options(kind, options)


def parse_option(part: str) -> tuple[str, Any]:
    """Parse `name=value`. A value that looks like a number becomes one."""
    name, _, value = part.partition("=")
    try:
        number = float(value)
    except ValueError:
        return name, value
    return name, int(number) if number.is_integer() else number
