"""The guard of the control API: it checks who sends a request, and from which page (SECURITY.md)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Iterator
from hmac import compare_digest
from typing import NamedTuple
from urllib.parse import urlsplit

from emulator.core.hosts import is_loopback, is_loopback_address
from emulator.domain.webhook_retries import DELIVERY_HEADER, EVENT_HEADER
from emulator.web.context import Environ, request_host

DELIVERY_KEYS = {f"HTTP_{name.upper().replace('-', '_')}": name for name in (DELIVERY_HEADER, EVENT_HEADER)}
"""Keys in the WSGI environment -> headers of webhook deliveries."""
SAME_SITE = frozenset(("", "same-origin", "none"))
"""Accepted values of `Sec-Fetch-Site`."""
IN_PROCESS_HOST = "oms.test"
"""Host in the URL of an emulator without a server. It may be a name in DNS, so a server does not accept it."""
FORWARDED_FOR = re.compile(r'for=("[^"]*"|[^;,\s]*)', re.IGNORECASE)
PORT = re.compile(r"\[([^]]*)\](?::\d+)?|([^:]*):\d+")
"""An address with a port, as proxies may forward it."""
JOINS_UNDERSCORES = "emulator.joins_underscores"
"""Key in the WSGI environment: the server takes `X_Forwarded_For` for `X-Forwarded-For`, so clients can forge it."""
UNTRUSTED_PROXY = "a proxy"
CHALLENGE = 'Basic realm="oms-emulator control API", Bearer'


class Refusal(NamedTuple):
    """Why a request may not use the control API. 401: an admin token is missing or wrong."""

    message: str
    status: int = 403


class Guard:
    """Decides which requests may use the control API.

    `allowed_hosts` are the host names besides loopback. Requests from other machines need the `admin_token`.
    """

    def __init__(self, allowed_hosts: Collection[str] = (), admin_token: str | None = None) -> None:
        self._hosts = frozenset(host_name(host) or host.lower() for host in allowed_hosts)
        self._token = admin_token or None

    def refusal(self, environ: Environ) -> Refusal | None:
        """Return why the request may not use the control API, or None if it may."""
        for key, name in DELIVERY_KEYS.items():
            if key in environ:
                return Refusal(f"the control API does not accept webhook deliveries (header {name})")
        if (reason := page_refusal(environ)) is not None:
            return Refusal(reason)
        if self._token is not None and compare_digest(sent_token(environ), self._token.encode()):
            return None
        if (address := remote_address(environ)) is not None:
            return self._remote_refusal(address)
        if not self.is_trusted_host(environ):
            host = host_name(request_host(environ))
            return Refusal(
                f"the control API is not available on {host!r}, only on loopback; allow it with --allow-host {host}"
            )
        return None

    def _remote_refusal(self, address: str) -> Refusal:
        if self._token is None:
            return Refusal(f"the control API does not accept requests from {address} without serve --admin-token")
        return Refusal(f"requests from {address} need the admin token: Authorization: Bearer TOKEN", 401)

    def is_trusted_host(self, environ: Environ) -> bool:
        """Return whether the Host header has a loopback name or an allowed one. Other names may be DNS rebinding."""
        host = host_name(request_host(environ))
        is_in_process = host == IN_PROCESS_HOST == environ.get("SERVER_NAME")
        return is_in_process or is_loopback(host) or host in self._hosts

    def is_foreign_page(self, environ: Environ) -> bool:
        """Return whether a page sent the request that is not a page of this server. Only browsers say so."""
        is_browser = "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ
        return is_browser and (page_refusal(environ) is not None or not self.is_trusted_host(environ))

    def is_from_inspector(self, environ: Environ, path: str) -> bool:
        """Return whether the inspector at this path sent the request, and may use the control API."""
        referer = environ.get("HTTP_REFERER", "")
        is_sent_by_page = environ.get("HTTP_SEC_FETCH_SITE") == "same-origin"  # which only browsers set
        return (
            is_sent_by_page
            and referer.endswith(path)
            and is_own_origin(referer, environ)
            and self.refusal(environ) is None
        )


def page_refusal(environ: Environ) -> str | None:
    """Return why a page may not send the request, or None for this server's pages and for other clients."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not is_own_origin(origin, environ):
        return f"the control API does not accept requests from pages of another origin ({origin})"
    if environ.get("HTTP_SEC_FETCH_SITE", "") not in SAME_SITE:
        return "the control API does not accept requests from pages of another site"
    return None


def is_own_origin(url: str, environ: Environ) -> bool:
    """Return whether a URL has the host and port that the client called."""
    try:
        authority = urlsplit(url).netloc
    except ValueError:
        return False
    return without_default_port(authority) == without_default_port(request_host(environ))


def without_default_port(authority: str) -> str:
    return authority.lower().removesuffix(":80").removesuffix(":443")


def host_name(authority: str) -> str:
    """Return the host without its port. An invalid one is empty."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def remote_address(environ: Environ) -> str | None:
    """Return the address of a client on another machine, or None for a client on this one.

    A proxy on this machine is trusted to forward the address of its client, unless the client can forge it.
    """
    forwarded = [address for address in forwarded_addresses(environ) if address]
    if forwarded and JOINS_UNDERSCORES in environ:
        return UNTRUSTED_PROXY
    addresses = [*forwarded, environ.get("REMOTE_ADDR", "")]
    return next((each for each in reversed(addresses) if each and not is_loopback_address(each)), None)


def forwarded_addresses(environ: Environ) -> Iterator[str]:
    """Yield the addresses that proxies forwarded, without ports."""
    values = FORWARDED_FOR.findall(environ.get("HTTP_FORWARDED", ""))
    for key in ("HTTP_X_REAL_IP", "HTTP_X_FORWARDED_FOR"):
        values += environ.get(key, "").split(",")
    for value in values:
        address = value.strip().strip('"')
        match = PORT.fullmatch(address)
        yield (match[1] or match[2]) if match else address


def sent_token(environ: Environ) -> bytes:
    """Return the token in the Authorization header: of the scheme Bearer, or the password of Basic."""
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = value.strip().encode("latin-1", "replace")
    if scheme.lower() == "basic":
        try:
            return b64decode(token, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return token if scheme.lower() == "bearer" else b""
