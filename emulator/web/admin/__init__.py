"""The control API under /__admin."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from flask import Flask, jsonify, request
from werkzeug.exceptions import HTTPException

from emulator.core.errors import ControlError
from emulator.domain.installation import InvalidInstallation
from emulator.state.scenario import ScenarioError
from emulator.web.admin import activity, catalog, fidelity, observability, pages, simulation, stories
from emulator.web.admin import worlds as world_routes
from emulator.web.admin.shared import (
    EXTENSION_KEY,
    ControlSettings,
    add_request_id,
    api,
    error_response,
    invalid_file_response,
)
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


ROUTE_MODULES = (world_routes, simulation, observability, activity, catalog, stories, fidelity, pages)
"""Importing these modules adds their routes to the blueprint."""


def control_api(worlds: WorldRegistry, allowed_hosts: Collection[str]) -> Flask:
    """Build the Flask application of the control API.

    `allowed_hosts` are the host names, besides loopback, under which it may be used.
    """
    app = Flask("emulator", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.extensions[EXTENSION_KEY] = ControlSettings(worlds, allowed_hosts)
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
