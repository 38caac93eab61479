"""HTTP: the WSGI application of the emulated API, the control API and the server.

The functions of this module compose the application.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from importlib.util import find_spec
from os import PathLike
from threading import Lock
from typing import TYPE_CHECKING, Literal, get_args

from emulator.api.routes import ROUTES
from emulator.core.errors import InvalidDocument
from emulator.state.runtime import Server, current_runtime
from emulator.web.app import EmulatorApp
from emulator.web.context import Environ, Router
from emulator.web.cors import Cors
from emulator.web.guard import Guard
from emulator.worlds.registry import WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication
    from flask import Flask

    from emulator.contract.evidence import Evidence
    from emulator.web.flask_app import EmulatorFlask
    from emulator.web.tls import Certificate

ROUTER = Router(ROUTES)
ServerName = Literal["waitress", "granian"]
SERVER_NAMES: tuple[ServerName, ...] = get_args(ServerName)


class LazyFlask:
    """The Flask application. Its first use creates it, because importing Flask takes longer than a start."""

    def __init__(self, create: Callable[[], EmulatorFlask]) -> None:
        self._create, self._lock = create, Lock()
        self._app: EmulatorFlask | None = None

    @property
    def app(self) -> EmulatorFlask:
        """The application. All threads get the same one."""
        with self._lock:
            if self._app is None:
                self._app = self._create()
            return self._app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self.app.serve_through_flask(environ, start_response)


def create_emulator_app(  # noqa: PLR0913 - options by keyword
    worlds: WorldRegistry,
    allowed_hosts: Collection[str] = (),
    cors: Cors | None = None,
    *,
    allow_fault_header: bool = False,
    admin_token: str | None = None,
    evidence: Evidence | None = None,
) -> tuple[EmulatorApp, LazyFlask]:
    """Create the WSGI application, and the Flask application around it, which answers for the control API."""
    guard = Guard(allowed_hosts, admin_token)

    def create_flask() -> EmulatorFlask:
        from emulator.web.flask_app import EmulatorFlask  # noqa: PLC0415 - imports Flask, see LazyFlask

        return EmulatorFlask(app, guard, evidence)

    flask = LazyFlask(create_flask)
    app = EmulatorApp(worlds, ROUTER, flask, cors or Cors(), guard, allow_fault_header=allow_fault_header)
    return app, flask


def behind_one_proxy(app: WSGIApplication) -> WSGIApplication:
    """Return an application that trusts the `X-Forwarded` headers of one proxy: For, Proto, Host and Prefix."""
    from werkzeug.middleware.proxy_fix import ProxyFix  # noqa: PLC0415 - imported when used

    return ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_prefix=1)


def open_certificate(
    owner: object, chain: str | PathLike[str] | None, key: str | PathLike[str] | None, names: Iterable[str]
) -> Certificate:
    """Return the certificate in the files, or a new one for these names. A new one is deleted with its owner.

    Raise `ValueError` for files that cannot be used.
    """
    from emulator.web.tls import find_certificate  # noqa: PLC0415 - imported when used

    certificate = find_certificate(owner, chain, key, names)
    certificate.context()  # raises the error
    return certificate


def as_flask(app: EmulatorApp, flask: LazyFlask) -> Flask:
    """Hand the Flask application to its owner. From now on, servers and sessions respect the owner's changes."""
    app.flask = flask.app
    return flask.app


def check_server(name: ServerName) -> ServerName:
    """Return the name of a server. Raise `ValueError` if it is unknown, or cannot be used here."""
    if name not in SERVER_NAMES:
        raise InvalidDocument(f"unknown server {name!r}", SERVER_NAMES, name)
    if name == "granian" and current_runtime() is not None:
        raise ValueError("the server granian needs the Python package: this runtime has no threads")
    if name == "granian" and find_spec(name) is None:
        raise ValueError("the server granian is not installed; run: pip install 'oms-emulator[fast]'")
    return name


def create_server(
    name: ServerName, app: WSGIApplication, host: str, port: int, certificate: Certificate | None
) -> Server:
    """Bind a port for a server. Raise `OSError` if it cannot be bound."""
    if name == "granian":
        from emulator.web.granian_server import GranianServer  # noqa: PLC0415 - granian is optional

        return GranianServer(app, host, port, certificate)
    if certificate is None:
        return create_plain_server(app, host, port)
    return certificate.create_server(create_plain_server, app, host, port)


def create_plain_server(app: WSGIApplication, host: str, port: int) -> Server:
    """Bind a port for waitress, or for the server of the runtime. Raise `OSError` if it cannot be bound."""
    if (runtime := current_runtime()) is not None:
        return runtime.create_server(app, host, port)
    from emulator.web.server import HttpServer  # noqa: PLC0415 - waitress is imported when used

    return HttpServer(app, host, port)
