"""A `requests.Session` that takes paths as URLs, and one that speaks to a WSGI application without a socket."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from http.client import RemoteDisconnected
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse

from emulator.web.fault_injection import DETACH, SendAction, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


DEFAULT_PORTS = {"http": 80, "https": 443}


class BasedSession(requests.Session):
    """Takes paths (`/api/v1/oms/packages/`) as URLs below `base_url`, and sends these headers with every request."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.base_url = base_url
        self.headers.update(headers)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        text = url.decode() if isinstance(url, bytes) else url
        whole = self.base_url + text if text.startswith("/") else urljoin(self.base_url, text)
        return super().request(method, whole, *args, **kwargs)


class InProcessSession(BasedSession):
    """Sends what goes to `base_url` to the application."""

    def __init__(self, app: WSGIApplication, base_url: str, headers: Mapping[str, str]) -> None:
        super().__init__(base_url, headers)
        self.trust_env = False  # neither proxies nor .netrc concern what stays in the process
        self.mount(base_url, InProcessAdapter(app))

    def merge_environment_settings(self, url: Any, proxies: Any, stream: bool | None, verify: Any, cert: Any) -> Any:
        """Give what concerns the way of a request: in the process, that is whether its answer is read in pieces."""
        if not url.startswith(self.base_url):
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {"proxies": {}, "stream": self.stream if stream is None else stream, "verify": True, "cert": None}


class InProcessAdapter(HTTPAdapter):
    """Carries prepared requests to a WSGI application; to one of its worlds by name, if that is given."""

    def __init__(self, app: WSGIApplication, world: str | None = None) -> None:
        super().__init__()
        self.app, self.world = app, world

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *_: Any, **options: Any
    ) -> requests.Response:
        """Give the application's answer. Nobody waits for a delayed one: it is late if that exceeds `timeout`."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            started[:] = [int(status.partition(" ")[0]), status.partition(" ")[2], headers]

        environ = build_environ(request)
        environ[DETACH] = detach
        if self.world is not None:
            environ["HTTP_X_EMULATOR_WORLD"] = self.world
        try:
            body = b"".join(self.app(environ, start_response))
        except ResponseDetached as detached:
            body, stream = received_body(detached.actions, request, options.get("timeout")), True
        status, reason, headers = started
        answer = WsgiResponse(status, reason, headers, body)
        if stream:
            return self.build_response(request, raw_response(answer, request))
        return build_response(answer, request, self)


class WsgiResponse(NamedTuple):
    """What came of a request."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def raw_response(answer: WsgiResponse, request: requests.PreparedRequest) -> HTTPResponse:
    """Give an answer as something to be read, as from a connection."""
    return HTTPResponse(
        BytesIO(answer.body),
        headers=HTTPHeaderDict(answer.headers),
        status=answer.status,
        reason=answer.reason,
        preload_content=False,
        request_method=request.method,
    )


class ResponseSource:
    """What an answer that is all here was read from: made when somebody asks for more than whether it set cookies."""

    _original_response = None

    def __init__(self, answer: WsgiResponse, request: requests.PreparedRequest) -> None:
        self._made_of = answer, request

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_made_of":  # a copy that is not filled yet
            raise AttributeError(name)
        if "_made" not in self.__dict__:
            self._made = raw_response(*self._made_of)
            self._made.read()
        return getattr(self._made, name)


def build_response(
    answer: WsgiResponse, request: requests.PreparedRequest, adapter: HTTPAdapter
) -> requests.Response:
    """Give a response whose body is read: what `HTTPAdapter.build_response` and reading it in pieces come to."""
    response = requests.Response()
    headers = CaseInsensitiveDict(answer.headers)
    if len(headers) < len(answer.headers):  # some came twice
        headers = CaseInsensitiveDict(HTTPHeaderDict(answer.headers))
    response.status_code, response.reason, response.headers = answer.status, answer.reason, headers
    response.encoding = get_encoding_from_headers(headers)
    response.url, response.request, response.connection = request.url or "", request, adapter
    response.raw = ResponseSource(answer, request)
    response._content = answer.body  # noqa: SLF001
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


class ResponseDetached(Exception):
    """Carries the send actions of a response with a fault out of the application."""

    def __init__(self, actions: Iterator[SendAction]) -> None:
        super().__init__("a response with a fault")
        self.actions = actions


def detach(actions: Iterator[SendAction]) -> NoReturn:
    raise ResponseDetached(actions)


def received_body(actions: Iterator[SendAction], request: requests.PreparedRequest, timeout: Any) -> bytes:
    """Return the bytes of a body that arrive in time. Raises what `requests` raises if no response arrives."""
    read_timeout = timeout[1] if isinstance(timeout, tuple) else timeout
    parts: list[bytes] = []
    for action in actions:
        if isinstance(action, bytes):
            parts.append(action)
        elif isinstance(action, Wait):
            if isinstance(read_timeout, int | float) and action.seconds >= read_timeout:
                message = f"Read timed out. (read timeout={read_timeout})"
                raise requests.ReadTimeout(message, request=request)
        elif not parts:
            reason = ConnectionResetError(104, "Connection reset by peer") if action.by_reset else NO_ANSWER
            raise requests.ConnectionError(("Connection aborted.", reason), request=request)
    return b"".join(parts)


NO_ANSWER = RemoteDisconnected("Remote end closed connection without response")


def build_environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """Give the WSGI environment of a prepared request."""
    url = urlsplit(request.url or "")
    content = body_bytes(request.body)
    environ = dict(server_environ(url.scheme, url.netloc))
    environ["REQUEST_METHOD"] = request.method or "GET"
    environ["PATH_INFO"] = wsgi_path(url.path)
    environ["QUERY_STRING"] = url.query
    environ["wsgi.input"] = BytesIO(content)
    environ["wsgi.errors"] = sys.stderr
    for name, value in request.headers.items():
        environ[environ_key(name)] = value if isinstance(value, str) else value.decode("latin-1")
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:  # a server puts the chunks together
        environ["CONTENT_LENGTH"] = str(len(content))
    return environ


@lru_cache(maxsize=64)
def server_environ(scheme: str, netloc: str) -> Mapping[str, Any]:
    """Give what the environments of all requests to a server share."""
    url = urlsplit(f"{scheme}://{netloc}")
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or DEFAULT_PORTS.get(scheme, 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def wsgi_path(path: str) -> str:
    """Give a path decoded, its bytes as WSGI has them."""
    return path if path.isascii() and "%" not in path else unquote_to_bytes(path).decode("latin-1")


@lru_cache(maxsize=256)
def environ_key(name: str) -> str:
    """Give the name that a header has in an environment."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def body_bytes(body: Any) -> bytes:
    """Give the bytes of a body, whatever `requests` takes for one."""
    if not body:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    parts = [body.read()] if hasattr(body, "read") else body
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)
