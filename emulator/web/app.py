"""The WSGI application of an emulator: it sends requests to the control API or to the emulated API of a world.

Requests to the emulated API pass through Flask only if the owner of the Flask application changed it.
Each exchange with the emulated API is recorded in the journal, the coverage and the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Protocol

from emulator.api.parameters import SORT
from emulator.api.routes import ROUTES, ROUTES_BY_OPERATION, AuthScheme
from emulator.api.serializers.rendering import to_json
from emulator.api.views.records import find_requested_transition
from emulator.core.call import HTML, Reply
from emulator.core.errors import ApiError, AuthenticationFailed, BadRequest
from emulator.domain.scenario_files import DOCUMENTED
from emulator.domain.state_graph import STATE_GRAPHS, find_transition_name
from emulator.state.clock import is_sleep_replaced, machine_seconds
from emulator.state.journal import CoverageKey, Exchange
from emulator.state.world import World
from emulator.web.access_log import is_enabled, log_request, log_when_started
from emulator.web.authentication import EXPIRED, INACTIVE
from emulator.web.context import (
    WORLD_KEY,
    Environ,
    KnownHeads,
    RequestContext,
    RequestHead,
    Router,
    decode_path,
    escape_path,
    mount_path,
    path_bytes,
)
from emulator.web.cors import Cors, is_preflight
from emulator.web.dispatch import BAD_REQUEST, NOT_FOUND, constant_headers, respond
from emulator.web.fast_path import FastPath
from emulator.web.fault_injection import FAULT_HEADER, respond_with_faults, send_with_fault
from emulator.web.guard import Guard
from emulator.web.hints import MAX_HINT_LENGTH, add_error_hints, hint_header
from emulator.web.provenance import add_provenance
from emulator.worlds.registry import DEFAULT_WORLD, UnknownWorld, WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

CONTROL_PATH = "/__admin"
"""Path of the control API."""
WORLD_PREFIX = "/w/"
"""Prefix of a path that names a world: `/w/<name>/...`."""
NO_REQUEST_ID = "00000000"
"""Request id of a response that is in no journal."""
MAX_URL_BYTES = 128 * 1024
"""Longest path and query (assumed: the servers before the real service limit a URL, the pages do not say to what)."""
URL_TOO_LONG = {"error": f"the URL is longer than {MAX_URL_BYTES} bytes"}
LONG_URL_PAGE = Reply(400, BAD_REQUEST, hint_header(URL_TOO_LONG["error"]), HTML)
INSPECTOR_PATH = f"{CONTROL_PATH}/ui/"
CONTENT_HEADERS = ("CONTENT_TYPE", "CONTENT_LENGTH")
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

COMMAND_GRAPHS = {route.operation: graph for route in ROUTES if (graph := route.state_graph) is not None}
"""Operation of a command -> the state graph whose transitions it runs."""
TRANSITION_DIMENSIONS = {200: "transitions", 204: "transitions", 400: "refusals"}
"""Status of a command -> the dimension in which its transition counts."""
ANY_OPERATION = "*"
REJECTED_CALLERS = {EXPIRED: "expired", INACTIVE: "inactive"}
"""Authentication error -> the credential that counts; any other error counts as `invalid`."""


class FlaskWay(Protocol):
    """The Flask application around an emulator."""

    @property
    def has_middleware(self) -> bool: ...

    @property
    def is_customized(self) -> bool: ...

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as a server of the Flask application does."""


class Interceptor(Protocol):
    """Replies in place of the emulator, for reruns of a test suite."""

    def respond(self, context: RequestContext, proceed: Callable[[RequestContext], Reply]) -> Reply:
        """Return the reply to a request. `proceed` returns the reply of the emulator."""


