"""One request to a hook, as the sender's client makes it: the only place that opens a connection."""

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

from emulator.core.sources import machine_seconds
from emulator.delivery.answers import LONGEST, TIMEOUT, Answer, NoAnswer
from emulator.delivery.permitted import Permitted
from emulator.rules.requesting import AUTHORIZATION, LENGTH

LARGEST = 64 * 1024
"""How much of an answer is read and kept (assumed: the sender reads it all)."""
CHUNK = 64 * 1024
MOST_REDIRECTS = 30
MOST_ADDRESSES = 1_000
"""How many addresses a thread remembers the prepared form of."""
SHORT = 5.0
"""Seconds for the body of a redirect, which nobody reads."""


class Target(NamedTuple):
    """Where an address leads."""

    url: str
    path: str
    pool: Any
    retries: Any
    headers: Mapping[str, str]
    """Of credentials in the address, which go before others."""


class Caller:
    """Calls hooks, from any thread; each thread keeps its own connections open."""

    def __init__(self, permitted: Permitted, timeout: float = TIMEOUT, longest: float = LONGEST) -> None:
        self._permitted = permitted
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

    def post(self, url: str, headers: Mapping[str, Any], body: bytes) -> Answer:
        """POST the body; redirects are followed as requests follows them, as long as they stay where calls may go.

        Raises `NoAnswer` where none came, `Refused` for an address that must not be called.
        """
        session = self._session
        until = machine_seconds() + self.longest
        try:
            target = self._target(session, url)
            self._permitted.check(target.url)
            made = merged(session.headers, headers, target.headers)
            raw = self._sent(target, made, body)
            if not is_redirect(raw):
                return read(raw, until)
            request = prepared(session, target.url, made, body)
            adapter: Any = session.get_adapter(target.url)
            response, done = adapter.build_response(request, raw), 0
            while response.is_redirect:
                request, before = next_request(session, response, request), response.status_code
                if done == MOST_REDIRECTS:  # the sender records the last redirect's status, which is no error
                    raise NoAnswer(f"Exceeded {MOST_REDIRECTS} redirects.", before)
                self._permitted.check(request.url or "", "redirects to ")
                response, done = self._followed(session, request), done + 1
            return read(response.raw, until)
        except (requests.RequestException, HTTPError) as error:
            raise NoAnswer(str(error)) from None
        except (UnicodeError, ValueError, OSError) as error:
            raise NoAnswer(str(error), content="") from None  # the sender keeps no text of these

    def _target(self, session: requests.Session, url: str) -> Target:
        """Give where an address leads, as the library works it out; a thread remembers that."""
        known: dict[str, Target] = self._thread.known
        target = known.get(url)
        if target is None or target.pool.pool is None:  # the library closes what is not used for long
            if len(known) >= MOST_ADDRESSES:
                known.clear()
            request = session.prepare_request(requests.Request("POST", url))
            adapter: Any = session.get_adapter(request.url or "")
            pool = adapter.get_connection_with_tls_context(request, verify=True)
            adapter.cert_verify(pool, request.url, verify=True, cert=None)
            given = {AUTHORIZATION: request.headers[AUTHORIZATION]} if AUTHORIZATION in request.headers else {}
            target = known[url] = Target(request.url or "", request.path_url, pool, adapter.max_retries, given)
        return target

    def _sent(self, target: Target, headers: Mapping[str, str], body: bytes) -> BaseHTTPResponse:
        """Send a request as the library's adapter does, without its objects around what goes and comes."""
        try:
            return target.pool.urlopen(  # type: ignore[no-any-return]  # the library has no types
                "POST", target.path, body=body, headers=headers,
                redirect=False, assert_same_host=False, preload_content=False, decode_content=False,
                retries=target.retries, timeout=self._timeout,
                chunked=LENGTH not in headers,
            )  # fmt: skip
        except OSError as error:
            raise NoAnswer(str(error)) from None

    def _followed(self, session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
        return session.get_adapter(request.url or "").send(request, stream=True, timeout=self.timeout, verify=True)


def merged(*layers: Mapping[str, Any]) -> dict[str, str]:
    """Give headers, later in the place of earlier ones, whatever their case; `InvalidHeader` for what is none."""
    found = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    made = [header for header in found.values() if header[1] is not None]
    for header in made:
        check_header_validity(header)
    return dict(made)


def prepared(
    session: requests.Session, url: str, headers: Mapping[str, str], body: bytes
) -> requests.PreparedRequest:
    """Give a request that was sent as the library would have prepared it: for what a redirect makes of it."""
    return session.prepare_request(requests.Request("POST", url, headers=dict(headers), data=body))


def next_request(session: requests.Session, response: requests.Response, request: Any) -> requests.PreparedRequest:
    """Give the request that a redirect asks for, as the library makes it."""
    try:
        with suppress(ProtocolError, DecodeError):
            read(response.raw, machine_seconds() + SHORT)
    finally:
        response.close()
    response._content = b""  # noqa: SLF001 - it would read the rest, however long that is
    redirected: Any = next(session.resolve_redirects(response, request, yield_requests=True, stream=True))
    return redirected  # type: ignore[no-any-return]


def is_redirect(raw: BaseHTTPResponse) -> bool:
    return raw.status in REDIRECT_STATI and "location" in raw.headers


def read(raw: Any, until: float) -> Answer:
    """Read an answer, up to so many bytes and until so many seconds; what is beyond is left."""
    body = bytearray()
    whole = False
    try:
        while len(body) < LARGEST and not whole:
            chunk = raw.read1(CHUNK, decode_content=True)
            body += chunk
            whole = not chunk
            if machine_seconds() > until:
                raise NoAnswer("Read timed out.")
    finally:
        if not whole:
            raw.close()
        raw.release_conn()
    kept = bytes(body[:LARGEST])
    return Answer(raw.status, kept, kept.decode(get_encoding_from_headers(raw.headers) or "utf-8", "replace"))
