"""In-process receivers: a WSGI application, or a function that takes the delivery."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from emulator.core.outbox import Delivery, Receiver
from emulator.delivery.answers import Answer, NoAnswer

PLAIN = ("CONTENT_TYPE", "CONTENT_LENGTH")
"""Headers without the `HTTP_` prefix in WSGI."""


def receive(receiver: Receiver, delivery: Delivery) -> Answer:
    """Pass a delivery to a receiver. Raise `NoAnswer` if it raises, like a receiver that crashes."""
    try:
        return by_wsgi(receiver, delivery) if takes_two(receiver) else by_function(receiver, delivery)
    except NoAnswer:
        raise
    except Exception as error:
        raise NoAnswer(f"the receiver raised {type(error).__name__}: {error}") from error


def takes_two(receiver: Receiver) -> bool:
    """Return whether it is a WSGI application, which takes two arguments."""
    try:
        required = [
            parameter
            for parameter in inspect.signature(receiver).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        return False
    return len(required) == 2


def by_function(receiver: Receiver, delivery: Delivery) -> Answer:
    """Call a function. It returns a status, `(status, body)`, or None for 200."""
    given = receiver(delivery)
    status, body = given if isinstance(given, tuple) else (given, b"")
    raw = body.encode() if isinstance(body, str) else body
    return Answer(200 if status is None else int(status), raw, raw.decode("utf-8", "replace"))


def by_wsgi(receiver: Any, delivery: Delivery) -> Answer:
    """Call a WSGI application."""
    started: list[int] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:  # noqa: ARG001
        started[:] = [int(status.partition(" ")[0])]

    parts = receiver(environ_of(delivery.url, delivery.headers, delivery.body), start_response)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    return Answer(started[0], body, body.decode("utf-8", "replace"))


def environ_of(target: str, headers: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a request to a hook."""
    url = urlsplit(target)
    named = {name.upper().replace("-", "_"): str(value) for name, value in headers.items()}
    sent = {name if name in PLAIN else f"HTTP_{name}": value for name, value in named.items()}
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **sent,
    }
