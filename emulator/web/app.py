"""The WSGI application of an emulator: it sends requests to the control API or to the emulated API of a world.

Requests to the emulated API do not pass through Flask: they follow Django REST framework, and the path stays short.
Each exchange with the emulated API is recorded in the journal, the coverage and the metrics.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from emulator.api.parameters import SORT
from emulator.api.request_fields import COMMAND_FIELDS
from emulator.api.routes import ROUTES, AuthScheme
from emulator.core.call import Reply
from emulator.core.errors import ApiError, AuthenticationFailed, BadRequest
from emulator.core.fields import validate
from emulator.core.records import State
from emulator.domain.scenario_files import DOCUMENTED
from emulator.domain.state_graph import STATE_GRAPHS, find_transition, transition_name
from emulator.state.clock import machine_seconds
from emulator.state.journal import CoverageKey, Exchange
from emulator.state.world import World
from emulator.web.authentication import EXPIRED, INACTIVE
from emulator.web.context import Environ, RequestContext, Router, decode_path, path_bytes
from emulator.web.cors import Cors, is_preflight
from emulator.web.dispatch import HTML, NOT_FOUND, ResponseCache, respond
from emulator.web.fault_injection import FAULT_HEADER, respond_with_faults, send_with_fault
from emulator.web.hints import add_error_hints, hint_header
from emulator.worlds.registry import DEFAULT_WORLD, UnknownWorld, WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

ACCESS_LOG = logging.getLogger("emulator.access")
CONTROL_PATH = "/__admin"
"""Path of the control API."""
WORLD_PREFIX = "/w/"
"""Prefix of a path that names a world: `/w/<name>/...`."""
WORLD_KEY = "emulator.world"
"""Key in the WSGI environment for the control API: the name of the world."""
NO_REQUEST_ID = "00000000"
"""Request id of a response that is in no journal."""
INSPECTOR_PATH = f"{CONTROL_PATH}/ui/"
CONTENT_HEADERS = ("CONTENT_TYPE", "CONTENT_LENGTH")
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

ROUTES_BY_OPERATION = {route.operation: route for route in ROUTES}
COMMAND_GRAPHS = {route.operation: graph for route in ROUTES if (graph := route.state_graph) is not None}
"""Operation of a command -> the state graph whose transitions it runs."""
TRANSITION_FIELDS = {key: COMMAND_FIELDS[key] for key in ("transition", "slug")}
"""The fields of a command that name its transition. The other fields may be invalid."""
TRANSITION_DIMENSIONS = {200: "transitions", 204: "transitions", 400: "refusals"}
"""Status of a command -> the dimension in which its transition counts."""
ANY_OPERATION = "*"
REJECTED_CALLERS = {EXPIRED: "expired", INACTIVE: "inactive"}
"""Authentication error -> the credential that counts; any other error counts as `invalid`."""


class EmulatorApp:
    """The WSGI application of an emulator."""

    def __init__(
        self,
        worlds: WorldRegistry,
        router: Router,
        control: WSGIApplication,
        cors: Cors,
        *,
        allow_fault_header: bool = False,
    ) -> None:
        self.worlds, self.router, self.control_api, self.cors = worlds, router, control, cors
        self.allow_fault_header = allow_fault_header
        self.cache = ResponseCache()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        name, prefix, path = split_world(decode_path(path_bytes(environ)), environ)
        if path == CONTROL_PATH or path.startswith(CONTROL_PATH + "/"):
            return self.control_api(control_environ(environ, name, prefix), start_response)
        if self.cors.is_restricted or "HTTP_ORIGIN" in environ:
            if is_preflight(environ):
                return self.cors.preflight(start_response, environ)
            start_response = self.cors.wrap(start_response, environ)
        try:
            world = self.worlds.get(name)
        except UnknownWorld as error:
            reply = Reply(404, NOT_FOUND, hint_header(error.message), HTML)
            return send_reply(reply, environ, NO_REQUEST_ID, start_response)
        context = RequestContext(environ, world, self.router, path, prefix)
        reply = self.respond(context)
        if ACCESS_LOG.isEnabledFor(logging.INFO):
            ACCESS_LOG.info("%s %s %s -> %d", context.request_id, context.method, prefix + path, reply.status)
        return send_reply(reply, environ, context.request_id, start_response)

    def respond(self, context: RequestContext) -> Reply:
        """Return the reply with its hints, and record the exchange. Reads of the inspector are not recorded."""
        environ, world, began = context.environ, context.world, machine_seconds()
        is_recorded = not is_inspector_read(environ)
        if is_recorded and (world.faults.armed or FAULT_HEADER in environ):
            reply = respond_with_faults(context, self.cache, allow_header=self.allow_fault_header)
        else:
            reply = respond(context, self.cache)
        if reply.status > 300 and context.info.fault is None:
            reply = add_error_hints(context, reply, self.worlds)
        if is_recorded:
            world.journal.add(journal_exchange(context, reply, began))
            record_coverage(context, reply)
            self.worlds.metrics.count(context.info.operation, reply.status, context.info.fault)
        return reply


def is_inspector_read(environ: Environ) -> bool:
    """Return whether the inspector only reads: that would push the client's exchanges out of the journal."""
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    return is_read and environ.get("HTTP_REFERER", "").endswith(INSPECTOR_PATH)


