"""Which hosts are this machine."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

LOCAL_NAMES = frozenset(("localhost", "oms.test"))


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine; a name that only looks like its address is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL_NAMES