class EmulatorApp:
    """The WSGI application of an emulator."""

    interceptor: ClassVar[Interceptor | None] = None
    """Replies to the requests of all emulators of the process. None: the emulators reply."""

    def __init__(  # noqa: PLR0913 - the parts of the application
        self,
        worlds: WorldRegistry,
        router: Router,
        control: WSGIApplication,
        cors: Cors,
        guard: Guard,
        *,
        allow_fault_header: bool = False,
    ) -> None:
        self.worlds, self.router, self.control_api, self.cors = worlds, router, control, cors
        self.guard, self.allow_fault_header = guard, allow_fault_header
        self.fast_path, self.heads = FastPath(worlds), KnownHeads()
        self.flask: FlaskWay | None = None
        """The Flask application if it was handed out, so that its owner may have changed it."""

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        flask = self.flask
        if flask is not None and (flask.has_middleware or flask.is_customized):
            return flask(environ, start_response)
        return self.serve(environ, start_response)

    def serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request in the short way. Only the control API passes through Flask."""
        head = None
        if environ["REQUEST_METHOD"] != "GET":
            head = self.heads.get(environ)
        elif not self.cors.varies_by_origin and self.interceptor is None:
            known = self.fast_path.serve(environ, start_response)
            if known is not None:
                return known
        if head is None:
            raw_path = path_bytes(environ)
            head = RequestHead(*split_world(decode_path(raw_path), environ))
            if len(raw_path) + len(environ.get("QUERY_STRING", "")) > MAX_URL_BYTES:
                reply = Reply(400, to_json(URL_TOO_LONG)) if is_control_path(head.path) else LONG_URL_PAGE
                return send_reply(reply, environ, NO_REQUEST_ID, start_response)
            if is_control_path(head.path):
                return self.control_api(environ, start_response)
        if is_enabled() and not self.is_inspector_read(environ):
            start_response = log_when_started(environ, start_response)
        if self.cors.varies_by_origin or "HTTP_ORIGIN" in environ:
            if is_preflight(environ):
                headers = self.preflight_headers(environ, head)
                start_response("200 OK", [*headers, *self.cors.response_headers(environ)])
                return []
            start_response = self.cors.wrap(start_response, environ)
        reply, request_id = self.answer(environ, head)
        return send_reply(reply, environ, request_id, start_response)

    def answer(self, environ: Environ, head: RequestHead) -> tuple[Reply, str]:
        """Return the reply to a request to the emulated API of a world, and the id of the request."""
        try:
            world = self.worlds.get(head.world)
        except UnknownWorld as error:
            return Reply(404, NOT_FOUND, hint_header(error.message), HTML), NO_REQUEST_ID
        if head.path == "/" and accepts_html(environ):
            location = escape_path(mount_path(environ) + head.prefix) + INSPECTOR_PATH
            return Reply(302, b"", {"Location": location}, HTML), NO_REQUEST_ID
        context = RequestContext(environ, world, self.router, head)
        reply = self.respond(context)
        if not head.parsed and context.method != "GET":
            self.heads.add(context, head)
        if reply.fault is not None and reply.fault.silent and is_enabled():
            log_request(environ, None, response_headers(reply, context.request_id), 0)
        return reply, context.request_id

    def preflight_headers(self, environ: Environ, head: RequestHead) -> list[tuple[str, str]]:
        """Return the headers of the response to a preflight request, without those of CORS.

        A refusal is explained in a hint, and recorded in the journal.
        """
        headers = {"Content-Length": "0"}
        if (refusal := self.cors.preflight_refusal(environ)) is not None:
            headers |= hint_header(refusal[:MAX_HINT_LENGTH])
            with suppress(UnknownWorld):
                context = RequestContext(environ, self.worlds.get(head.world), self.router, head)
                headers["X-Emulator-Request-Id"] = context.request_id
                reply = Reply(200, b"", headers)
                context.world.journal.add(journal_exchange(context, reply, machine_seconds()))
        return list(headers.items())

    def respond(self, context: RequestContext) -> Reply:
        """Return the reply with its hints, and record the exchange. Reads of the inspector are not recorded."""
        environ, world, began = context.environ, context.world, machine_seconds()
        is_recorded = True
        if is_from_browser(environ):
            is_recorded = not self.is_inspector_read(environ)
            context.is_from_foreign_page = self.guard.is_foreign_page(environ)
        if is_recorded and self.interceptor is not None:
            reply = self.interceptor.respond(context, self._reply_to)
        else:
            reply = self._reply_to(context, is_recorded=is_recorded)
        if is_recorded:
            exchange = journal_exchange(context, reply, began)
            if world.provenance is not None:
                reply = add_provenance(world, exchange, reply)
                exchange = journal_exchange(context, reply, began)
            world.journal.add(exchange)
            covered = record_coverage(context, reply)
            self.worlds.metrics.count(context.info.operation, reply.status, context.info.fault)
            if context.answered_from is not None and self.interceptor is None:
                self.fast_path.add(context, reply, exchange, covered)
        return reply

    def _reply_to(self, context: RequestContext, *, is_recorded: bool = True) -> Reply:
        """Return the reply with the faults that the request triggers, or with the hints of an error."""
        if is_recorded and (context.world.faults.armed or FAULT_HEADER in context.environ):
            reply = respond_with_faults(context, allow_header=self.allow_fault_header)
        else:
            reply = respond(context)
        if reply.status > 300 and not context.info.is_altered:
            return add_error_hints(context, reply, self.worlds)
        return reply

    def is_inspector_read(self, environ: Environ) -> bool:
        """Return whether the inspector only reads: that would push the client's exchanges out of the journal."""
        is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        return is_read and self.guard.is_from_inspector(environ, INSPECTOR_PATH)