def split_world(path: str, environ: Environ) -> tuple[str, str, str]:
    """Return the name of the world, the prefix that names it and the path in it. The path wins over the header."""
    if path.startswith(WORLD_PREFIX):
        name, _, rest = path[len(WORLD_PREFIX) :].partition("/")
        return name, WORLD_PREFIX + name, "/" + rest
    return environ.get("HTTP_X_EMULATOR_WORLD", DEFAULT_WORLD), "", path


def control_environ(environ: Environ, name: str, prefix: str) -> Environ:
    """Return the WSGI environment for the control API: the world by name, and its prefix in SCRIPT_NAME."""
    path = path_bytes(environ).decode("latin-1")
    inner = "/" + path[len(WORLD_PREFIX) :].partition("/")[2] if prefix else path  # as sent: decoding can shorten it
    root = environ.get("SCRIPT_NAME", "") + prefix.encode().decode("latin-1")
    return {**environ, WORLD_KEY: name, "PATH_INFO": inner, "SCRIPT_NAME": root}


def journal_exchange(context: RequestContext, reply: Reply, began: float) -> Exchange:
    """Return what the journal keeps of a request and its reply."""
    environ = context.environ
    context.info.body = context.body_bytes
    headers = {name: environ[name] for name in environ if name.startswith("HTTP_") or name in CONTENT_HEADERS}
    return Exchange(
        context.request_id,
        context.world.clock.now(),
        context.method,
        context.path,
        context.query_string,
        reply.status,
        context.info,
        headers,
        {**reply.headers, "Content-Type": reply.content_type},
        reply.body,
        ended := machine_seconds(),
        ended - began,
    )


def send_reply(reply: Reply, environ: Environ, request_id: str, start_response: StartResponse) -> Iterable[bytes]:
    """Send a reply. The response to HEAD has the headers of GET and no body."""
    headers = [("X-Emulator-Request-Id", request_id)]
    if reply.status != HTTPStatus.NO_CONTENT:  # RFC 9110 forbids a length there, and servers drop it
        headers += (("Content-Length", str(len(reply.body))), ("Content-Type", reply.content_type))
    headers.extend(reply.headers.items())
    body = b"" if str(environ["REQUEST_METHOD"]).upper() == "HEAD" else reply.body
    if reply.fault is not None:
        return send_with_fault(reply, environ, lambda: start_response(STATUS_LINES[reply.status], headers), body)
    start_response(STATUS_LINES[reply.status], headers)
    return [body] if body else []


def record_coverage(context: RequestContext, reply: Reply) -> None:
    """Count what an exchange covers."""
    info, coverage = context.info, context.world.coverage
    if info.fault is not None:
        return
    register_graph(context.world)
    if info.operation is None:
        if reply.status >= 300:
            coverage.add((("statuses", f"{ANY_OPERATION} {reply.status}"),))
        return
    route = ROUTES_BY_OPERATION[info.operation]
    caller = info.role
    if caller is None and route.auth_scheme is not None:
        caller = rejected_caller(context)
    coverage.add(covered_by_any(route.operation, route.auth_scheme, caller, reply.status))
    if route.filter_set is not None and reply.status == 200 and context.query_string:
        coverage.add(covered_filters(context, route.filter_set))
    if (graph := COMMAND_GRAPHS.get(route.operation)) is not None and reply.status in TRANSITION_DIMENSIONS:
        coverage.add(covered_transition(context, graph, TRANSITION_DIMENSIONS[reply.status]))


@lru_cache(maxsize=4096)
def covered_by_any(
    operation: str, scheme: AuthScheme | None, caller: str | None, status: int
) -> tuple[CoverageKey, ...]:
    """Return what every response of an operation covers."""
    covered = (("operations", operation), ("statuses", f"{operation} {status}"))
    return covered if scheme is None else (*covered, ("credentials", f"{scheme} {caller}"))


def register_graph(world: World) -> None:
    """Register the states and transitions that can be covered: those of an installation or of recorded responses.

    Scenarios of the documentation's samples register none: their samples come from many installations.
    """
    settings, bases = world.settings, world.coverage.bases
    if settings.source is None or not settings.source.answers:
        if bases.get(settings.installation) is None:
            bases[settings.installation] = world.base
    elif settings.scenario.startswith(DOCUMENTED):
        bases.setdefault(settings.installation, None)
    else:
        bases.setdefault(settings.scenario, world.base)


def rejected_caller(context: RequestContext) -> str:
    """Return why a caller has no role: `none`, `inactive`, `expired` or `invalid`."""
    try:
        _ = context.credential
    except AuthenticationFailed as error:
        return REJECTED_CALLERS.get(str(error.detail), "invalid")
    return "none"


def covered_filters(context: RequestContext, filters: str) -> list[CoverageKey]:
    """Return the filters that a list request applied, under their own names without aliases, and the order."""
    if (query := context.list_query) is None:
        return []
    names = [condition.filter.name for condition in query.conditions]
    return [("filters", f"{filters}.{name}") for name in dict.fromkeys([*names, SORT] if query.sort else names)]


def covered_transition(context: RequestContext, graph: str, dimension: str) -> list[CoverageKey]:
    """Return the transition that a command made or that was refused, if the body names one of the graph."""
    view = context.world.records
    with suppress(ApiError, BadRequest):
        fields = validate(TRANSITION_FIELDS, context.body)
        transition = find_transition(view, fields.get("transition"), fields.get("slug"))
        if view.get_existing(State, transition.source_state).enum_class == STATE_GRAPHS[graph][1]:
            return [(dimension, transition_name(view, transition))]
    return []
