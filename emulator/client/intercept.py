"""Plain `requests` calls to a host lead elsewhere, whichever session makes them; those to other hosts are let be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

DEFAULT_PORTS = {"http": 80, "https": 443}
LOCK = threading.Lock()
"""Held while `requests.Session` is changed: it is one for the whole process."""


class InterceptedHost(NamedTuple):
    """A host to intercept; without a port, at the usual one of http and https."""

    host: str
    port: int | None

    @classmethod
    def parse(cls, url: str) -> InterceptedHost:
        """Give what a URL such as `https://acme-oms.akinon.net` names; `ValueError` if it names more or less."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ValueError(f"cannot intercept {url!r}: its port is no number up to 65535") from None
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"cannot intercept {url!r}: not http:// or https:// and a host")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"cannot intercept {url!r}: a whole host, like {parts.scheme}://{parts.hostname}")
        return cls(parts.hostname, None if port == DEFAULT_PORTS[parts.scheme] else port)

    def matches(self, url: str) -> bool:
        """Tell whether a request to this URL goes there."""
        parts = urlsplit(url)
        usual = DEFAULT_PORTS.get(parts.scheme.lower())
        return parts.hostname == self.host and (parts.port or usual) == (self.port or usual)


class AdapterPatch:
    """Stands in for `requests.Session.get_adapter` while anything is intercepted."""

    def __init__(self, usual: Any) -> None:
        self.original = usual
        self.intercepts: tuple[tuple[object, InterceptedHost, BaseAdapter], ...] = ()
        """By whom, which host, where to; the latest first."""

    def build_method(self) -> Any:
        def get_adapter(session: requests.Session, url: str) -> BaseAdapter:
            for _, place, adapter in self.intercepts:
                if place.matches(url):
                    return adapter
            return self.original(session, url)  # type: ignore[no-any-return]

        get_adapter.detour = self  # type: ignore[attr-defined]
        return get_adapter


@contextmanager
def intercept_requests(urls: tuple[str, ...], adapter: BaseAdapter) -> Iterator[None]:
    """Let every request to these hosts, of any `requests.Session`, go through the adapter until the block ends.

    Of several at once for one host, the one that began last has it. Threads may begin and end them in any order.
    """
    places = [InterceptedHost.parse(url) for url in urls]
    if not places:
        raise ValueError("intercept what? Give a host, like https://acme-oms.akinon.net")
    mark = object()
    with LOCK:
        detour = installed_patch()
        detour.intercepts = (*((mark, place, adapter) for place in places), *detour.intercepts)
    try:
        yield
    finally:
        with LOCK:
            detour.intercepts = tuple(entry for entry in detour.intercepts if entry[0] is not mark)
            if not detour.intercepts and getattr(requests.Session.get_adapter, "detour", None) is detour:
                requests.Session.get_adapter = detour.original  # type: ignore[method-assign]


def installed_patch() -> AdapterPatch:
    """Give the detour that sessions take, put in place if there is none."""
    found: AdapterPatch | None = getattr(requests.Session.get_adapter, "detour", None)
    if found is not None:
        return found
    detour = AdapterPatch(requests.Session.get_adapter)
    requests.Session.get_adapter = detour.build_method()  # type: ignore[method-assign]
    return detour
