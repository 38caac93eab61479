"""Pages of other origins as clients: what browsers ask before a call, and what lets a page read the answer.

Headers are those of django-cors-headers, which Django services use. Credentials travel in a header that the page
sets, so cookies are not spoken of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

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
VARIES = ("Vary", "Origin")

Header = tuple[str, str]


class Cors:
    """Which origins may read answers: any, unless some are named."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(map(checked, origins))
        self._any = not self._origins or ANY in self._origins

    def concerns(self, environ: Mapping[str, Any]) -> bool:
        """Whether an answer bears any header of ours: a call from no page gets none where all origins may come."""
        return "HTTP_ORIGIN" in environ or not self._any

    def headers(self, environ: Mapping[str, Any]) -> list[Header]:
        """Give the headers that let the page read an answer; to another origin, only that it would differ."""
        allowing = self._allowing(environ)
        return [*allowing, ("Access-Control-Expose-Headers", EXPOSED)] if "HTTP_ORIGIN" in environ else allowing

    def preflight(self, start_response: StartResponse, environ: Mapping[str, Any]) -> Iterable[bytes]:
        """Answer a preflight, wherever it was sent."""
        asked = [
            ("Access-Control-Allow-Headers", HEADERS),
            ("Access-Control-Allow-Methods", METHODS),
            ("Access-Control-Max-Age", MAX_AGE),
        ]
        start_response("200 OK", [("Content-Length", "0"), *self._allowing(environ), *asked])
        return []

    def letting_read(self, start_response: Callable[..., Any], environ: Mapping[str, Any]) -> Callable[..., Any]:
        """Give a `start_response` that adds the headers to whatever is answered."""
        own = self.headers(environ)

        def start(status: str, headers: list[Header], *rest: Any) -> Any:
            return start_response(status, [*headers, *own], *rest)

        return start

    def _allowing(self, environ: Mapping[str, Any]) -> list[Header]:
        if self._any:
            return [("Access-Control-Allow-Origin", ANY)]
        origin = environ.get("HTTP_ORIGIN", "")
        return [VARIES, ("Access-Control-Allow-Origin", origin)] if origin in self._origins else [VARIES]


def is_preflight(environ: Mapping[str, Any]) -> bool:
    """Whether a browser asks if a page may call: only such a call says the method that it means to use."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def checked(origin: str) -> str:
    """Give an origin as browsers write it; `ValueError` for what is none."""
    if origin in (ANY, "null"):
        return origin
    parts = urlsplit(origin.lower())
    written = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.netloc or origin.lower() != written:
        raise ValueError(
            f"{origin!r} is no origin; an origin is http:// or https:// and a host, without a path, or *"
        )
    return written
