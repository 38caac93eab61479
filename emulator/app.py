"""The composition root: worlds, routes, control API, one WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from emulator.routes import ROUTES
from emulator.web.cors import Cors
from emulator.web.door import Door
from emulator.web.routing import Router
from emulator.worlds import Worlds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from flask import Flask


ROUTER = Router(ROUTES)


class Control:
    """The control API, made at its first call: Flask takes longer to import than a server takes to start."""

    def __init__(self, make: Callable[[], Flask]) -> None:
        self._make = make

    @cached_property
    def app(self) -> Flask:
        return self._make()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # The class's own: the instance's may be the door that leads here.
        return type(self.app).wsgi_app(self.app, environ, start_response)


def create_door(
    worlds: Worlds,
    allowed_hosts: Collection[str] = (),
    cors_origins: Collection[str] = (),
    *,
    allow_fault_header: bool = False,
) -> tuple[Door, Control]:
    """Give the door to the emulated API, and the control API to which it leads as well."""

    def make() -> Flask:
        from emulator.web.admin import control_api  # noqa: PLC0415 - imports Flask, see Control

        return control_api(worlds, allowed_hosts)

    control = Control(make)
    door = Door(worlds, ROUTER, control, Cors(cors_origins), allow_fault_header=allow_fault_header)
    return door, control


def create_app(worlds: Worlds, allowed_hosts: Collection[str] = (), cors_origins: Collection[str] = ()) -> Flask:
    """Give it all as a Flask application: the control API's, with the door before it."""
    return as_flask(*create_door(worlds, allowed_hosts, cors_origins))


def as_flask(door: Door, control: Control) -> Flask:
    """Put the door before the control API's application, in Flask's own way to wrap."""
    control.app.wsgi_app = door  # type: ignore[method-assign]
    return control.app
