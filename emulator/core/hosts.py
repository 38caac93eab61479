"""Recognize the names and addresses of this machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Collection
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from emulator.core.caching import cache_short

LOCALHOST = "localhost"
HOST_PATTERN = re.compile(r"[^\s/\\?#@*]+")
"""A name or an address, with or without a port."""
DEFAULT_PORTS = {"http": 80, "https": 443}


@cache_short(256)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine. A name such as `127.0.0.1.example` is not."""
    return is_loopback_address(host) or is_localhost_name(host)


def is_loopback_address(text: str) -> bool:
    """Return whether a text is a loopback address. An IPv6 address may contain an IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def is_localhost_name(host: str) -> bool:
    """Return whether a name is `localhost` or below it (RFC 6761). It is a loopback name whatever a resolver says."""
    return host.lower().removesuffix(".").rpartition(".")[2] == LOCALHOST


def is_server_address(url: str) -> bool:
    """Return whether the URL is HTTP, has a host, and has no query."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "?" not in url
    except ValueError:
        return False


def check_host(host: str) -> None:
    """Raise `ValueError` for a text that cannot be a host to listen on. An empty one would mean all addresses."""
    with suppress(UnicodeError):
        if host.strip() and host.encode("idna"):
            return
    raise ValueError(f"host must be a name or an address, such as 127.0.0.1 (got {host[:100]!r})")


def check_hosts(host: str, allowed: Collection[str]) -> None:
    """Raise `ValueError` if the host to listen on or an allowed one is not a host, such as a URL or a pattern."""
    check_host(host)
    for name in allowed:
        if not HOST_PATTERN.fullmatch(name):
            raise ValueError(f"{name[:100]!r} is not a host; use a name or an address, such as oms.example.com")


def is_this_machine(host: str) -> bool:
    """Return whether a host has an address of this machine. Only such an address can be bound."""
    with suppress(OSError, UnicodeError):
        for family, _, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
            with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as bound:
                bound.bind(address)
                return True
    return False
