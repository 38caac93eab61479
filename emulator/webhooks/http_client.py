"""Sends one request to a hook, as the vendor's HTTP client does. Only this module opens connections."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.models import REDIRECT_STATI
from requests.utils import check_header_validity, get_encoding_from_headers
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from emulator.domain.webhook_retries import AUTHORIZATION_HEADER, LENGTH_HEADER
from emulator.state.clock import machine_seconds
from emulator.webhooks.responses import MAX_SECONDS, TIMEOUT_SECONDS, HostAllowlist, NoResponse, WebhookResponse

MAX_BODY_BYTES = 64 * 1024
"""Maximum bytes of a response that are read (assumed: the vendor's sender reads everything)."""
CHUNK_BYTES = 64 * 1024
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


class HttpClient:
    """Calls hooks from any thread. Each thread has its own connection pool."""

    def __init__(self, hosts: HostAllowlist, timeout: float = TIMEOUT_SECONDS, longest: float = MAX_SECONDS) -> None:
        self._hosts = hosts
        self.timeout, self.longest = timeout, longest
        self._timeout = Timeout(connect=timeout, read=timeout)
        self._thread = threading.local()

    @property
    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = self._thread.session = requests.Session()
            self._thread.known = {}
            session.trust_env = False  # no proxy, no .netrc: what the machine has set must not lead elsewhere
            session.mount("http://", HTTPAdapter(pool_connections=16, pool_maxsize=1))
            session.mount("https://", HTTPAdapter(pool_connections=16, pool_maxsize=1))
        return session

    def post(self, url: str, headers: Mapping[str, Any], body: bytes) -> WebhookResponse:
        """POST the body. Redirects to allowed hosts are followed like `requests` does.

        Raise `NoResponse` if there is no response, and `Refused` for a host that may not be called.
        """
        session = self._session
        until = machine_seconds() + self.longest
        try:
            target = self._target(session, url)
            self._hosts.check(target.url)
            made = merge_headers(session.headers, headers, target.headers)
            raw = self._send(target, made, body)
            if not is_redirect(raw):
                return read_response(raw, until)
            request = prepare_request(session, target.url, made, body)
            adapter: Any = session.get_adapter(target.url)
            response, done = adapter.build_response(request, raw), 0
            while response.is_redirect:
                request, before = build_redirected_request(session, response, request), response.status_code
                if done == MAX_REDIRECTS:  # the sender records the last redirect's status, which is no error
                    raise NoResponse(f"Exceeded {MAX_REDIRECTS} redirects.", before)
                self._hosts.check(request.url or "", "redirects to ")
                response, done = self._follow(session, request), done + 1
            return read_response(response.raw, until)
        except (requests.RequestException, HTTPError) as error:
            raise NoResponse(str(error)) from None
        except (UnicodeError, ValueError, OSError) as error:
            raise NoResponse(str(error), content="") from None  # the sender keeps no text of these

    def _target(self, session: requests.Session, url: str) -> Target:
        """Return the prepared form of a URL, from the thread's cache if possible."""
        known: dict[str, Target] = self._thread.known
        target = known.get(url)
        if target is None or target.pool.pool is None:  # the library closes idle pools
            if len(known) >= MAX_CACHED_URLS:
                known.clear()
            request = session.prepare_request(requests.Request("POST", url))
            adapter: Any = session.get_adapter(request.url or "")
            pool = adapter.get_connection_with_tls_context(request, verify=True)
            adapter.cert_verify(pool, request.url, verify=True, cert=None)
            given = (
                {AUTHORIZATION_HEADER: request.headers[AUTHORIZATION_HEADER]}
                if AUTHORIZATION_HEADER in request.headers
                else {}
            )
            target = known[url] = Target(request.url or "", request.path_url, pool, adapter.max_retries, given)
        return target

    def _send(self, target: Target, headers: Mapping[str, str], body: bytes) -> BaseHTTPResponse:
        """Send a request like the library's adapter does, without its request and response objects."""
        try:
            return target.pool.urlopen(  # type: ignore[no-any-return]  # the library has no types
                "POST", target.path, body=body, headers=headers,
                redirect=False, assert_same_host=False, preload_content=False, decode_content=False,
                retries=target.retries, timeout=self._timeout,
                chunked=LENGTH_HEADER not in headers,
            )  # fmt: skip
        except OSError as error:
            raise NoResponse(str(error)) from None

    def _follow(self, session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
        return session.get_adapter(request.url or "").send(request, stream=True, timeout=self.timeout, verify=True)


def merge_headers(*layers: Mapping[str, Any]) -> dict[str, str]:
    """Merge headers. Later layers override earlier ones, ignoring case. Raise `InvalidHeader` for an invalid one."""
    found = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    made = [header for header in found.values() if header[1] is not None]
    for header in made:
        check_header_validity(header)
    return dict(made)


def prepare_request(
    session: requests.Session, url: str, headers: Mapping[str, str], body: bytes
) -> requests.PreparedRequest:
    """Return a sent request in the library's prepared form, from which a redirect is built."""
    return session.prepare_request(requests.Request("POST", url, headers=dict(headers), data=body))


def build_redirected_request(
    session: requests.Session, response: requests.Response, request: Any
) -> requests.PreparedRequest:
    """Return the request of a redirect, as the library builds it."""
    try:
        with suppress(ProtocolError, DecodeError):
            read_response(response.raw, machine_seconds() + REDIRECT_BODY_SECONDS)
    finally:
        response.close()
    response._content = b""  # noqa: SLF001 - otherwise it reads the rest, which may be endless
    redirected: Any = next(session.resolve_redirects(response, request, yield_requests=True, stream=True))
    return redirected  # type: ignore[no-any-return]


def is_redirect(raw: BaseHTTPResponse) -> bool:
    return raw.status in REDIRECT_STATI and "location" in raw.headers


def read_response(raw: Any, until: float) -> WebhookResponse:
    """Read a response up to the byte limit. Raise `NoResponse` after the deadline."""
    body = bytearray()
    whole = False
    try:
        while len(body) < MAX_BODY_BYTES and not whole:
            chunk = raw.read1(CHUNK_BYTES, decode_content=True)
            body += chunk
            whole = not chunk
            if machine_seconds() > until:
                raise NoResponse("Read timed out.")
    finally:
        if not whole:
            raw.close()
        raw.release_conn()
    kept = bytes(body[:MAX_BODY_BYTES])
    return WebhookResponse(
        raw.status, kept, kept.decode(get_encoding_from_headers(raw.headers) or "utf-8", "replace")
    )
