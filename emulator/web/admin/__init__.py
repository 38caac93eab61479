"""The control API under /__admin."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask

from emulator.web.admin import fidelity, observability, pages, simulation
from emulator.web.admin import worlds as world_routes
from emulator.web.admin.shared import EXTENSION_KEY, ControlSettings, api, http_error
from emulator.worlds.registry import WorldRegistry

__all__ = ["add_control_api", "http_error"]

ROUTE_MODULES = (world_routes, simulation, observability, fidelity, pages)
"""Importing these modules adds their routes to the blueprint."""


def add_control_api(app: Flask, worlds: WorldRegistry, allowed_hosts: Collection[str]) -> None:
    """Add the control API to a Flask application.

    `allowed_hosts` are the host names, besides loopback, under which it may be used.
    """
    app.extensions[EXTENSION_KEY] = ControlSettings(worlds, allowed_hosts)
    app.register_blueprint(api)
