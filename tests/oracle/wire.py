"""Requests and responses at the WSGI level, so that arbitrary bytes can be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HOST = "oms.test"
FULL_ACCESS = "Token full-access"


@dataclass(frozen=True)
class RawRequest:
    """One request. `None` omits a header; each character of a text stands for one byte."""

    label: str
    target: str
    method: str = "GET"
    authorization: str | None = FULL_ACCESS
    accept: str | None = None
    content_type: str | None = None
    body: bytes = b""
    host: str | None = HOST
    content_length: str | None = None
    script_name: str = ""

    def variant(self, label: str, **changes: Any) -> RawRequest:
        return replace(self, label=f"{self.label} {label}", **changes)

    def environ(self) -> dict[str, Any]:
        raw_path, _, query = self.target.partition("?")
        optional = {
            "HTTP_AUTHORIZATION": self.authorization,
            "HTTP_ACCEPT": self.accept,
            "HTTP_HOST": self.host,
            "CONTENT_TYPE": self.content_type,
            "CONTENT_LENGTH": self.content_length or (str(len(self.body)) if self.body else None),
        }
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": unquote_to_bytes(raw_path.encode("latin-1")).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(self.body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **{key: value for key, value in optional.items() if value is not None},
        }


@dataclass(frozen=True)
class RawResponse:
    """One response. Header names are in title case."""

    status: int
    headers: dict[str, str]
    body: bytes


def send_wsgi(app: WsgiApp, request: RawRequest) -> RawResponse:
    """Send a request to a WSGI application."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started.append((status, headers))

    chunks = app(request.environ(), start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return RawResponse(int(status[:3]), {name.title(): value for name, value in headers}, body)
