"""HTTP: the WSGI application of the emulated API, the control API and the server.

The functions of this module compose the application.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from emulator.api.routes import ROUTES
from emulator.web.app import EmulatorApp
from emulator.web.context import Environ, Router
from emulator.web.cors import Cors
from emulator.web.guard import Guard
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from flask import Flask

ROUTER = Router(ROUTES)


class LazyControlApi:
    """The control API. Its first request creates it, because importing Flask takes longer than a start."""

    def __init__(self, create: Callable[[], Flask]) -> None:
        self._create = create

    @cached_property
    def app(self) -> Flask:
        return self._create()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # The method of the class: `as_flask` replaces the instance's `wsgi_app` by the emulator's application.
        return type(self.app).wsgi_app(self.app, environ, start_response)


def create_emulator_app(
    worlds: WorldRegistry,
    allowed_hosts: Collection[str] = (),
    cors_origins: Collection[str] = (),
    *,
    allow_fault_header: bool = False,
    admin_token: str | None = None,
) -> tuple[EmulatorApp, LazyControlApi]:
    """Create the application, and the control API that it contains."""
    guard = Guard(allowed_hosts, admin_token)

    def create_control_api() -> Flask:
        from emulator.web.admin import control_api  # noqa: PLC0415 - imports Flask, see LazyControlApi

        return control_api(worlds, guard)

    control = LazyControlApi(create_control_api)
    app = EmulatorApp(worlds, ROUTER, control, Cors(cors_origins), guard, allow_fault_header=allow_fault_header)
    return app, control


def as_flask(app: EmulatorApp, control: LazyControlApi) -> Flask:
    """Return the control API's Flask application, with `wsgi_app` replaced by the emulator's application."""
    control.app.wsgi_app = app  # type: ignore[method-assign]
    return control.app
