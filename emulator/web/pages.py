"""What Django answers before a view is reached: its HTML pages, the missing slash, the wrong host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote_from_bytes

from emulator.web.negotiation import UNESCAPED_IN_QUERY, escape_path, escape_query

HTML = "text/html; charset=utf-8"

PAGE = """
<!doctype html>
<html lang="en">
<head>
  <title>{title}</title>
</head>
<body>
  <h1>{title}</h1><p>{details}</p>
</body>
</html>
"""

NOT_FOUND = PAGE.format(title="Not Found", details="The requested resource was not found on this server.").encode()
BAD_REQUEST = PAGE.format(title="Bad Request (400)", details="").encode()

HOST = re.compile(r"([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::[0-9]+)?")


def is_valid_host(host: str) -> bool:
    """Whether a Host header names a host at all."""
    match = HOST.fullmatch(host.lower())
    return match is not None and match[1].removesuffix(".") != ""


def host_of(environ: Mapping[str, str]) -> str:
    """Name the host that a client called, port included where it is not the usual one."""
    if "HTTP_HOST" in environ:
        return environ["HTTP_HOST"]
    usual = {"http": "80", "https": "443"}[environ["wsgi.url_scheme"]]
    port = environ["SERVER_PORT"]
    return environ["SERVER_NAME"] + ("" if port == usual else f":{port}")


def path_bytes(environ: Mapping[str, str]) -> bytes:
    """Give the bytes of a path: WSGI has each as a letter, and httpx's transport the text that they mean."""
    path = environ.get("PATH_INFO", "")
    try:
        return path.encode("latin-1")
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def decoded_path(raw: bytes) -> str:
    """Read the text of a path; bytes that are no UTF-8 stay percent-encoded, nothing is the root."""
    parts: list[str] = []
    while True:
        try:
            return "".join(parts) + raw.decode() or "/"
        except UnicodeDecodeError as error:
            parts += [
                raw[: error.start].decode(),
                quote_from_bytes(raw[error.start : error.end], UNESCAPED_IN_QUERY),
            ]
            raw = raw[error.end :]


def slash_location(path: str, query: str) -> str:
    """Where a path without its last slash is sent."""
    location = escape_path(path) + "/" + (f"?{escape_query(query)}" if query else "")
    return f"/%2F{location[2:]}" if location.startswith("//") else location
