"""One request to a hook, as the sender's client makes it: the only place that opens a connection."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from emulator.core.hosts import is_loopback
from emulator.core.sources import machine_seconds
from emulator.delivery.answers import LONGEST, TIMEOUT, Answer, NoAnswer, Refused

LARGEST = 1024 * 1024
"""How much of an answer is read and kept (assumed: the sender reads it all)."""
CHUNK = 64 * 1024
MOST_REDIRECTS = 30
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
            request = session.prepare_request(requests.Request("POST", url, headers=dict(headers), data=body))
            self.check(request.url or "")
            response = self._send(session, request)
            for done in itertools.count():
                if not response.is_redirect:
                    return read(response, until)
                following = next_request(session, response, request)
                response.close()
                if done == MOST_REDIRECTS:
                    # The sender takes the status of the last redirect, which is no error: it does not try again.
                    raise NoAnswer(f"Exceeded {MOST_REDIRECTS} redirects.", response.status_code)
                request = following
                self.check(request.url or "", "redirects to ")
                response = self._send(session, request)
            raise AssertionError
        except (requests.RequestException, HTTPError) as error:
            raise NoAnswer(str(error)) from None
        except (UnicodeError, ValueError, OSError) as error:
            raise NoAnswer(str(error), content="") from None  # the sender keeps no text of these

    def _send(self, session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
        adapter = session.get_adapter(request.url or "")
        return adapter.send(request, stream=True, timeout=self.timeout, verify=True)

    def check(self, url: str, how: str = "") -> None:
        """Insist that an address may be called."""
        host = (urlsplit(url).hostname or "").lower()
        if not is_loopback(host) and host not in self.allowed_hosts:
            raise Refused(f"not sent: the hook {how}{host or url!r} is not this machine; --allow-webhook-host {host}")


def next_request(
    session: requests.Session, response: requests.Response, request: requests.PreparedRequest
) -> requests.PreparedRequest | None:
    """Give the request that a redirect asks for, as the library makes it; None for an answer that is none."""
    if not response.is_redirect:
        return None
    read(response, machine_seconds() + SHORT)
    response._content = b""  # noqa: SLF001 - it would read the rest, however long that is
    redirected: Any = next(session.resolve_redirects(response, request, yield_requests=True, stream=True), None)
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
