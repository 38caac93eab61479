"""Text of documents: JSON as the framework renders it, the envelope of a page, and placeholders for links.

Rendered text does not contain the caller's host and world. It contains placeholders, which are filled in when the
response is sent, so that all callers share one cached text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import orjson

from emulator.core.json_text import JsonValue, compact_json

DOMAIN_URL = b"\x01domain\x02"
"""Placeholder for the caller's host and world. JSON escapes these control characters, so no data can contain it."""
WORLD_PREFIX = b"\x01prefix\x02"
"""Placeholder for the path prefix of the caller's world: empty, or `/w/<name>`."""
LINK_PLACEHOLDERS = {
    b"{domain_url}": DOMAIN_URL,
    b"{cdn_url}": DOMAIN_URL + b"/cdn",
    b"{world_prefix}": WORLD_PREFIX,
}
"""Name of a host in the documentation -> placeholder in rendered text."""


def to_json(value: JsonValue) -> bytes:
    """Return compact JSON text with line separators escaped, as the framework's renderer writes it."""
    try:
        body = compact_json(value, orjson.OPT_UTC_Z)
    except TypeError:  # a lone surrogate: a client's JSON may contain it, UTF-8 may not
        return json.dumps(value, separators=(",", ":")).encode()
    if b"\xe2\x80" in body:
        body = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return body


def page_json(count: int, next_: str | None, previous: str | None, results: Iterable[bytes]) -> bytes:
    """Return the text of a page: the framework's envelope around rendered documents."""
    head = orjson.dumps({"count": count, "next": next_, "previous": previous})
    return b"".join((head[:-1], b',"results":[', b",".join(results), b"]}"))


def with_placeholders(body: bytes) -> bytes:
    """Replace the documentation's names of hosts in JSON text by placeholders."""
    for name, placeholder in LINK_PLACEHOLDERS.items():
        body = body.replace(name, placeholder)
    return body


def fill_links(body: bytes, domain_url: str, prefix: str) -> bytes:
    """Replace the placeholders in rendered text by a host and the path prefix of a world."""
    if b"\x01" not in body:
        return body
    domain, world = (orjson.dumps(text)[1:-1] for text in (domain_url, prefix))
    return body.replace(DOMAIN_URL, domain).replace(WORLD_PREFIX, world)
