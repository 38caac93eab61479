"""Calls with `requests`: sessions that take paths as URLs, calls in process, and interception of other hosts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http.client import RemoteDisconnected
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse

from emulator.web.fault_injection import DETACH, SendAction, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

DEFAULT_PORTS = {"http": 80, "https": 443}


# Sessions


class BasedSession(requests.Session):
    """Takes paths (`/api/v1/oms/packages/`) as URLs below `base_url`, and sends `headers` with every request."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.base_url = base_url
        self.headers.update(headers)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        text = url.decode() if isinstance(url, bytes) else url
        absolute = self.base_url + text if text.startswith("/") else urljoin(self.base_url, text)
        return super().request(method, absolute, *args, **kwargs)


class InProcessSession(BasedSession):
    """Sends requests below `base_url` to the application, and all others over the network."""

    def __init__(self, app: WSGIApplication, base_url: str, headers: Mapping[str, str]) -> None:
        super().__init__(base_url, headers)
        self.trust_env = False  # proxies and .netrc do not apply to calls in process
        self.mount(base_url, InProcessAdapter(app))

    def merge_environment_settings(self, url: Any, proxies: Any, stream: bool | None, verify: Any, cert: Any) -> Any:
        """Return the settings of a request. In process only `stream` has an effect."""
        if not url.startswith(self.base_url):
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {"proxies": {}, "stream": self.stream if stream is None else stream, "verify": True, "cert": None}


class InProcessAdapter(HTTPAdapter):
    """Sends prepared requests to a WSGI application. With `world`, all requests are for that world."""

    def __init__(self, app: WSGIApplication, world: str | None = None) -> None:
        super().__init__()
        self.app, self.world = app, world

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *_: Any, **options: Any
    ) -> requests.Response:
        """Return the application's response.

        A delayed response arrives at once, or is a `ReadTimeout` if the delay exceeds `timeout`.
        """
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
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
        response = WsgiResponse(status, reason, headers, body)
        if stream:
            return self.build_response(request, raw_response(response, request))
        return build_response(response, request, self)


# Responses


class WsgiResponse(NamedTuple):
    """The response of a WSGI application."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def raw_response(response: WsgiResponse, request: requests.PreparedRequest) -> HTTPResponse:
    """Return a response that is read as from a connection."""
    return HTTPResponse(
        BytesIO(response.body),
        headers=HTTPHeaderDict(response.headers),
        status=response.status,
        reason=response.reason,
        preload_content=False,
        request_method=request.method,
    )


class LazyRawResponse:
    """The `raw` attribute of a response that is already read. It is built when an attribute is used."""

    _original_response = None
    """`requests` reads this attribute of every response to find cookies."""

    def __init__(self, response: WsgiResponse, request: requests.PreparedRequest) -> None:
        self._arguments = response, request

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_arguments":  # during copying, attributes are not set yet
            raise AttributeError(name)
        if "_raw" not in self.__dict__:
            self._raw = raw_response(*self._arguments)
            self._raw.read()
        return getattr(self._raw, name)


def build_response(
    response: WsgiResponse, request: requests.PreparedRequest, adapter: HTTPAdapter
) -> requests.Response:
    """Return the same response as `HTTPAdapter.build_response`, with its body already read."""
    built = requests.Response()
    headers = CaseInsensitiveDict(response.headers)
    if len(headers) < len(response.headers):  # repeated headers are joined
        headers = CaseInsensitiveDict(HTTPHeaderDict(response.headers))
    built.status_code, built.reason, built.headers = response.status, response.reason, headers
    built.encoding = get_encoding_from_headers(headers)
    built.url, built.request, built.connection = request.url or "", request, adapter
    built.raw = LazyRawResponse(response, request)
    vars(built).update(_content=response.body, _content_consumed=True)
    return built


class ResponseDetached(Exception):
    """Carries the send actions of a response with a fault out of the application."""

    def __init__(self, actions: Iterator[SendAction]) -> None:
        super().__init__("a response with a fault")
        self.actions = actions


def detach(actions: Iterator[SendAction]) -> NoReturn:
    raise ResponseDetached(actions)


Timeout: TypeAlias = float | tuple[float | None, float | None] | None


def received_body(actions: Iterator[SendAction], request: requests.PreparedRequest, timeout: Timeout) -> bytes:
    """Return the part of a body that arrives in time. Raise what `requests` raises if no response arrives."""
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
            reason = ConnectionResetError(104, "Connection reset by peer") if action.by_reset else NO_RESPONSE
            raise requests.ConnectionError(("Connection aborted.", reason), request=request)
    return b"".join(parts)


NO_RESPONSE = RemoteDisconnected("Remote end closed connection without response")


# WSGI environment


def build_environ(request: requests.PreparedRequest) -> WSGIEnvironment:
    """Return the WSGI environment of a prepared request."""
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
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:  # as a server that joins the chunks
        environ["CONTENT_LENGTH"] = str(len(content))
    return environ


@lru_cache(maxsize=64)
def server_environ(scheme: str, netloc: str) -> WSGIEnvironment:
    """Return the part of the environment that all requests to a server share."""
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
    """Return the decoded path. WSGI represents each byte as a character of Latin-1."""
    return path if path.isascii() and "%" not in path else unquote_to_bytes(path).decode("latin-1")


@lru_cache(maxsize=256)
def environ_key(name: str) -> str:
    """Return the key of a header in the environment."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def body_bytes(body: Any) -> bytes:
    """Return the bytes of a body: text, bytes, a file, or an iterable of parts."""
    if not body:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    parts: Iterable[str | bytes] = [body.read()] if hasattr(body, "read") else body
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


