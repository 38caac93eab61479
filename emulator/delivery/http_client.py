"""The HTTP client that sends webhook requests with `requests`. No other module of the emulator calls other hosts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from emulator.core.sending import NETWORK_ERROR
from emulator.core.sources import machine_seconds
from emulator.delivery.allowlist import HostAllowlist
from emulator.delivery.answers import LONGEST, TIMEOUT, NoResponse, WebhookResponse

MAX_BODY = 64 * 1024
"""Number of bytes of a response that are read and stored (assumed: the sender reads the whole body)."""


class AllowlistAdapter(HTTPAdapter):
    """Check the host of every request before it is sent, including the requests that redirects lead to."""

    def __init__(self, allowlist: HostAllowlist) -> None:
        super().__init__(pool_connections=16, pool_maxsize=1)
        self._allowlist = allowlist

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self._allowlist.check(request.url or "", "redirects to ")
        return super().send(request, *args, **options)


class HttpClient:
    """Send webhook requests. Safe to use from several threads: each thread has its own session and connections."""

    def __init__(self, allowlist: HostAllowlist, timeout: float = TIMEOUT, longest: float = LONGEST) -> None:
        self._allowlist = allowlist
        self._timeout, self._longest = timeout, longest
        self._thread = threading.local()

    def post(self, url: str, headers: Mapping[str, Any], body: bytes) -> WebhookResponse:
        """Send a POST request, follow redirects to allowed hosts, and return the last response.

        Raises `NoResponse` if there is none, and `HostNotAllowed` if a host is not allowed.
        """
        deadline = machine_seconds() + self._longest
        try:
            return self._post(url, headers, body, deadline)
        except (requests.RequestException, HTTPError) as error:
            last: requests.Response | None = getattr(error, "response", None)  # the redirect that is one too many
            raise NoResponse(str(error), NETWORK_ERROR if last is None else last.status_code) from None
        except (UnicodeError, ValueError, OSError) as error:
            raise NoResponse(str(error), content="") from None  # the sender records no text for these

    def _post(self, url: str, headers: Mapping[str, Any], body: bytes, deadline: float) -> WebhookResponse:
        def drain_redirect(response: requests.Response, **_: Any) -> None:
            if response.is_redirect:
                with suppress(ProtocolError, DecodeError):
                    read_response(response, deadline)

        session = self._session()
        session.cookies.clear()
        request = requests.Request("POST", url, headers=dict(headers), data=body, hooks={"response": drain_redirect})
        prepared = session.prepare_request(request)
        session.get_adapter(prepared.url or "")  # raises the library's own error for an unknown scheme
        self._allowlist.check(prepared.url or "")
        return read_response(session.send(prepared, stream=True, timeout=self._timeout), deadline)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = self._thread.session = requests.Session()
            session.trust_env = False  # the machine's proxies and .netrc must not affect deliveries
            for scheme in ("http://", "https://"):
                session.mount(scheme, AllowlistAdapter(self._allowlist))
        return session


def read_response(response: requests.Response, deadline: float) -> WebhookResponse:
    """Read at most `MAX_BODY` bytes of the body. Raise `NoResponse` when the deadline passes."""
    raw = response.raw
    body = bytearray()
    is_complete = False
    try:
        while len(body) < MAX_BODY and not is_complete:
            chunk = raw.read1(MAX_BODY, decode_content=True)
            body += chunk
            is_complete = not chunk
            if machine_seconds() > deadline:
                raise NoResponse("Read timed out.")
    finally:
        if not is_complete:
            raw.close()
        raw.release_conn()
    kept = bytes(body[:MAX_BODY])
    return WebhookResponse(response.status_code, kept, kept.decode(response.encoding or "utf-8", "replace"))
