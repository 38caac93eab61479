"""Recognize the names and addresses of this machine."""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import IPv6Address, ip_address

from emulator.core.caching import cache_short

LOCALHOST = "localhost"
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


def is_this_machine(host: str) -> bool:
    """Return whether a host has an address of this machine. Only such an address can be bound."""
    with suppress(OSError, UnicodeError):
        for family, _, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
            with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as bound:
                bound.bind(address)
                return True
    return False
