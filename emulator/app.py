"""Build the WSGI application of an emulator from its worlds, routes and control API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from emulator.routes import ROUTES
from emulator.web.app import EmulatorApp
from emulator.web.cors import Cors
from emulator.web.urls import Router
from emulator.worlds import Worlds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from flask import Flask


ROUTER = Router(ROUTES)


class Control:
    """The control API. It is created by its first request, because importing Flask takes longer than a start."""

    def __init__(self, make: Callable[[], Flask]) -> None:
        self._make = make

    @cached_property
    def app(self) -> Flask:
        return self._make()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # The method of the class: `as_flask` replaces the instance's `wsgi_app` by the emulator's application.
        return type(self.app).wsgi_app(self.app, environ, start_response)


def create_emulator_app(
    worlds: Worlds,
    allowed_hosts: Collection[str] = (),
    cors_origins: Collection[str] = (),
    *,
    allow_fault_header: bool = False,
) -> tuple[EmulatorApp, Control]:
    """Create the application, and the control API that it contains."""

    def make() -> Flask:
        from emulator.web.admin import control_api  # noqa: PLC0415 - imports Flask, see Control

        return control_api(worlds, allowed_hosts)

    control = Control(make)
    app = EmulatorApp(worlds, ROUTER, control, Cors(cors_origins), allow_fault_header=allow_fault_header)
    return app, control


def create_app(worlds: Worlds, allowed_hosts: Collection[str] = (), cors_origins: Collection[str] = ()) -> Flask:
    """Create the application as a Flask application."""
    return as_flask(*create_emulator_app(worlds, allowed_hosts, cors_origins))


def as_flask(app: EmulatorApp, control: Control) -> Flask:
    """Return the control API's Flask application, with `wsgi_app` replaced by the emulator's application."""
    control.app.wsgi_app = app  # type: ignore[method-assign]
    return control.app
