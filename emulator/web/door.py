"""The door: WSGI in and out, and the choice between the emulated API and the control API.

The emulated API does not pass through Flask: its protocol is the vendor's framework's, and the way in stays short.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from emulator.core.exchange import Reply
from emulator.core.world import World
from emulator.web.answers import Answers
from emulator.web.cors import Cors, is_preflight
from emulator.web.dispatch import Arrival, answer
from emulator.web.pages import decoded_path
from emulator.web.routing import Router

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

LOG = logging.getLogger("emulator.access")
CONTROL = "/__admin"
DEFAULT_WORLD = "default"
REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Door:
    """The WSGI application of an emulator."""

    def __init__(self, worlds: Mapping[str, World], router: Router, control: WSGIApplication, cors: Cors) -> None:
        self.worlds, self.router, self.control, self.cors = worlds, router, control, cors
        self.answers = Answers()
        self._numbers = itertools.count(1)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = decoded_path(environ.get("PATH_INFO", "").encode("latin-1"))
        if path == CONTROL or path.startswith(CONTROL + "/"):
            return self.control(environ, start_response)
        if self.cors.concerns(environ):
            if is_preflight(environ):
                return self.cors.preflight(start_response, environ)
            start_response = self.cors.letting_read(start_response, environ)
        request_id = f"{next(self._numbers):08d}"
        arrival = Arrival(environ, self.worlds[DEFAULT_WORLD], path, "", request_id)
        reply = answer(arrival, self.router, self.answers)
        if LOG.isEnabledFor(logging.INFO):
            LOG.info("%s %s %s -> %d", request_id, arrival.method, path, reply.status)
        return send(reply, arrival, start_response)


def send(reply: Reply, arrival: Arrival, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Put a reply on the wire; HEAD gets the headers of GET alone."""
    headers = [("Content-Length", str(len(reply.body))), ("X-Emulator-Request-Id", arrival.request_id)]
    if reply.status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Type", reply.content_type))
    headers.extend(reply.headers.items())
    start_response(REASONS[reply.status], headers)
    return [] if arrival.method == "HEAD" else [reply.body]
