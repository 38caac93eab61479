"""The hosts that hooks may be called at: this machine, and those that the user allows."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from emulator.core.delivery_result import NOT_SENT
from emulator.core.hosts import is_loopback
from emulator.delivery.answers import Refused

MOST_ADDRESSES = 1_000
"""Size of the cache."""


class HostAllowlist:
    """Checks the host of a URL."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self.hosts = frozenset(host.lower() for host in hosts)
        self.refusal = lru_cache(MOST_ADDRESSES)(self._refusal)
        """Returns why a URL may not be called, or None. Cached."""

    def check(self, url: str, how: str = "") -> None:
        """Raise `Refused` if a URL may not be called."""
        host = (urlsplit(url).hostname or "").lower()
        if not is_loopback(host) and host not in self.hosts:
            told = f"the hook {how}{host or url!r} is not this machine; --allow-webhook-host {host}"
            raise Refused(f"{NOT_SENT}{told}")

    def _refusal(self, url: str) -> str | None:
        with suppress(ValueError):  # not a URL: the HTTP client reports it
            try:
                if url.startswith(("http://", "https://")) and urlsplit(url).hostname is not None:
                    self.check(url)
            except Refused as refused:
                return str(refused)
        return None
