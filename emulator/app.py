"""The composition root: worlds, routes, control API, one WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, cast

from flask import Flask

from emulator.core.world import World
from emulator.routes import ROUTES
from emulator.web.admin import control_api
from emulator.web.cors import Cors
from emulator.web.door import DEFAULT_WORLD, Door
from emulator.web.routing import Router

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def create_app(
    worlds: Mapping[str, World],
    reset: Callable[[], None],
    allowed_hosts: Collection[str] = (),
    cors_origins: Collection[str] = (),
) -> Flask:
    """Give the application: Flask for the control API, and before it the door to the emulated API."""
    app = control_api(lambda: worlds[DEFAULT_WORLD], reset, allowed_hosts)
    control = cast("WSGIApplication", app.wsgi_app)
    door = Door(worlds, Router(ROUTES), control, Cors(cors_origins))
    app.wsgi_app = door  # type: ignore[method-assign]  # Flask's own way to wrap
    return app
