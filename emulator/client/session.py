"""Calls with `requests`: sessions that take paths as URLs, calls in process, and interception of other hosts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.client import RemoteDisconnected
from io import BytesIO
from types import MethodType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse, Retry, connection_from_url
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError, ResponseError
from urllib3.util.request import set_file_position

from emulator.core.hosts import DEFAULT_PORTS
from emulator.core.wsgi import wsgi_environ
from emulator.web.fault_injection import DETACH, STREAM, SendAction, Wait

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Timeout: TypeAlias = float | tuple[float | None, float | None] | None


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

    def with_retries_of(self, other: BaseAdapter) -> InProcessAdapter:
        """Return an equal adapter that repeats requests as another adapter does."""
        adapter = InProcessAdapter.__new__(InProcessAdapter)
        retries = other.max_retries if isinstance(other, HTTPAdapter) else self.max_retries
        vars(adapter).update(vars(self), max_retries=retries)
        return adapter

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Timeout = None, *_: Any, **__: Any
    ) -> requests.Response:
        """Return the application's response, after the repetitions that `max_retries` allows.

        A delayed response arrives at once, or is a `ReadTimeout` if the delay exceeds `timeout`.
        """
        try:
            return self._send_with_retries(request, stream, timeout)
        except MaxRetryError as error:
            if isinstance(error.reason, ResponseError):
                raise requests.exceptions.RetryError(error, request=request) from error
            raise requests.ConnectionError(error, request=request) from error
        except ReadTimeoutError as error:
            raise requests.ReadTimeout(error, request=request) from error
        except ProtocolError as error:
            raise requests.ConnectionError(error, request=request) from error

    def _send_with_retries(
        self, request: requests.PreparedRequest, stream: bool, timeout: Timeout
    ) -> requests.Response:
        """Send a request until `urllib3` would not repeat it. Raise its errors."""
        retries, method, position = Retry.from_int(self.max_retries, redirect=False), str(request.method), None
        increment = partial(retry_after_failure, request)
        while True:
            position = set_file_position(request.body, position)
            try:
                response = self._send_once(request, stream, timeout)
            except (ProtocolError, ReadTimeoutError) as error:
                retries = increment(retries, error=error, _stacktrace=error.__traceback__)
                retries.sleep()
                continue
            response.raw.retries = retries
            if not retries.is_retry(method, response.status_code, "Retry-After" in response.headers):
                return response
            try:
                retries = increment(retries, response=response.raw)
            except MaxRetryError:
                if retries.raise_on_status:
                    raise
                return response
            retries.sleep(response.raw)

    def _send_once(self, request: requests.PreparedRequest, stream: bool, timeout: Timeout) -> requests.Response:
        response, is_detached = self.call_app(request, timeout)
        if stream or is_detached:
            return self.build_response(request, raw_response(response, request))
        return build_response(response, request, self)

    def call_app(self, request: requests.PreparedRequest, timeout: Timeout) -> tuple[WsgiResponse, bool]:
        """Return the application's response, and whether a fault sent it in parts.

        Raise what `urllib3` raises if no response arrives.
        """
        opened = self.open(build_environ(request))
        body = received_body(opened.actions, request, timeout)
        return WsgiResponse(opened.status, opened.reason, opened.headers, body), opened.is_detached

    def open(self, environ: WSGIEnvironment, *, is_streamed: bool = False) -> OpenedResponse:
        """Return the application's response before its body is sent. With `is_streamed`, the body may have no end."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
            started[:] = [int(status.partition(" ")[0]), status.partition(" ")[2], headers]

        environ[DETACH], environ["wsgi.errors"] = detach, sys.stderr
        if is_streamed:
            environ[STREAM] = detach
        if self.world is not None:
            environ["HTTP_X_EMULATOR_WORLD"] = self.world
        is_detached = False
        actions: Iterator[SendAction]
        try:
            actions = iter([b"".join(self.app(environ, start_response))])
        except ResponseDetached as detached:
            is_detached, actions = True, detached.actions
        status, reason, headers = started or (0, "", [])  # a fault closes the connection before a response
        return OpenedResponse(status, reason, headers, actions, is_detached)


def retry_after_failure(request: requests.PreparedRequest, retries: Retry, **failure: Any) -> Retry:
    """Return the retries that remain after an error or response. Raise the error or `MaxRetryError` without any."""
    pool = connection_from_url(str(request.url))
    return retries.increment(request.method, request.path_url, _pool=pool, **failure)


# Responses


class WsgiResponse(NamedTuple):
    """The response of a WSGI application."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class OpenedResponse(NamedTuple):
    """The response of the application, with the actions that send its body."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    actions: Iterator[SendAction]
    is_detached: bool
    """Whether a fault or a stream sends the body in parts."""


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


def received_body(actions: Iterator[SendAction], request: requests.PreparedRequest, timeout: Timeout) -> bytes:
    """Return the part of a body that arrives in time. Raise what `urllib3` raises if no response arrives."""
    read_timeout = timeout[1] if isinstance(timeout, tuple) else timeout
    parts: list[bytes] = []
    for action in actions:
        if isinstance(action, bytes):
            parts.append(action)
        elif isinstance(action, Wait):
            if isinstance(read_timeout, int | float) and action.seconds >= read_timeout:
                message = f"Read timed out. (read timeout={read_timeout})"
                late = ReadTimeoutError(connection_from_url(str(request.url)), request.path_url, message)
                raise requests.ConnectionError(late, request=request) if parts else late
        elif not parts:
            reason = ConnectionResetError(104, "Connection reset by peer") if action.by_reset else NO_RESPONSE
            raise ProtocolError("Connection aborted.", reason)
    return b"".join(parts)


