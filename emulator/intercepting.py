"""Plain `requests` calls to a host lead elsewhere, whichever session makes them; those to other hosts are let be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

USUAL_PORTS = {"http": 80, "https": 443}
LOCK = threading.Lock()
"""Held while `requests.Session` is changed: it is one for the whole process."""


class Place(NamedTuple):
    """A host to intercept; without a port, at the usual one of http and https."""

    host: str
    port: int | None

    @classmethod
    def of(cls, url: str) -> Place:
        """Give what a URL such as `https://acme-oms.akinon.net` names; `ValueError` if it names more or less."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ValueError(f"cannot intercept {url!r}: its port is no number up to 65535") from None
        if parts.scheme not in USUAL_PORTS or not parts.hostname:
            raise ValueError(f"cannot intercept {url!r}: not http:// or https:// and a host")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"cannot intercept {url!r}: a whole host, like {parts.scheme}://{parts.hostname}")
        return cls(parts.hostname, None if port == USUAL_PORTS[parts.scheme] else port)

    def takes(self, url: str) -> bool:
        """Tell whether a request to this URL goes there."""
        parts = urlsplit(url)
        usual = USUAL_PORTS.get(parts.scheme.lower())
        return parts.hostname == self.host and (parts.port or usual) == (self.port or usual)


class Detour:
    """Stands in for `requests.Session.get_adapter` while anything is intercepted."""

    def __init__(self, usual: Any) -> None:
        self.usual = usual
        self.leading: tuple[tuple[object, Place, BaseAdapter], ...] = ()
        """By whom, which host, where to; the latest first."""

    def method(self) -> Any:
        def get_adapter(session: requests.Session, url: str) -> BaseAdapter:
            for _, place, adapter in self.leading:
                if place.takes(url):
                    return adapter
            return self.usual(session, url)  # type: ignore[no-any-return]

        get_adapter.detour = self  # type: ignore[attr-defined]
        return get_adapter


@contextmanager
def intercepting(urls: tuple[str, ...], adapter: BaseAdapter) -> Iterator[None]:
    """Let every request to these hosts, of any `requests.Session`, go through the adapter until the block ends.

    Of several at once for one host, the one that began last has it. Threads may begin and end them in any order.
    """
    places = [Place.of(url) for url in urls]
    if not places:
        raise ValueError("intercept what? Give a host, like https://acme-oms.akinon.net")
    mark = object()
    with LOCK:
        detour = detour_now()
        detour.leading = (*((mark, place, adapter) for place in places), *detour.leading)
    try:
        yield
    finally:
        with LOCK:
            detour.leading = tuple(entry for entry in detour.leading if entry[0] is not mark)
            if not detour.leading and getattr(requests.Session.get_adapter, "detour", None) is detour:
                requests.Session.get_adapter = detour.usual  # type: ignore[method-assign]


def detour_now() -> Detour:
    """Give the detour that sessions take, put in place if there is none."""
    found: Detour | None = getattr(requests.Session.get_adapter, "detour", None)
    if found is not None:
        return found
    detour = Detour(requests.Session.get_adapter)
    requests.Session.get_adapter = detour.method()  # type: ignore[method-assign]
    return detour
