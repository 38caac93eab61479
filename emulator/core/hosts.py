"""Recognize the names and addresses of this machine."""

from __future__ import annotations

from ipaddress import ip_address

from emulator.core.caching import cache_short

LOCAL_NAMES = frozenset(("localhost", "oms.test"))


@cache_short(256)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine. A name such as `127.0.0.1.example` is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL_NAMES
