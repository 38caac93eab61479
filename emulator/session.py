"""A `requests.Session` that speaks to a WSGI application without a socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.client import RemoteDisconnected
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from emulator.web.edge import EDGE, Move, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class InProcessSession(requests.Session):
    """Sends what goes to `base_url` to the application, and takes paths (`/api/v1/oms/packages/`) as URLs."""

    def __init__(self, app: WSGIApplication, base_url: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.base_url = base_url
        self.headers.update(headers)
        self.mount(base_url, InProcessAdapter(app))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        text = url.decode() if isinstance(url, bytes) else url
        whole = self.base_url + text if text.startswith("/") else urljoin(self.base_url, text)
        return super().request(method, whole, *args, **kwargs)


class InProcessAdapter(HTTPAdapter):
    """Carries prepared requests to a WSGI application."""

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Give the application's answer. Nobody waits for a delayed one: it is late if that exceeds `timeout`."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            started[:] = [int(status.partition(" ")[0]), status.partition(" ")[2], headers]

        try:
            body = b"".join(self.app(environ_of(request) | {EDGE: carry}, start_response))
        except Carried as carried:
            body = received(carried.moves, request, options.get("timeout"))
        status, reason, headers = started
        raw = HTTPResponse(
            BytesIO(body),
            headers=headers,
            status=status,
            reason=reason,
            preload_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


class Carried(Exception):
    """A disturbed answer, on its way from the application."""

    def __init__(self, moves: Iterator[Move]) -> None:
        super().__init__("a disturbed answer")
        self.moves = moves


def carry(moves: Iterator[Move]) -> NoReturn:
    raise Carried(moves)


def received(moves: Iterator[Move], request: requests.PreparedRequest, timeout: Any) -> bytes:
    """Give the bytes of a body that arrive in time; raise what `requests` raises where no answer does."""
    patience = timeout[1] if isinstance(timeout, tuple) else timeout
    parts: list[bytes] = []
    for move in moves:
        if isinstance(move, bytes):
            parts.append(move)
        elif isinstance(move, Wait):
            if isinstance(patience, int | float) and move.seconds >= patience:
                late = f"Read timed out. (read timeout={patience})"
                raise requests.ReadTimeout(late, request=request)
        elif not parts:
            why = ConnectionResetError(104, "Connection reset by peer") if move.by_reset else NO_ANSWER
            raise requests.ConnectionError(("Connection aborted.", why), request=request)
    return b"".join(parts)


NO_ANSWER = RemoteDisconnected("Remote end closed connection without response")


def environ_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """Give the WSGI environment of a prepared request."""
    url = urlsplit(request.url or "")
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": BytesIO(content) if isinstance(content, bytes) else content,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        plain = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
        environ[key if plain else f"HTTP_{key}"] = value if isinstance(value, str) else value.decode("latin-1")
    return environ
