"""The HTTP client: sends one request to a hook, with the same bytes as the vendor's client.

Only this module opens connections, and only it imports `requests`. Import it at the first delivery.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.models import REDIRECT_STATI
from requests.utils import check_header_validity, get_encoding_from_headers
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from emulator.core.hosts import LOCALHOST, is_localhost_name
from emulator.domain.webhook_retries import AUTHORIZATION_HEADER, LENGTH_HEADER
from emulator.state.clock import machine_seconds
from emulator.state.outbox import NoResponse, WebhookResponse

MAX_BODY_BYTES = 64 * 1024
"""Maximum bytes of a response that are read (assumed: the vendor's sender reads everything)."""
MAX_REDIRECTS = 30
MAX_CACHED_URLS = 1_000
"""Size of a thread's cache of prepared URLs."""
REDIRECT_BODY_SECONDS = 5.0
"""Seconds for the body of a redirect, which is discarded."""


class Target(NamedTuple):
    """The prepared form of a URL."""

    url: str
    path: str
    pool: Any
    retries: Any
    headers: Mapping[str, str]
    """Headers of credentials in the URL. They override other headers."""
    host: Mapping[str, str]
    """The Host header, if the connection is to another name."""


class HttpClient:
    """Calls hooks from any thread. Each thread has its own connection pool."""

    def __init__(self, check_host: Callable[[str, str], None], timeout: float, max_seconds: float) -> None:
        """`check_host` gets a URL and how it was reached. It raises `NoResponse` if the host is not allowed."""
        self._check_host = check_host
        self.timeout, self.max_seconds = timeout, max_seconds
        self._timeout = Timeout(connect=timeout, read=timeout)
        self._thread = threading.local()

    @property
    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = self._thread.session = requests.Session()
            self._thread.targets = {}
            session.trust_env = False  # ignore the proxies and the .netrc of the machine
            for scheme in ("http://", "https://"):
                session.mount(scheme, LocalhostAdapter(pool_connections=16, pool_maxsize=1))
        return session

    @staticmethod
    def prepared_url(url: str) -> str:
        """Return the URL that the client requests. Return it unchanged if the client does not accept it."""
        try:
            return requests.Request("POST", url).prepare().url or url
        except (requests.RequestException, ValueError):
            return url

    def post(self, url: str, headers: Mapping[str, Any], body: bytes) -> WebhookResponse:
        """POST the body, and follow redirects to allowed hosts. Raise `NoResponse` if there is no response."""
        session = self._session
        until = machine_seconds() + self.max_seconds
        try:
            target = self._target(session, url)
            self._check_host(target.url, "")
            merged = merge_headers(session.headers, headers, target.headers)
            raw = self._send(target, merged, body)
            if raw.status in REDIRECT_STATI and raw.headers.get("location"):
                request = session.prepare_request(requests.Request("POST", target.url, headers=merged, data=body))
                raw = self._follow_redirects(session, request, raw)
            return read_response(raw, until)
        except (requests.RequestException, HTTPError) as error:
            raise NoResponse(str(error)) from None
        except (UnicodeError, ValueError, OSError) as error:
            raise NoResponse(str(error), content="") from None  # the vendor's sender records no text of these

    def _target(self, session: requests.Session, url: str) -> Target:
        """Return the prepared form of a URL, from the thread's cache if possible."""
        targets: dict[str, Target] = self._thread.targets
        target = targets.get(url)
        if target is None or target.pool.pool is None:  # the library closes idle pools
            if len(targets) >= MAX_CACHED_URLS:
                targets.clear()
            request = session.prepare_request(requests.Request("POST", url))
            adapter: Any = session.get_adapter(request.url or "")
            pool = adapter.get_connection_with_tls_context(request, verify=True)
            adapter.cert_verify(pool, request.url, verify=True, cert=None)
            credentials = {name: request.headers[name] for name in (AUTHORIZATION_HEADER,) if name in request.headers}
            url_parts = request.url or "", request.path_url
            target = Target(*url_parts, pool, adapter.max_retries, credentials, host_header(request))
            targets[url] = target
        return target

    def _send(self, target: Target, headers: Mapping[str, str], body: bytes) -> BaseHTTPResponse:
        """Send a request like the library's adapter does, without its request and response objects."""
        try:
            return target.pool.urlopen(  # type: ignore[no-any-return]  # the library has no types
                "POST", target.path, body=body, headers=merge_headers(target.host, headers),
                redirect=False, assert_same_host=False, preload_content=False, decode_content=False,
                retries=target.retries, timeout=self._timeout,
                chunked=LENGTH_HEADER not in headers,
            )  # fmt: skip
        except OSError as error:
            raise NoResponse(str(error)) from None

    def _follow_redirects(
        self, session: requests.Session, request: requests.PreparedRequest, raw: BaseHTTPResponse
    ) -> Any:
        """Follow redirects from the first response on, as the library does. Return the last response."""
        adapter: Any = session.get_adapter(request.url or "")
        response, count = adapter.build_response(request, raw), 0
        while response.is_redirect and response.headers["location"]:  # the library follows no empty location
            request, status = build_redirected_request(session, response, request), response.status_code
            if count == MAX_REDIRECTS:
                raise NoResponse(f"Exceeded {MAX_REDIRECTS} redirects.", status)  # the sender records this status
            self._check_host(request.url or "", "redirects to ")
            adapter, count = session.get_adapter(request.url or ""), count + 1
            response = adapter.send(request, stream=True, timeout=self.timeout, verify=True)
        return response.raw


class LocalhostAdapter(HTTPAdapter):
    """Connects to `localhost` for the names below it, which a resolver may not know or may send elsewhere."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> tuple[Any, Any]:
        host: dict[str, Any]
        pool: dict[str, Any]
        host, pool = super().build_connection_pool_key_attributes(request, *args, **options)  # type: ignore[assignment]
        if host_header(request):
            return {**host, "host": LOCALHOST}, {**pool, "server_hostname": host["host"]}
        return host, pool

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if (header := host_header(request)) and "Host" not in request.headers:
            request = request.copy()  # the request of a redirect does not inherit the header
            request.headers.update(header)
        return super().send(request, *args, **options)


def host_header(request: requests.PreparedRequest) -> dict[str, str]:
    """Return the Host header for a name below `localhost`, or `localhost.`. Other names need none."""
    parts = urlsplit(request.url or "")
    is_other_name = is_localhost_name(parts.hostname or "") and parts.hostname != LOCALHOST
    return {"Host": parts.netloc.rpartition("@")[2]} if is_other_name else {}


def merge_headers(*layers: Mapping[str, Any]) -> dict[str, str]:
    """Merge headers. Later layers override earlier ones, ignoring case. Raise `InvalidHeader` for an invalid one."""
    by_name = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    headers = [header for header in by_name.values() if header[1] is not None]
    for header in headers:
        check_header_validity(header)
    return dict(headers)


def build_redirected_request(session: requests.Session, response: requests.Response, request: Any) -> Any:
    """Return the request of a redirect, as the library builds it."""
    try:
        with suppress(ProtocolError, DecodeError):
            read_response(response.raw, machine_seconds() + REDIRECT_BODY_SECONDS)
    finally:
        response.close()
    response._content = b""  # noqa: SLF001 - otherwise it reads the rest, which may be endless
    return next(session.resolve_redirects(response, request, yield_requests=True, stream=True))


def read_response(raw: Any, until: float) -> WebhookResponse:
    """Read a response up to the byte limit. Raise `NoResponse` after the deadline."""
    received, is_complete = bytearray(), False
    try:
        while len(received) < MAX_BODY_BYTES and not is_complete:
            chunk = raw.read1(MAX_BODY_BYTES, decode_content=True)
            received += chunk
            is_complete = not chunk
            if machine_seconds() > until:
                raise NoResponse("Read timed out.")
    finally:
        if not is_complete:
            raw.close()
        raw.release_conn()
    body, encoding = bytes(received[:MAX_BODY_BYTES]), get_encoding_from_headers(raw.headers) or "utf-8"
    return WebhookResponse(raw.status, body, body.decode(encoding, "replace"))
