"""Cross-origin resource sharing: preflight responses, and headers that let pages of other origins read responses.

The headers are those of django-cors-headers, which Django services use. Origins that are named may send credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
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
    "x-emulator-test, x-emulator-world, x-requested-with"
)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
METHODS = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
EXPOSED = (
    "Allow, Location, Retry-After, WWW-Authenticate, X-Emulator-Fault, X-Emulator-Hint, X-Emulator-Mutation, "
    "X-Emulator-Provenance, X-Emulator-Request-Id, X-Emulator-World"
)
MAX_AGE = "86400"
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOW_CREDENTIALS = ("Access-Control-Allow-Credentials", "true")
VARY = ("Vary", "Origin")

Header = tuple[str, str]


class Cors:
    """The origins that may read responses: any, unless some are given.

    Requests with credentials (cookies) need the exact origin in the response. `credentials` sends it to any origin.
    """

    def __init__(
        self, origins: Collection[str] = (), headers: Collection[str] = (), *, credentials: bool = False
    ) -> None:
        self._origins = frozenset(map(validate_origin, origins))
        self.is_restricted = bool(self._origins) and ANY not in self._origins
        """Whether only some origins are allowed."""
        self.varies_by_origin = self.is_restricted or credentials
        """Whether responses depend on the origin. Then even responses to requests without an origin say so."""
        self._headers = ", ".join([HEADERS, *map(validate_header_name, headers)])
        self._header_names = {name.strip() for name in self._headers.lower().split(",")}

    def headers(self, environ: Environ) -> list[Header]:
        """Return the headers of a response. Another origin gets the Vary header alone."""
        allowed = self._allowed_origin(environ)
        return [*allowed, ("Access-Control-Expose-Headers", EXPOSED)] if "HTTP_ORIGIN" in environ else allowed

    def response_headers(self, environ: Environ) -> list[Header]:
        """Return the headers of the response to any request, also to a preflight request."""
        if is_preflight(environ):
            return [
                *self._allowed_origin(environ),
                ("Access-Control-Allow-Headers", self._headers),
                ("Access-Control-Allow-Methods", METHODS),
                ("Access-Control-Max-Age", MAX_AGE),
            ]
        return self.headers(environ) if self.varies_by_origin or "HTTP_ORIGIN" in environ else []

    def preflight_refusal(self, environ: Environ) -> str | None:
        """Return why a browser will not send the request of this preflight request, or None if it will."""
        reasons = []
        if not self._is_allowed(origin := environ["HTTP_ORIGIN"]):
            reasons.append(f"the origin {origin} is not allowed: --cors-origin {origin}")
        method = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
        if method not in METHODS.split(", ") and method != "HEAD":
            reasons.append(f"the method {method} is not allowed")
        requested = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").split(",")
        unknown = [name for each in requested if (name := each.strip().lower()) not in self._header_names and name]
        reasons += [f"the request header {name} is not allowed: --cors-header {name}" for name in unknown]
        return "; ".join(reasons) or None

    def wrap(self, start_response: StartResponse, environ: Environ) -> StartResponse:
        """Return a `start_response` that adds the headers."""
        cors_headers = self.headers(environ)

        def start(status: str, headers: list[Header], *exc_info: OptExcInfo | None) -> Write:
            return start_response(status, [*headers, *cors_headers], *exc_info)

        return start

    def _allowed_origin(self, environ: Environ) -> list[Header]:
        if not self.varies_by_origin:
            return [(ALLOW_ORIGIN, ANY)]
        origin = environ.get("HTTP_ORIGIN", "")
        return [VARY, (ALLOW_ORIGIN, origin), ALLOW_CREDENTIALS] if self._is_allowed(origin) else [VARY]

    def _is_allowed(self, origin: str) -> bool:
        return origin in self._origins if self.is_restricted else bool(origin)


def is_preflight(environ: Environ) -> bool:
    """Return whether a browser asks for permission. Only a preflight names the method of the request to follow."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def validate_header_name(name: str) -> str:
    """Return the name of a header. Raise `ValueError` if it is not one."""
    if HEADER_NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not the name of a header; a name is one word, such as traceparent")
    return name.lower()


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