def is_from_browser(environ: Environ) -> bool:
    """Return whether a page of a browser may have sent the request."""
    return "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ


def accepts_html(environ: Environ) -> bool:
    """Return whether a browser opens the URL as a page."""
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and "text/html" in environ.get("HTTP_ACCEPT", "")


def is_control_path(path: str) -> bool:
    """Return whether a path without the prefix of a world belongs to the control API."""
    return path == CONTROL_PATH or path.startswith(CONTROL_PATH + "/")


def split_world(path: str, environ: Environ) -> tuple[str, str, str]:
    """Return the name of the world, the prefix that names it and the path in it. The path wins over the header."""
    if WORLD_KEY in environ:
        return environ[WORLD_KEY], "", path
    if path.startswith(WORLD_PREFIX):
        name, _, rest = path[len(WORLD_PREFIX) :].partition("/")
        return name, WORLD_PREFIX + name, "/" + rest
    return environ.get("HTTP_X_EMULATOR_WORLD", DEFAULT_WORLD), "", path


def world_environ(environ: Environ) -> Environ:
    """Return the WSGI environment for Flask: the world by name, and its prefix in SCRIPT_NAME."""
    raw = path_bytes(environ)
    name, prefix, _ = split_world(decode_path(raw), environ)
    path = raw.decode("latin-1")
    inner = "/" + path[len(WORLD_PREFIX) :].partition("/")[2] if prefix else path  # as sent: decoding can shorten it
    root = environ.get("SCRIPT_NAME", "").rstrip("/") + prefix.encode().decode("latin-1")
    return {**environ, WORLD_KEY: name, "PATH_INFO": inner, "SCRIPT_NAME": root}


def journal_exchange(context: RequestContext, reply: Reply, began: float) -> Exchange:
    """Return what the journal keeps of a request and its reply."""
    environ = context.environ
    context.info.body = context.body_bytes
    headers = {name: value for name, value in environ.items() if name[:5] == "HTTP_" or name in CONTENT_HEADERS}
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
        is_sleep_replaced(),
        ended - began,
    )


def response_headers(reply: Reply, request_id: str) -> list[tuple[str, str]]:
    """Return the headers of the response to a request."""
    return [("X-Emulator-Request-Id", request_id), *constant_headers(reply)]


def send_reply(reply: Reply, environ: Environ, request_id: str, start_response: StartResponse) -> Iterable[bytes]:
    """Send a reply. The response to HEAD has the headers of GET and no body."""
    headers = response_headers(reply, request_id)
    body = b"" if str(environ["REQUEST_METHOD"]).upper() == "HEAD" else reply.body
    if reply.fault is not None:
        return send_with_fault(reply, environ, lambda: start_response(STATUS_LINES[reply.status], headers), body)
    start_response(STATUS_LINES[reply.status], headers)
    return [body] if body else []


def record_coverage(context: RequestContext, reply: Reply) -> tuple[CoverageKey, ...]:
    """Count what an exchange covers, and return it."""
    if context.info.is_altered:
        return ()
    register_graph(context.world)
    covered = covered_keys(context, reply)
    context.world.coverage.add(covered)
    return covered


def covered_keys(context: RequestContext, reply: Reply) -> tuple[CoverageKey, ...]:
    """Return what an exchange covers."""
    info = context.info
    if info.operation is None:
        return (("statuses", f"{ANY_OPERATION} {reply.status}"),) if reply.status >= 300 else ()
    route = ROUTES_BY_OPERATION[info.operation]
    caller = info.role
    if caller is None and route.auth_scheme is not None:
        caller = rejected_caller(context)
    covered = covered_by_any(route.operation, route.auth_scheme, caller, reply.status)
    if route.filter_set is not None and reply.status == 200 and context.query_string:
        covered = (*covered, *covered_filters(context, route.filter_set))
    if (graph := COMMAND_GRAPHS.get(route.operation)) is not None and reply.status in TRANSITION_DIMENSIONS:
        covered = (*covered, *covered_transition(context, graph, TRANSITION_DIMENSIONS[reply.status]))
    return covered


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
    source, bases = world.settings.source, world.coverage.bases
    if not source.answers:
        if bases.get(source.installation) is None:
            bases[source.installation] = world.base
    elif source.name.startswith(DOCUMENTED):
        bases.setdefault(source.installation, None)
    else:
        bases.setdefault(source.name, world.base)


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
        enum_class, name = find_transition_name(view, find_requested_transition(view, context.body).id, None)
        if enum_class == STATE_GRAPHS[graph][1]:
            return [(dimension, name)]
    return []