# Interception


GetAdapter: TypeAlias = Callable[[requests.Session, str], BaseAdapter]
PATCH_LOCK = threading.Lock()
"""Held while `requests.Session` is patched, because all threads share the class."""


class InterceptedHost(NamedTuple):
    """A host to intercept. Without a port, the default port of http or https is meant."""

    host: str
    port: int | None

    @classmethod
    def parse(cls, url: str) -> InterceptedHost:
        """Parse a URL such as `https://acme-oms.akinon.net`. Raise `ValueError` if it is not only a host."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ValueError(f"cannot intercept {url!r}: its port is not a number from 0 to 65535") from None
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"cannot intercept {url!r}: not http:// or https:// and a host")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"cannot intercept {url!r}: a whole host, like {parts.scheme}://{parts.hostname}")
        return cls(parts.hostname, None if port == DEFAULT_PORTS[parts.scheme] else port)

    def matches(self, url: str) -> bool:
        """Return whether a request to this URL is intercepted."""
        parts = urlsplit(url)
        default = DEFAULT_PORTS.get(parts.scheme.lower())
        return parts.hostname == self.host and (parts.port or default) == (self.port or default)


class AdapterPatch:
    """Replaces `requests.Session.get_adapter` while hosts are intercepted."""

    def __init__(self, original: GetAdapter) -> None:
        self.original = original
        self.intercepts: tuple[tuple[object, InterceptedHost, BaseAdapter], ...] = ()
        """Owner, host and adapter of each interception, newest first."""

    def build_method(self) -> GetAdapter:
        def get_adapter(session: requests.Session, url: str) -> BaseAdapter:
            for _, host, adapter in self.intercepts:
                if host.matches(url):
                    return adapter
            return self.original(session, url)

        vars(get_adapter)["patch"] = self
        return get_adapter


@contextmanager
def intercept_requests(urls: tuple[str, ...], adapter: BaseAdapter) -> Iterator[None]:
    """Send requests to these hosts, of every `requests.Session`, through the adapter until the block ends.

    If several blocks intercept one host, the newest has precedence. Blocks in threads may end in any order.
    """
    hosts = [InterceptedHost.parse(url) for url in urls]
    if not hosts:
        raise ValueError("intercept what? Give a host, like https://acme-oms.akinon.net")
    owner = object()
    with PATCH_LOCK:
        patch = installed_patch()
        patch.intercepts = (*((owner, host, adapter) for host in hosts), *patch.intercepts)
    try:
        yield
    finally:
        with PATCH_LOCK:
            patch.intercepts = tuple(entry for entry in patch.intercepts if entry[0] is not owner)
            if not patch.intercepts and current_patch() is patch:
                requests.Session.get_adapter = patch.original  # type: ignore[assignment, method-assign]


def current_patch() -> AdapterPatch | None:
    return getattr(requests.Session.get_adapter, "patch", None)


def installed_patch() -> AdapterPatch:
    """Return the patch of `requests.Session`. Install it if there is none."""
    patch = current_patch()
    if patch is None:
        patch = AdapterPatch(requests.Session.get_adapter)
        requests.Session.get_adapter = patch.build_method()  # type: ignore[assignment, method-assign]
    return patch
