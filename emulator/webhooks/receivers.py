"""The response of a receiver, and in-process receivers: WSGI applications, and functions that take the delivery."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from emulator.state.outbox import NETWORK_ERROR, Delivery, Receiver

UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")
"""Headers whose WSGI name has no `HTTP_` prefix."""


BUILT_IN_HOSTS = frozenset(("integration.example.com",))
"""Hosts of the demo data's hooks. A receiver in the process accepts their events, so nothing leaves the machine."""


def accept(_: Delivery | None = None) -> tuple[int, str]:
    """Accept a delivery, as the receiver of the built-in hosts does."""
    return 200, "OK"


class WebhookResponse(NamedTuple):
    """The response to a webhook request."""

    status: int
    body: bytes
    text: str


class NoResponse(Exception):
    """The request got no response. `recorded` holds the status and the text that the sender records."""

    def __init__(self, reason: str, status: int = NETWORK_ERROR, content: str | None = None) -> None:
        super().__init__(reason)
        self.recorded = status, reason if content is None else content


def receive(receiver: Receiver, delivery: Delivery) -> WebhookResponse:
    """Call a receiver with a delivery and return its response. Raise `NoResponse` if the receiver raises."""
    try:
        return call_wsgi(receiver, delivery) if is_wsgi(receiver) else call_function(receiver, delivery)
    except NoResponse:
        raise
    except Exception as error:
        raise NoResponse(f"the receiver raised {type(error).__name__}: {error}") from error


def is_wsgi(receiver: Receiver) -> bool:
    """Return whether the receiver is a WSGI application: it takes two arguments."""
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is each.empty for each in parameters) == 2


def call_function(receiver: Receiver, delivery: Delivery) -> WebhookResponse:
    """Call a function that returns a status, `(status, body)`, or None for 200."""
    result = receiver(delivery)
    status, body = result if isinstance(result, tuple) else (result, b"")
    raw = body.encode() if isinstance(body, str) else body
    return WebhookResponse(200 if status is None else int(status), raw, raw.decode("utf-8", "replace"))


def call_wsgi(receiver: Any, delivery: Delivery) -> WebhookResponse:
    status_codes: list[int] = []

    def start_response(status: str, _headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        status_codes[:] = [int(status.partition(" ")[0])]

    chunks = receiver(wsgi_environ(delivery.url, delivery.headers, delivery.body), start_response)
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    return WebhookResponse(status_codes[0], body, body.decode("utf-8", "replace"))


def wsgi_environ(target: str, headers: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a webhook request."""
    url = urlsplit(target)
    values = {name.upper().replace("-", "_"): str(value) for name, value in headers.items()}
    variables = {name if name in UNPREFIXED else f"HTTP_{name}": value for name, value in values.items()}
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
        **variables,
    }
