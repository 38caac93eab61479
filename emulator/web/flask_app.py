"""The Flask application of an emulator: each operation is a rule, and the operation's name is its endpoint.

A request to an application that its owner has not changed takes the short way past Flask. Otherwise Flask handles the
request: hooks, signals, routing, then the view. Both ways call `EmulatorApp.answer` and send the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request, signals
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed, SecurityError
from werkzeug.routing import IntegerConverter, Map, RequestRedirect, RuleFactory, ValidationError
from werkzeug.urls import iri_to_uri

from emulator.api.routes import ROUTES, ROUTES_BY_OPERATION
from emulator.core.call import Reply
from emulator.web.access_log import is_enabled, log_when_started
from emulator.web.admin import add_control_api, http_error
from emulator.web.app import (
    STATUS_LINES,
    EmulatorApp,
    is_control_path,
    response_headers,
    split_world,
    world_environ,
)
from emulator.web.context import MAX_BODY_BYTES, Environ, RequestHead, decode_path, path_bytes
from emulator.web.cors import ALLOW_ORIGIN, is_preflight
from emulator.web.fault_injection import send_with_fault
from emulator.web.guard import Guard

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse

    from emulator.contract.evidence import Evidence

SIGNALS = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.got_request_exception,
    signals.appcontext_pushed,
    signals.appcontext_popped,
    signals.appcontext_tearing_down,
)
"""The signals that Flask sends during a request."""
HARMLESS_ATTRIBUTES = frozenset(("_got_first_request", "debug", "testing", "wsgi_app"))
"""Attributes whose assignment changes no response of the short way, or also changes the configuration."""
PRESERVE_CONTEXT = "werkzeug.debug.preserve_context"
"""Key in the WSGI environment: a test client that keeps the context of the request."""
REPLY_KEY = "emulator.reply"
"""Key in the WSGI environment: the reply of the emulated API. A preflight response has None."""


class CountingMap(Map):
    """A map of rules that counts its rules."""

    rule_count = 0

    def add(self, rulefactory: RuleFactory) -> None:
        super().add(rulefactory)
        self.rule_count += 1


class BoundedIntegerConverter(IntegerConverter):
    """Does not match a number with more digits than Python converts."""

    def to_python(self, value: str) -> Any:
        try:
            return super().to_python(value)
        except ValueError:
            raise ValidationError from None


class EmulatorFlask(Flask):
    """The emulated API and the control API as a Flask application."""

    url_map_class = CountingMap
    url_map: CountingMap

    def __init__(self, emulator: EmulatorApp, guard: Guard, evidence: Evidence | None = None) -> None:
        super().__init__("emulator", static_folder=None)
        self.emulator = emulator
        self.url_map.converters["int"] = BoundedIntegerConverter
        for route in ROUTES:
            self.add_url_rule(
                re.sub(r"<(\w+)>", r"<int:\1>", route.path.replace("<...", "<path:")),
                route.operation,
                self.answer_request,
                methods=[route.method, "OPTIONS"],
                provide_automatic_options=False,
                merge_slashes=False,
            )
        add_control_api(self, emulator.worlds, guard, evidence)
        self._initial = dict(self.config), dict(self.view_functions), self.url_map.rule_count
        self.__dict__["_is_changed"] = False

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name not in HARMLESS_ATTRIBUTES:
            self.__dict__["_is_changed"] = True

    # The two ways

    @property
    def is_customized(self) -> bool:
        """Whether the application differs from its first state, so that its owner can see requests or change them."""
        config, views, rule_count = self._initial
        return (
            bool(self.__dict__["_is_changed"])
            or self.url_map.rule_count != rule_count
            or self.view_functions != views
            or self.config != config
            or self._has_hooks()
            or any(self.error_handler_spec.get(None, {}).values())
        )

    def _has_hooks(self) -> bool:
        """Return whether functions are called for each request."""
        tables = (
            self.before_request_funcs,
            self.after_request_funcs,
            self.teardown_request_funcs,
            self.url_value_preprocessors,
        )
        for table in tables:
            if table.get(None):  # the key of functions for all requests
                return True
        for signal in SIGNALS:
            if signal.receivers and signal.has_receivers_for(self):
                return True
        return bool(self.teardown_appcontext_funcs)

    @property
    def has_middleware(self) -> bool:
        """Whether the owner wrapped `wsgi_app`, as Flask's documentation describes."""
        return "wsgi_app" in self.__dict__

    def wsgi_app(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request in the short way if its owner changed nothing, otherwise through Flask."""
        if PRESERVE_CONTEXT in environ or self.is_customized:
            return self.serve_through_flask(environ, start_response)
        return self.emulator.serve(environ, start_response)

    def serve_through_flask(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request through Flask. A fault of the response is carried out after Flask has finished."""
        if is_enabled() and not self.emulator.is_inspector_read(environ):
            start_response = log_when_started(environ, start_response)
        inner = world_environ(environ)
        started: list[tuple[str, list[tuple[str, str]], OptExcInfo | None]] = []

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
        ) -> Callable[[bytes], object]:
            started.append((status, headers, exc_info))
            return bytes

        try:
            chunks = super().wsgi_app(inner, start)
        except BaseException:
            if started:  # a stream of events leaves the thread after it started
                start_response(*started[-1][:2])
            raise
        status, headers, _ = started[-1]
        reply: Reply | None = inner.get(REPLY_KEY)
        if reply is not None and "Location" in reply.headers:
            headers = keep_location(headers, reply.headers["Location"])
        if reply is None or reply.fault is None:
            start_response(status, headers)
            return chunks
        return send_with_fault(reply, inner, lambda: start_response(status, headers), b"".join(chunks))

    # Through Flask

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Call the hooks. They may read the body of a request to the emulated API, which then reads it again."""
        if self.is_emulated():
            keep_body()
        return super().preprocess_request()

    def dispatch_request(self) -> ResponseReturnValue:
        """Call the view. A URL without a rule gets the response of Django or of the control API."""
        error = request.routing_exception
        if error is None:
            return super().dispatch_request()
        if self.is_emulated():
            return self.answer_request()
        if is_control_path(request_path()) and not isinstance(error, RequestRedirect):
            return http_error(error)
        return super().dispatch_request()

    def is_emulated(self) -> bool:
        """Return whether the emulated API answers the current request, also with 404, 405 or a redirect."""
        error, path = request.routing_exception, request_path()
        if error is None:
            return request.endpoint in ROUTES_BY_OPERATION
        if is_control_path(path) or (isinstance(error, SecurityError) and self.config.get("TRUSTED_HOSTS")):
            return False
        if isinstance(error, MethodNotAllowed | RequestRedirect):  # it can be about the owner's rules
            merged = re.sub("/{2,}", "/", path)  # as werkzeug does before it redirects
            return any(map(self.emulator.router.match, (merged, merged + "/")))
        return True

    def answer_request(self, **_path: object) -> Response:
        """Return the response of the emulated API to the current request."""
        environ: Environ = request.environ
        _ = request.stream  # raises 413 if the body exceeds MAX_CONTENT_LENGTH
        if isinstance(environ["wsgi.input"], BytesIO):
            environ["wsgi.input"].seek(0)
        environ[REPLY_KEY] = None
        head = RequestHead(*split_world(request_path(), environ))
        if is_preflight(environ):
            own = [("Content-Length", "0")]  # Flask-Cors explains its refusals itself
            headers = own if self._has_flask_cors() else self.emulator.preflight_headers(environ, head)
            return self._build_response(b"", 200, headers)
        reply, request_id = self.emulator.answer(environ, head)
        environ[REPLY_KEY] = reply
        return self._build_response(reply.body, reply.status, response_headers(reply, request_id))

    def _build_response(self, body: bytes, status: int, headers: list[tuple[str, str]]) -> Response:
        line = STATUS_LINES.get(status, STATUS_LINES[502])  # 0: a fault suppresses the response
        response = self.response_class([body] if body else [], line, headers)
        if all(name != "Content-Type" for name, _ in headers):
            response.headers.remove("Content-Type")  # Flask adds one
        return response

    def process_response(self, response: Response) -> Response:
        """Call the hooks, then add the emulator's CORS headers unless the owner's application has its own."""
        response = super().process_response(response)
        if REPLY_KEY in request.environ and ALLOW_ORIGIN not in response.headers and not self._has_flask_cors():
            for name, value in self.emulator.cors.response_headers(request.environ):
                response.headers.add(name, value)
        return response

    def _has_flask_cors(self) -> bool:
        """Return whether Flask-Cors decides about origins. It adds no header for an origin that it refuses."""
        hooks = self.after_request_funcs.get(None, ())
        return any(getattr(hook, "__module__", "").startswith("flask_cors") for hook in hooks)


def request_path() -> str:
    """Return the decoded path of the current request, without the prefix of the world."""
    return decode_path(path_bytes(request.environ))


def keep_location(headers: list[tuple[str, str]], location: str) -> list[tuple[str, str]]:
    """Undo werkzeug's escaping of a Location header, unless a hook replaced it."""
    escaped = ("Location", iri_to_uri(location))
    return [("Location", location) if header == escaped else header for header in headers]


def keep_body() -> None:
    """Read the body of the current request into memory, so that it can be read twice, unless it is too large."""
    limit = request.max_content_length
    length = request.content_length or 0
    if 0 < length <= (MAX_BODY_BYTES if limit is None else limit):
        request.environ["wsgi.input"] = BytesIO(request.environ["wsgi.input"].read(length))
