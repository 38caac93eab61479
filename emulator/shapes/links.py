"""Links in documents: kept without a host, and completed with the caller's when they are sent."""

from __future__ import annotations

import orjson

DOMAIN_URL = b"\x01domain\x02"
"""Stands in kept text for the caller's own host and world. JSON escapes these characters, so no data can hold it."""
WORLD_PREFIX = b"\x01prefix\x02"
"""The same for the path alone that leads to the caller's world: empty, or `/w/<name>`."""
LINKS = {b"{domain_url}": DOMAIN_URL, b"{cdn_url}": DOMAIN_URL + b"/cdn", b"{world_prefix}": WORLD_PREFIX}
"""What the pages print for these -> what stands for it until the answer is sent."""


def with_links(body: bytes) -> bytes:
    """Give JSON text in which the pages' names of hosts are what is completed when it is sent."""
    for name, link in LINKS.items():
        body = body.replace(name, link)
    return body


def addressed(body: bytes, domain_url: str, prefix: str) -> bytes:
    """Give the text with a host and a world in its links."""
    if b"\x01" not in body:
        return body
    domain, world = (orjson.dumps(text)[1:-1] for text in (domain_url, prefix))
    return body.replace(DOMAIN_URL, domain).replace(WORLD_PREFIX, world)
