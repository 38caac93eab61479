"""The blueprint of the control API and its helpers: access check, current world, request parsing, responses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, Response, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from emulator.api.control.operations import run_recorded_operation
from emulator.api.serializers.rendering import fill_links
from emulator.core import json_text
from emulator.core.errors import ControlError, InvalidDocument
from emulator.core.json_text import JsonObject, JsonValue, escape_unprintable
from emulator.domain.installation import InvalidInstallation
from emulator.state.scenario import ScenarioError
from emulator.state.world import World
from emulator.web.app import CONTROL_PATH, INSPECTOR_PATH, accepts_html
from emulator.web.context import WORLD_KEY
from emulator.web.guard import CHALLENGE, Guard
from emulator.worlds.registry import DEFAULT_WORLD, WorldRegistry

if TYPE_CHECKING:
    from emulator.contract.evidence import Evidence

JSON = "application/json"
JSON_WHITESPACE = b" \t\r\n"
BLUEPRINT = "oms_control"
api = Blueprint(BLUEPRINT, __name__, url_prefix="/__admin")
"""The routes of the control API. The other modules of this package add theirs."""
EXTENSION_KEY = "oms_control"
"""Key of the application's extensions that holds its `ControlSettings`."""
METHODS_WITHOUT_BODY = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))


class ControlSettings(NamedTuple):
    """The worlds of the server, the guard of the control API, and the evidence about the emulator's behaviour."""

    worlds: WorldRegistry
    guard: Guard
    evidence: Evidence | None = None


def control_settings() -> ControlSettings:
    settings: ControlSettings = current_app.extensions[EXTENSION_KEY]
    return settings


@api.before_request
def check_access() -> Response | None:
    """Refuse a request that may not use the control API, or that has a body where none is accepted."""
    refusal = control_settings().guard.refusal(request.environ)
    if refusal is None:
        if request.method in METHODS_WITHOUT_BODY:
            require_no_document()
        return None
    response = compact_json({"error": refusal.message})
    response.status_code = refusal.status
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def world_registry() -> WorldRegistry:
    """Return the worlds of the server."""
    return control_settings().worlds


def world_name() -> str:
    """Return the name of the world that the current request addresses."""
    return str(request.environ.get(WORLD_KEY, DEFAULT_WORLD))


def current_world() -> World:
    """Return the world that the current request addresses. Raise `UnknownWorld` if it does not exist."""
    return world_registry().get(world_name())


def run_write(world: World, operation: str, document: JsonValue = None, **path: int | str) -> JsonValue:
    """Execute a write as a recorded step. The response contains the id of its request."""
    g.request_id = world.new_request_id()
    result = run_recorded_operation(world, operation, document, path, g.request_id)
    g.hint = world.outbox.sender.waiting_note
    return result


@api.after_request
def add_request_id(response: Response) -> Response:
    """Add the request id of a write to the response, and the hint about deliveries that wait."""
    if "request_id" in g:
        response.headers["X-Emulator-Request-Id"] = g.request_id
    if g.get("hint") is not None:
        response.headers["X-Emulator-Hint"] = g.hint
    return response


def has_document() -> bool:
    """Return whether the request body contains more than the whitespace of JSON."""
    return bool(request.get_data().strip(JSON_WHITESPACE))


def read_document() -> JsonValue:
    """Return the JSON document in the request body."""
    try:
        return json_text.load_json(request.get_data())
    except ValueError as error:
        raise InvalidDocument(f"the body is not JSON: {error}") from None


def read_optional_document() -> JsonValue:
    """Return the JSON document in the request body, or an empty object without a body."""
    return read_document() if has_document() else {}


def require_no_document() -> None:
    """Raise `InvalidDocument` if the request has a body other than an empty object."""
    if has_document() and read_document() != {}:
        raise InvalidDocument(f"{request.method} {request.path} does not accept a body")


def query_parameters(*known: str) -> dict[str, str]:
    """Return the query parameters. Raise `InvalidDocument` for an unknown one."""
    parameters = dict(request.args.items())
    if unknown := [name for name in parameters if name not in known]:
        raise InvalidDocument(f"unknown parameter {unknown[0]!r}", known, unknown[0])
    return parameters


def parse_bool(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidDocument(f"{name} must be true or false (got {text!r})")
    return text == "true"


def parse_int(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidDocument(f"{name} must be a whole number (got {text!r})")
    return int(text[:18])


def json_response(value: JsonObject | bytes, status: int = 200) -> Response:
    """Return a JSON response. Links in the document use the address that the client used."""
    body = json_text.dump_json(value) if isinstance(value, dict) else value
    prefix = request.script_root
    return Response(fill_links(body, request.host_url.rstrip("/") + prefix, prefix), status, content_type=JSON)


def list_response(results: Sequence[JsonObject], count: int | None = None) -> Response:
    """Return a JSON response with a list. `count` is the number of all results, if these are only some of them."""
    return json_response({"count": len(results) if count is None else count, "results": list(results)})


def no_content() -> Response:
    """Return an empty 204 response."""
    response = Response(status=204)
    del response.headers["Content-Type"]  # Flask sets one for every response
    return response


def compact_json(document: JsonObject) -> Response:
    """Return a JSON response with the bytes of Flask's `jsonify`, whatever the application's JSON settings are."""
    return Response(json.dumps(document, separators=(",", ":")) + "\n", content_type=JSON)


@api.errorhandler(ControlError)
def error_response(error: ControlError) -> Response:
    """Return the response for an error: the message, and the known values if there are any."""
    known = {"known": error.known} if error.known else {}
    return json_response({"error": error.message, **known}, error.status)


@api.errorhandler(ScenarioError)
@api.errorhandler(InvalidInstallation)
def invalid_file_response(error: ValueError) -> Response:
    """Return the response for a scenario or installation that cannot be used."""
    return error_response(InvalidDocument(str(error)))


@api.errorhandler(HTTPException)
def http_error(error: HTTPException) -> ResponseReturnValue:
    """Return the response for an error of Flask, with the paths of the control API.

    The root of the control API redirects browsers to the inspector.
    """
    if error.code == 404 and request.path.rstrip("/") == CONTROL_PATH and accepts_html(request.environ):
        return redirect(request.script_root + INSPECTOR_PATH)
    rules = current_app.url_map.iter_rules()
    known = sorted({rule.rule for rule in rules if rule.endpoint.startswith(f"{BLUEPRINT}.")})
    methods = ", ".join(sorted(set(getattr(error, "valid_methods", None) or ()) - {"HEAD", "OPTIONS"}))
    accepted = f"; it accepts {methods}" if methods else ""
    headers = {key: value for key, value in error.get_headers() if key == "Allow"}
    path = escape_unprintable(request.path)  # the message has one line
    body = compact_json({"error": f"{request.method} {path}: {error.name}{accepted}", "known": list(known)})
    return body, error.code or 500, headers
