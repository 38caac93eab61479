"""Which addresses hooks may be called at: this machine's, unless others are named."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from emulator.core.hosts import is_loopback
from emulator.core.sending import NOT_SENT
from emulator.delivery.answers import Refused

MOST_ADDRESSES = 1_000
"""Of how many addresses it is remembered."""


class Permitted:
    """Says which addresses may be called."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self.hosts = frozenset(host.lower() for host in hosts)
        self.refusal = lru_cache(MOST_ADDRESSES)(self._refusal)
        """Gives why an address will not be called, where that is plain without a request for it."""

    def check(self, url: str, how: str = "") -> None:
        """Insist that an address may be called; `Refused` if it may not."""
        host = (urlsplit(url).hostname or "").lower()
        if not is_loopback(host) and host not in self.hosts:
            told = f"the hook {how}{host or url!r} is not this machine; --allow-webhook-host {host}"
            raise Refused(f"{NOT_SENT}{told}")

    def _refusal(self, url: str) -> str | None:
        with suppress(ValueError):  # no address at all: what becomes of it, the library says
            try:
                if url.startswith(("http://", "https://")) and urlsplit(url).hostname is not None:
                    self.check(url)
            except Refused as refused:
                return str(refused)
        return None
