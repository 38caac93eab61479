"""WSGI environments of requests that are made in process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from emulator.core.hosts import DEFAULT_PORTS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def wsgi_environ(method: str, target: str, headers: Mapping[str, str | bytes], body: bytes) -> WSGIEnvironment:
    """Return the environment of a request to a URL. Only the headers have the length of the body."""
    url = urlsplit(target)
    environ = dict(server_environ(url.scheme, url.netloc))
    environ["REQUEST_METHOD"] = method
    environ["PATH_INFO"] = wsgi_path(url.path)
    environ["QUERY_STRING"] = url.query
    environ["wsgi.input"] = BytesIO(body)
    for name, value in headers.items():
        environ[environ_key(name)] = value if isinstance(value, str) else value.decode("latin-1")
    return environ


@lru_cache(maxsize=64)
def server_environ(scheme: str, netloc: str) -> WSGIEnvironment:
    """Return the part of the environment that all requests to a server share."""
    url = urlsplit(f"{scheme}://{netloc}")
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or DEFAULT_PORTS.get(scheme, 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def wsgi_path(path: str) -> str:
    """Return the decoded path. WSGI represents each byte as a character of Latin-1."""
    return path if path.isascii() and "%" not in path else unquote_to_bytes(path).decode("latin-1")


@lru_cache(maxsize=256)
def environ_key(name: str) -> str:
    """Return the key of a header in the environment."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
