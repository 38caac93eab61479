"""The control API under /__admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from emulator.web.admin import activity, catalog, fidelity, observability, pages, simulation, stories
from emulator.web.admin import worlds as world_routes
from emulator.web.admin.shared import EXTENSION_KEY, ControlSettings, api, http_error
from emulator.web.guard import Guard
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from emulator.contract.evidence import Evidence

__all__ = ["add_control_api", "http_error"]

ROUTE_MODULES = (world_routes, simulation, observability, activity, catalog, stories, fidelity, pages)
"""Importing these modules adds their routes to the blueprint."""


def add_control_api(app: Flask, worlds: WorldRegistry, guard: Guard, evidence: Evidence | None = None) -> None:
    """Add the control API to a Flask application. The guard decides who may use it."""
    app.extensions[EXTENSION_KEY] = ControlSettings(worlds, guard, evidence)
    app.register_blueprint(api)
