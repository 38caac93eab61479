"""The door: WSGI in and out, and the choice between the emulated API and the control API.

The emulated API does not pass through Flask: its protocol is the vendor's framework's, and the way in stays short.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from emulator.core.clock import machine_seconds
from emulator.core.exchange import Reply
from emulator.core.journal import Exchange, Seen
from emulator.web.answers import Answers
from emulator.web.cors import Cors, is_preflight
from emulator.web.covering import cover
from emulator.web.dispatch import Arrival, answer, hint_header, sent_body
from emulator.web.edge import send_disturbed
from emulator.web.explain import explained
from emulator.web.faulty import HEADER as FAULT
from emulator.web.faulty import disturbed
from emulator.web.pages import HTML, NOT_FOUND, decoded_path, path_bytes
from emulator.web.routing import Router
from emulator.worlds import DEFAULT_WORLD, UnknownWorld, Worlds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

LOG = logging.getLogger("emulator.access")
CONTROL = "/__admin"
WORLDS = "/w/"
"""What leads to a world by its name, before everything else in a path."""
WORLD = "emulator.world"
"""Where the control API finds the name of the world that it is called in."""
NO_REQUEST = "00000000"
"""Id of what no world has in its journal."""
INSPECTOR = f"{CONTROL}/ui/"
CONTENT_HEADERS = ("CONTENT_TYPE", "CONTENT_LENGTH")
REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Door:
    """The WSGI application of an emulator."""

    def __init__(
        self,
        worlds: Worlds,
        router: Router,
        control: WSGIApplication,
        cors: Cors,
        *,
        allow_fault_header: bool = False,
    ) -> None:
        self.worlds, self.router, self.control, self.cors = worlds, router, control, cors
        self.allow_fault_header = allow_fault_header
        self.answers = Answers()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = decoded_path(path_bytes(environ))
        name, prefix, path = addressed_world(path, environ)
        if path == CONTROL or path.startswith(CONTROL + "/"):
            return self.control(for_control(environ, name, prefix), start_response)
        if self.cors.concerns(environ):
            if is_preflight(environ):
                return self.cors.preflight(start_response, environ)
            start_response = self.cors.letting_read(start_response, environ)
        try:
            world = self.worlds.named(name)
        except UnknownWorld as error:
            return send(nowhere(error), environ, NO_REQUEST, start_response)
        request_id = world.new_request_id()
        arrival = Arrival(environ, world, path, prefix, request_id, Seen())
        looks = is_onlooking(environ)
        if not looks and (world.faults.armed or FAULT in environ):
            reply = disturbed(arrival, self.router, self.answers, obeys_header=self.allow_fault_header)
        else:
            reply = answer(arrival, self.router, self.answers)
        if reply.status > 300 and arrival.seen.fault is None:
            reply = explained(arrival, reply, self.router, self.worlds)
        if not looks:
            world.journal.add(exchange_of(arrival, reply))
            cover(arrival, reply)
            self.worlds.metrics.count(arrival.seen.operation, reply.status, arrival.seen.fault)
        if LOG.isEnabledFor(logging.INFO):
            LOG.info("%s %s %s -> %d", request_id, arrival.method, prefix + path, reply.status)
        return send(reply, environ, request_id, start_response)


def is_onlooking(environ: Mapping[str, Any]) -> bool:
    """Tell whether the inspector only looks: that is nobody's exchange, and would push others out of the journal."""
    reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    return reads and environ.get("HTTP_REFERER", "").endswith(INSPECTOR)


def addressed_world(path: str, environ: Mapping[str, Any]) -> tuple[str, str, str]:
    """Give the world that a request names, the prefix that names it, and the path in that world: the path wins."""
    if path.startswith(WORLDS):
        name, _, rest = path[len(WORLDS) :].partition("/")
        return name, WORLDS + name, "/" + rest
    return environ.get("HTTP_X_EMULATOR_WORLD", DEFAULT_WORLD), "", path


def for_control(environ: dict[str, Any], name: str, prefix: str) -> dict[str, Any]:
    """Give the environment as the control API is called: in which world, and below which path."""
    path = path_bytes(environ).decode("latin-1")
    inner = "/" + path[len(WORLDS) :].partition("/")[2] if prefix else path  # as sent: decoded it may be shorter
    root = environ.get("SCRIPT_NAME", "") + prefix.encode().decode("latin-1")
    return {**environ, WORLD: name, "PATH_INFO": inner, "SCRIPT_NAME": root}


def nowhere(error: UnknownWorld) -> Reply:
    """Answer as where no URL matches, with the reason in the hint."""
    return Reply(404, NOT_FOUND, hint_header(error.message), HTML)


def exchange_of(arrival: Arrival, reply: Reply) -> Exchange:
    """Give what the journal keeps of a request and its answer."""
    environ = arrival.environ
    if not arrival.seen.body:  # refused before anyone looked at it
        arrival.seen.body = sent_body(environ)
    headers = {name: environ[name] for name in environ if name.startswith("HTTP_") or name in CONTENT_HEADERS}
    return Exchange(
        arrival.request_id,
        arrival.world.clock.now(),
        arrival.method,
        arrival.path,
        arrival.query,
        reply.status,
        arrival.seen,
        headers,
        {**reply.headers, "Content-Type": reply.content_type},
        reply.body,
        machine_seconds(),
    )


def send(
    reply: Reply, environ: Mapping[str, Any], request_id: str, start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Put a reply on the wire; HEAD gets the headers of GET alone."""
    headers = [("X-Emulator-Request-Id", request_id)]
    if reply.status != HTTPStatus.NO_CONTENT:  # RFC 9110 has no length there, and servers leave it out
        headers += (("Content-Length", str(len(reply.body))), ("Content-Type", reply.content_type))
    headers.extend(reply.headers.items())
    body = b"" if str(environ["REQUEST_METHOD"]).upper() == "HEAD" else reply.body
    if reply.disturbance is not None:
        return send_disturbed(reply, environ, lambda: start_response(REASONS[reply.status], headers), body)
    start_response(REASONS[reply.status], headers)
    return [body] if body else []
