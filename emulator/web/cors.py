"""Cross-origin resource sharing: preflight responses, and headers that let pages of other origins read responses.

The headers are those of django-cors-headers, which Django services use. Credentials travel in a header that the page
sets, so cookies are not allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emulator.web.context import Environ

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse

    Write = Callable[[bytes], object]

ANY = "*"
HEADERS = (
    "accept, accept-language, authorization, content-type, user-agent, x-csrftoken, x-emulator-fault, "
    "x-emulator-world, x-requested-with"
)
METHODS = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
EXPOSED = (
    "Allow, Location, Retry-After, WWW-Authenticate, X-Emulator-Fault, X-Emulator-Hint, X-Emulator-Request-Id, "
    "X-Emulator-World"
)
MAX_AGE = "86400"
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
PERMISSIONS = (
    ("Access-Control-Allow-Headers", HEADERS),
    ("Access-Control-Allow-Methods", METHODS),
    ("Access-Control-Max-Age", MAX_AGE),
)
"""Headers of the response to every preflight request."""
VARY = ("Vary", "Origin")

Header = tuple[str, str]


class Cors:
    """The origins that may read responses: any, unless some are given."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(map(validate_origin, origins))
        self.is_restricted = bool(self._origins) and ANY not in self._origins
        """Whether only some origins are allowed. Then even responses to requests without an origin have a header."""

    def headers(self, environ: Environ) -> list[Header]:
        """Return the headers of a response. Another origin gets the Vary header alone."""
        allowed = self._allowed_origin(environ)
        return [*allowed, ("Access-Control-Expose-Headers", EXPOSED)] if "HTTP_ORIGIN" in environ else allowed

    def response_headers(self, environ: Environ) -> list[Header]:
        """Return the headers of the response to any request, also to a preflight request."""
        if is_preflight(environ):
            return [*self._allowed_origin(environ), *PERMISSIONS]
        return self.headers(environ) if self.is_restricted or "HTTP_ORIGIN" in environ else []

    def preflight(self, start_response: StartResponse, environ: Environ) -> Iterable[bytes]:
        """Respond to a preflight request, whatever its path."""
        start_response("200 OK", [("Content-Length", "0"), *self.response_headers(environ)])
        return []

    def wrap(self, start_response: StartResponse, environ: Environ) -> StartResponse:
        """Return a `start_response` that adds the headers."""
        cors_headers = self.headers(environ)

        def start(status: str, headers: list[Header], *exc_info: OptExcInfo | None) -> Write:
            return start_response(status, [*headers, *cors_headers], *exc_info)

        return start

    def _allowed_origin(self, environ: Environ) -> list[Header]:
        if not self.is_restricted:
            return [(ALLOW_ORIGIN, ANY)]
        origin = environ.get("HTTP_ORIGIN", "")
        return [VARY, (ALLOW_ORIGIN, origin)] if origin in self._origins else [VARY]


def is_preflight(environ: Environ) -> bool:
    """Return whether a browser asks for permission. Only a preflight names the method of the request to follow."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def validate_origin(origin: str) -> str:
    """Return an origin in the form that browsers send. Raises `ValueError` if it is not an origin."""
    if origin in (ANY, "null"):
        return origin
    parts = urlsplit(origin.lower())
    normal = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.netloc or origin.lower() != normal:
        raise ValueError(
            f"{origin!r} is not an origin; an origin is http:// or https:// and a host, without a path, or *"
        )
    return normal
