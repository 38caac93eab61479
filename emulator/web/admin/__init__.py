"""The control API under /__admin."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, jsonify, request
from werkzeug.exceptions import HTTPException

from emulator.core.errors import ControlError
from emulator.domain.installation import InvalidInstallation
from emulator.state.scenario import ScenarioError
from emulator.web.admin.fidelity import add_fidelity, add_graph
from emulator.web.admin.observability import add_observability
from emulator.web.admin.pages import add_docs, add_inspector
from emulator.web.admin.shared import (
    CurrentWorld,
    access_error,
    add_request_id,
    error_response,
    invalid_file_response,
)
from emulator.web.admin.simulation import (
    add_arranging,
    add_clock,
    add_faults,
    add_live_traffic,
    add_tokens,
    add_webhooks,
)
from emulator.web.admin.worlds import add_scenarios, add_snapshots, add_worlds
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


ROUTES = (
    add_worlds,
    add_scenarios,
    add_snapshots,
    add_arranging,
    add_graph,
    add_fidelity,
    add_tokens,
    add_clock,
    add_live_traffic,
    add_faults,
    add_webhooks,
    add_observability,
)


def control_api(worlds: WorldRegistry, allowed_hosts: Collection[str]) -> Flask:
    """Build the Flask application of the control API.

    `allowed_hosts` are the host names, besides loopback, under which it may be used.
    """
    app = Flask("emulator", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    api = Blueprint("admin", __name__, url_prefix="/__admin")

    @api.before_request
    def check_access() -> ResponseReturnValue | None:
        error = access_error(request, allowed_hosts)
        return None if error is None else (jsonify(error=error), 403)

    add_docs(api)
    add_inspector(api)
    current = CurrentWorld(worlds)
    for add_routes in ROUTES:
        add_routes(api, current)
    app.register_blueprint(api)
    app.after_request(add_request_id)
    add_error_handlers(app)
    return app


def add_error_handlers(app: Flask) -> None:
    """Answer every error with JSON."""
    app.register_error_handler(ControlError, error_response)
    for error_class in (ScenarioError, InvalidInstallation):
        app.register_error_handler(error_class, invalid_file_response)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        known = sorted({rule.rule for rule in app.url_map.iter_rules()})
        headers = {key: value for key, value in error.get_headers() if key == "Allow"}
        body = jsonify(error=f"{request.method} {request.path}: {error.name}", known=known)
        return body, error.code or 500, headers
