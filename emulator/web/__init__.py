"""HTTP: the WSGI application of the emulated API, the control API and the server.

The functions of this module compose the application.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from emulator.api.routes import ROUTES
from emulator.web.app import EmulatorApp
from emulator.web.context import Environ, Router
from emulator.web.cors import Cors
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from emulator.web.flask_app import EmulatorFlask

ROUTER = Router(ROUTES)


class LazyFlask:
    """The Flask application. Its first use creates it, because importing Flask takes longer than a start."""

    def __init__(self, create: Callable[[], EmulatorFlask]) -> None:
        self._create, self._lock = create, Lock()
        self._is_shared = False

    @property
    def app(self) -> EmulatorFlask:
        """The application, for its owner. From now on the owner may change it."""
        self._is_shared = True
        return self._app

    @cached_property
    def _app(self) -> EmulatorFlask:
        with self._lock:
            return self.__dict__.get("_app") or self._create()

    @property
    def is_customized(self) -> bool:
        """Whether the owner changed the application, or wrapped it in middleware."""
        return self._is_shared and (self._app.has_middleware or self._app.is_customized)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._app(environ, start_response)

    def serve_through_flask(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request through Flask's routing."""
        return self._app.serve_through_flask(environ, start_response)


def create_emulator_app(
    worlds: WorldRegistry,
    allowed_hosts: Collection[str] = (),
    cors_origins: Collection[str] = (),
    *,
    allow_fault_header: bool = False,
) -> tuple[EmulatorApp, LazyFlask]:
    """Create the WSGI application, and the Flask application around it."""

    def create_flask() -> EmulatorFlask:
        from emulator.web.flask_app import EmulatorFlask  # noqa: PLC0415 - imports Flask, see LazyFlask

        return EmulatorFlask(app, allowed_hosts)

    flask = LazyFlask(create_flask)
    app = EmulatorApp(worlds, ROUTER, flask, Cors(cors_origins), allow_fault_header=allow_fault_header)
    return app, flask