NO_RESPONSE = RemoteDisconnected("Remote end closed connection without response")


# WSGI environment


def build_environ(request: requests.PreparedRequest) -> WSGIEnvironment:
    """Return the WSGI environment of a prepared request."""
    content = body_bytes(request.body)
    environ = wsgi_environ(request.method or "GET", request.url or "", request.headers, content)
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:  # as a server that joins the chunks
        environ["CONTENT_LENGTH"] = str(len(content))
    return environ


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

PATCH_LOCK = threading.Lock()
"""Held while methods of a library's classes are replaced, because all threads share the classes."""


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


class Intercept(NamedTuple):
    """An interception of one host by one library."""

    owner: object
    host: InterceptedHost
    adapter: InProcessAdapter
    send: Callable[..., requests.Response]
    """`requests.Session.send` when the interception began. Libraries such as requests_mock replace it."""


class MethodPatch:
    """Replaces methods of a library's classes while hosts are intercepted."""

    def __init__(self, methods: Mapping[tuple[type, str], Any]) -> None:
        """`methods` are the replacements, by class and name."""
        self.intercepts: tuple[Intercept, ...] = ()
        """Newest first."""
        self._methods = methods
        self.originals = {(owner, name): getattr(owner, name) for owner, name in methods}
        self._installed: dict[tuple[type, str], object] = {}

    def install(self) -> None:
        for (owner, name), method in self._methods.items():
            vars(method)["patch"] = self
            setattr(owner, name, method)
            self._installed[owner, name] = getattr(owner, name)

    def remove(self) -> None:
        """Restore the methods, unless a later patch of another library has replaced them."""
        if all(getattr(owner, name) is method for (owner, name), method in self._installed.items()):
            for (owner, name), original in self.originals.items():
                setattr(owner, name, original)

    def find_adapter(self, url: str) -> InProcessAdapter | None:
        return next((each.adapter for each in self.intercepts if each.host.matches(url)), None)


@contextmanager
def intercept_hosts(
    method: tuple[type, str], build_patch: Callable[[], MethodPatch], urls: tuple[str, ...], adapter: InProcessAdapter
) -> Iterator[None]:
    """Send requests to these hosts to the application until the block ends.

    `method` is one that the patch replaces. `build_patch` is called if no patch is installed. If several blocks
    intercept one host, the newest has precedence. Blocks in threads may end in any order.
    """
    hosts = [InterceptedHost.parse(url) for url in urls]
    if not hosts:
        raise ValueError("intercept what? Give a host, like https://acme-oms.akinon.net")
    owner = object()
    with PATCH_LOCK:
        patch: MethodPatch = getattr(getattr(*method), "patch", None) or build_patch()
        newest = (Intercept(owner, host, adapter, requests.Session.send) for host in hosts)
        patch.intercepts = (*newest, *patch.intercepts)
        patch.install()
    try:
        yield
    finally:
        with PATCH_LOCK:
            patch.intercepts = tuple(each for each in patch.intercepts if each.owner is not owner)
            if not patch.intercepts:
                patch.remove()


class AdapterPatch(MethodPatch):
    """Replaces `requests.Session.get_adapter` while hosts are intercepted.

    It is a data descriptor, because requests_mock sets `get_adapter` of a session during each call. An interception
    has precedence over such an attribute, unless a mock began later or is for this session only.
    """

    def __init__(self) -> None:
        super().__init__({(requests.Session, "get_adapter"): self})
        (self._original,) = self.originals.values()

        def get_adapter(session: requests.Session, url: str) -> BaseAdapter:
            return self.select_adapter(session, url)

        self._function = get_adapter
        vars(get_adapter)["patch"] = self

    def __get__(self, session: requests.Session | None, owner: type | None = None) -> Callable[..., BaseAdapter]:
        return self._function if session is None else MethodType(self._function, session)

    def __set__(self, session: requests.Session, method: Callable[[str], BaseAdapter]) -> None:
        vars(session)["get_adapter"] = method

    def __delete__(self, session: requests.Session) -> None:
        del vars(session)["get_adapter"]

    def select_adapter(self, session: requests.Session, url: str) -> BaseAdapter:
        """Return the adapter of the newest interception or mock."""
        mocked = vars(session).get("get_adapter")
        if getattr(mocked, "__func__", None) is self._function:  # a mock that ended has put it there
            mocked = None
        for intercept in self.intercepts:
            if (mocked is None or intercept.send is send_function(session)) and intercept.host.matches(url):
                return intercept.adapter.with_retries_of(self._original(session, url))
        adapter: BaseAdapter = self._original(session, url) if mocked is None else mocked(url)
        return adapter


def send_function(session: requests.Session) -> Callable[..., requests.Response]:
    """Return the function that replaced `send` of this session, or of all sessions."""
    method: Any = vars(session).get("send", requests.Session.send)
    function: Callable[..., requests.Response] = getattr(method, "__func__", method)
    return function


intercept_requests = partial(intercept_hosts, (requests.Session, "get_adapter"), AdapterPatch)
"""Send requests to hosts, of every `requests.Session`, to the application until the block ends."""
