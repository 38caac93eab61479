"""The response to a webhook request, the errors in its place, and the time limits of a request."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from emulator.core.hosts import is_loopback
from emulator.state.outbox import NETWORK_ERROR, NOT_SENT_PREFIX

TIMEOUT_SECONDS = 10
"""Seconds for connecting, and for each read. The vendor's sender uses the same value."""
MAX_SECONDS = 30.0
"""Seconds until a response that is still being received is abandoned (assumed: the sender has no such limit)."""


class WebhookResponse(NamedTuple):
    """The receiver's response."""

    status: int
    body: bytes
    text: str


class NoResponse(Exception):
    """The request got no response. `recorded` holds the status and the text that the sender records."""

    def __init__(self, reason: str, status: int = NETWORK_ERROR, content: str | None = None) -> None:
        super().__init__(reason)
        self.recorded = status, reason if content is None else content


class HostNotAllowed(NoResponse):
    """The host is neither this machine nor on the allowlist, so the request is not sent."""


CACHED_URLS = 1_000
"""Number of URLs whose refusal is cached."""


class HostAllowlist:
    """Decide whether a URL may be requested."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self.hosts = frozenset(host.lower() for host in hosts)
        self.refusal = lru_cache(CACHED_URLS)(self._refusal)
        """Return the reason why a URL must not be requested, or None if it may be, or if the URL is malformed."""

    def check(self, url: str, how: str = "") -> None:
        """Raise `HostNotAllowed` if the URL's host is not allowed. `how` describes how the URL was reached."""
        host = (urlsplit(url).hostname or "").lower()
        if not is_loopback(host) and host not in self.hosts:
            reason = f"the hook {how}{host or url!r} is not this machine; --allow-webhook-host {host}"
            raise HostNotAllowed(f"{NOT_SENT_PREFIX}{reason}")

    def _refusal(self, url: str) -> str | None:
        with suppress(ValueError):  # requests reports malformed URLs
            try:
                if url.startswith(("http://", "https://")) and urlsplit(url).hostname is not None:
                    self.check(url)
            except HostNotAllowed as error:
                return str(error)
        return None
