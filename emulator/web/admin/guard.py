"""Who may use the control API: callers on this machine, and pages of its own origin only."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

from emulator.core.hosts import is_loopback

OWN_SITES = frozenset(("", "same-origin", "none"))


def refusal(request: Request, allowed_hosts: Collection[str]) -> str | None:
    """Say in one line why this request may not use the control API, or None if it may."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if not is_loopback(host) and host not in allowed_hosts:
        return f"the control API answers on loopback only, not on {host!r}; allow it with --allow-host {host}"
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return f"the control API takes no calls from pages of another origin ({origin})"
    if request.headers.get("Sec-Fetch-Site", "") not in OWN_SITES:
        return "the control API takes no calls from pages of another site"
    return None
