"""The WSGI application of an emulator: it sends requests to the control API or to the emulated API of a world.

Requests to the emulated API do not pass through Flask: they follow Django REST framework, and the path stays short.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from emulator.api.routes import ROUTES
from emulator.core.call import Reply
from emulator.state.clock import machine_seconds
from emulator.state.journal import Exchange
from emulator.web.context import Environ, RequestContext
from emulator.web.cors import Cors, is_preflight
from emulator.web.delayed_response import send_with_fault
from emulator.web.dispatch import ResponseCache, respond
from emulator.web.fault_injection import FAULT_HEADER, respond_with_faults
from emulator.web.hints import add_error_hints, hint_header
from emulator.web.record_coverage import record_coverage
from emulator.web.urls import HTML, NOT_FOUND, Router, decode_path, path_bytes
from emulator.worlds.registry import DEFAULT_WORLD, UnknownWorld, WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication
    from flask import Flask

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
        environ, world = context.environ, context.world
        is_recorded = not is_inspector_read(environ)
        if is_recorded and (world.faults.armed or FAULT_HEADER in environ):
            reply = respond_with_faults(context, self.cache, allow_header=self.allow_fault_header)
        else:
            reply = respond(context, self.cache)
        if reply.status > 300 and context.info.fault is None:
            reply = add_error_hints(context, reply, self.worlds)
        if is_recorded:
            world.journal.add(journal_exchange(context, reply))
            record_coverage(context, reply)
            self.worlds.metrics.count(context.info.operation, reply.status, context.info.fault)
        return reply


def is_inspector_read(environ: Mapping[str, Any]) -> bool:
    """Return whether the inspector only reads: that would push the client's exchanges out of the journal."""
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    return is_read and environ.get("HTTP_REFERER", "").endswith(INSPECTOR_PATH)


def split_world(path: str, environ: Mapping[str, Any]) -> tuple[str, str, str]:
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


def journal_exchange(context: RequestContext, reply: Reply) -> Exchange:
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
        machine_seconds(),
    )


def send_reply(
    reply: Reply, environ: Mapping[str, Any], request_id: str, start_response: Callable[..., Any]
) -> Iterable[bytes]:
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


ROUTER = Router(ROUTES)


class LazyControlApi:
    """The control API. It is created by its first request, because importing Flask takes longer than a start."""

    def __init__(self, make: Callable[[], Flask]) -> None:
        self._make = make

    @cached_property
    def app(self) -> Flask:
        return self._make()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # The method of the class: `as_flask` replaces the instance's `wsgi_app` by the emulator's application.
        return type(self.app).wsgi_app(self.app, environ, start_response)


def create_emulator_app(
    worlds: WorldRegistry,
    allowed_hosts: Collection[str] = (),
    cors_origins: Collection[str] = (),
    *,
    allow_fault_header: bool = False,
) -> tuple[EmulatorApp, LazyControlApi]:
    """Create the application, and the control API that it contains."""

    def make() -> Flask:
        from emulator.web.admin import control_api  # noqa: PLC0415 - imports Flask, see Control

        return control_api(worlds, allowed_hosts)

    control = LazyControlApi(make)
    app = EmulatorApp(worlds, ROUTER, control, Cors(cors_origins), allow_fault_header=allow_fault_header)
    return app, control


def create_app(
    worlds: WorldRegistry, allowed_hosts: Collection[str] = (), cors_origins: Collection[str] = ()
) -> Flask:
    """Create the application as a Flask application."""
    return as_flask(*create_emulator_app(worlds, allowed_hosts, cors_origins))


def as_flask(app: EmulatorApp, control: LazyControlApi) -> Flask:
    """Return the control API's Flask application, with `wsgi_app` replaced by the emulator's application."""
    control.app.wsgi_app = app  # type: ignore[method-assign]
    return control.app
