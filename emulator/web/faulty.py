"""Faults on the way through: which of them meet a request, what they make of its answer, and who asked for one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from emulator.core.errors import ApiError, BadRequest
from emulator.core.exchange import Reply
from emulator.core.records import Package, TransferOrder
from emulator.core.refusals import InvalidDocument
from emulator.routes import Route
from emulator.rules.arming import met
from emulator.rules.faults import FAULTS, NO_REPLY, Meeting, checked_options
from emulator.web.access import authenticate
from emulator.web.answers import Answers
from emulator.web.dispatch import Arrival, answer, body_reader, hint_header
from emulator.web.pages import BAD_REQUEST, HTML
from emulator.web.routing import Match, Router

HEADER = "HTTP_X_EMULATOR_FAULT"
NOT_ALLOWED = "X-Emulator-Fault was ignored: only serve --allow-fault-header, or allow_fault_header=True, obeys it"
KINDS: Mapping[str, type[Any]] = {"/packages/": Package, "/transfer_orders/": TransferOrder}
"""Part of a path -> the records that its `pk` names."""
Found = tuple[str, dict[str, Any]]
"""Kind and options of a fault."""


def disturbed(arrival: Arrival, router: Router, answers: Answers, *, obeys_header: bool) -> Reply:
    """Answer a request that faults may meet: those armed in its world, and the one that it asks for itself."""
    asked = arrival.environ.get(HEADER)
    try:
        own = [] if asked is None or not obeys_header else [fault_of(asked)]
    except InvalidDocument as error:
        return Reply(400, BAD_REQUEST, hint_header(f"X-Emulator-Fault: {error}"), HTML)
    call = meeting_of(arrival, router)
    found = [(fault.kind, dict(fault.options)) for fault in met(arrival.world, call)] + own
    reply = suffered(arrival, call, found, router, answers) if found else answer(arrival, router, answers)
    if asked is not None and not obeys_header:
        reply = replace(reply, headers={**hint_header(NOT_ALLOWED), **reply.headers})
    return reply


def suffered(arrival: Arrival, call: Meeting, found: list[Found], router: Router, answers: Answers) -> Reply:
    """Give the answer that faults leave: the first that takes its place, then what the others do to it."""
    instead = [fault for fault in found if FAULTS[fault[0]].is_instead][:1]
    acting = instead + [fault for fault in found if not FAULTS[fault[0]].is_instead]
    reply = unhandled(arrival, call) if instead else answer(arrival, router, answers)
    for kind, options in acting:
        reply = FAULTS[kind].run(call, reply, **options)
    arrival.seen.fault = ", ".join(kind for kind, _ in acting)
    return replace(reply, headers={**reply.headers, "X-Emulator-Fault": arrival.seen.fault})


def unhandled(arrival: Arrival, call: Meeting) -> Reply:
    """Note of a call that nobody handles what the journal tells of it."""
    arrival.seen.operation, arrival.seen.token = call.operation, call.token
    with suppress(ApiError, BadRequest):
        body_reader(arrival.environ, arrival.seen)()
    return NO_REPLY


def meeting_of(arrival: Arrival, router: Router) -> Meeting:
    """Give a request as faults see it."""
    environ, match = arrival.environ, router.match(arrival.path)
    plain = Meeting(None, arrival.method, arrival.path, arrival.query)
    if match is None:
        return plain
    route = match.resource.route(arrival.method)
    scheme = match.resource.any.scheme or "Token"
    with suppress(ApiError):
        credential = authenticate(environ.get("HTTP_AUTHORIZATION"), scheme, arrival.world)
        plain = plain._replace(token=None if credential is None else credential.role)
    return plain._replace(
        operation=None if route is None else route.operation,
        scheme=scheme,
        content_type=str(environ.get("CONTENT_TYPE", "")),
        allow=match.resource.allow,
        state=state_of(arrival, match, match.resource.any),
    )


def state_of(arrival: Arrival, match: Match, route: Route) -> int | None:
    """Give the state of the package or transfer order that the path names, if it names one that is there."""
    pk = match.path.get("pk")
    kind: type[Any] | None = next((kind for place, kind in KINDS.items() if place in route.path), None)
    if pk is None or kind is None:
        return None
    record = arrival.world.root.get(kind, pk)
    return None if record is None else record.state


def fault_of(header: str) -> Found:
    """Read `X-Emulator-Fault`: a status, or a kind with its options: `delay;seconds=2`. `InvalidDocument` if it is
    neither.
    """
    kind, *parts = (part.strip() for part in header.split(";"))
    if kind.isascii() and kind.isdigit():
        kind, parts = "status", [f"status={kind[:9]}", *parts]
    options = dict(named_value(part) for part in parts if part)
    return kind, checked_options(kind, options)


def named_value(part: str) -> tuple[str, Any]:
    name, _, value = part.partition("=")
    try:
        number = float(value)
    except ValueError:
        return name, value
    return name, int(number) if number.is_integer() else number
