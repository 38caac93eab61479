"""One request to a hook, as the sender's client makes it: the only place that opens a connection."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from emulator.core.hosts import is_loopback
from emulator.core.sources import machine_seconds
from emulator.delivery.answers import LONGEST, TIMEOUT, Answer, NoAnswer, Refused

LARGEST = 64 * 1024
"""How much of an answer is read and kept (assumed: the sender reads it all)."""
CHUNK = 64 * 1024
MOST_REDIRECTS = 30
MOST_ADDRESSES = 1_000
"""How many addresses a thread remembers the prepared form of."""
NO_COOKIES = RequestsCookieJar()
"""Of every first request: each redirect makes its own."""
SHORT = 5.0
"""Seconds for the body of a redirect, which nobody reads."""


class Caller:
    """Calls hooks, from any thread; each thread keeps its own connections open."""

    def __init__(
        self, allowed_hosts: Collection[str] = (), timeout: float = TIMEOUT, longest: float = LONGEST
    ) -> None:
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self.timeout, self.longest = timeout, longest
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
            request = self._prepared(session, url, headers, body)
            session.get_adapter(request.url or "")
            self.check(request.url or "")
            response, done = self._send(session, request), 0
            while response.is_redirect:
                request, before = next_request(session, response, request), response.status_code
                if done == MOST_REDIRECTS:  # the sender records the last redirect's status, which is no error
                    raise NoAnswer(f"Exceeded {MOST_REDIRECTS} redirects.", before)
                self.check(request.url or "", "redirects to ")
                response, done = self._send(session, request), done + 1
            return read(response, until)
        except (requests.RequestException, HTTPError) as error:
            raise NoAnswer(str(error)) from None
        except (UnicodeError, ValueError, OSError) as error:
            raise NoAnswer(str(error), content="") from None  # the sender keeps no text of these

    def _prepared(
        self, session: requests.Session, url: str, headers: Mapping[str, Any], body: bytes
    ) -> requests.PreparedRequest:
        """Give the request as `requests.post` prepares it; what is the same for each of an address is kept."""
        if "@" in url:  # with credentials, which go before others
            return session.prepare_request(requests.Request("POST", url, headers=dict(headers), data=body))
        known: dict[str, str] = self._thread.known
        if (address := known.get(url)) is None:
            if len(known) >= MOST_ADDRESSES:
                known.clear()
            address = known[url] = session.prepare_request(requests.Request("POST", url)).url or ""
        request: Any = requests.PreparedRequest()
        request.method, request.url, request.hooks = "POST", address, default_hooks()
        merged = CaseInsensitiveDict(session.headers)
        merged.update(headers)
        request.prepare_headers({name: value for name, value in merged.items() if value is not None})
        request.body, request._cookies = body, NO_COOKIES  # noqa: SLF001 - as the library prepares it
        return request  # type: ignore[no-any-return]  # it is one

    def _send(self, session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
        adapter = session.get_adapter(request.url or "")
        return adapter.send(request, stream=True, timeout=self.timeout, verify=True)

    def check(self, url: str, how: str = "") -> None:
        """Insist that an address may be called."""
        host = (urlsplit(url).hostname or "").lower()
        if not is_loopback(host) and host not in self.allowed_hosts:
            raise Refused(f"not sent: the hook {how}{host or url!r} is not this machine; --allow-webhook-host {host}")


def next_request(session: requests.Session, response: requests.Response, request: Any) -> requests.PreparedRequest:
    """Give the request that a redirect asks for, as the library makes it."""
    try:
        with suppress(ProtocolError, DecodeError):
            read(response, machine_seconds() + SHORT)
    finally:
        response.close()
    if request._cookies is NO_COOKIES:  # noqa: SLF001 - as below
        request._cookies = RequestsCookieJar()  # noqa: SLF001 - it is filled on the way
    response._content = b""  # noqa: SLF001 - it would read the rest, however long that is
    redirected: Any = next(session.resolve_redirects(response, request, yield_requests=True, stream=True))
    return redirected  # type: ignore[no-any-return]


def read(response: requests.Response, until: float) -> Answer:
    """Read an answer, up to so many bytes and until so many seconds; what is beyond is left."""
    body = bytearray()
    whole = False
    try:
        while len(body) < LARGEST and not whole:
            chunk = response.raw.read1(CHUNK, decode_content=True)
            body += chunk
            whole = not chunk
            if machine_seconds() > until:
                raise NoAnswer("Read timed out.")
    finally:
        response.raw.release_conn() if whole else response.close()
    kept = bytes(body[:LARGEST])
    return Answer(response.status_code, kept, kept.decode(response.encoding or "utf-8", "replace"))
