"""The hosts that webhook requests may be sent to: this machine, and the hosts that the user allows."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from emulator.core.delivery_result import NOT_SENT
from emulator.core.hosts import is_loopback
from emulator.delivery.answers import HostNotAllowed

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
            raise HostNotAllowed(f"{NOT_SENT}{reason}")

    def _refusal(self, url: str) -> str | None:
        with suppress(ValueError):  # requests reports malformed URLs
            try:
                if url.startswith(("http://", "https://")) and urlsplit(url).hostname is not None:
                    self.check(url)
            except HostNotAllowed as error:
                return str(error)
        return None
