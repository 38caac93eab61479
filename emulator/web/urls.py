"""URLs as Django handles them: path decoding, routing, the missing slash, the Host header and the error pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import NamedTuple
from urllib.parse import quote, quote_from_bytes

from emulator.api.routes import ROUTES, Route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
"""The order in which the framework lists methods."""
SAFE_IN_PATH = "/:@&+$,-_.!~*'()"
SAFE_IN_QUERY = "/#%[]=:;$&()+,!?*@'~"
HOST = re.compile(r"([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::[0-9]+)?")

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

RouteKey = tuple[str | None, ...]
"""The segments of a path, with None for each integer."""


@dataclass
class Resource:
    """One URL: its routes by method, and the names of the integers in its path."""

    names: tuple[str, ...]
    routes: dict[str, Route] = field(default_factory=dict)

    @cached_property
    def any_route(self) -> Route:
        """One of its routes. All routes of a resource have the same scheme and surface."""
        return next(iter(self.routes.values()))

    @cached_property
    def allow(self) -> str:
        """The value of the Allow header."""
        allowed = {*self.routes, "OPTIONS", *(("HEAD",) if "GET" in self.routes else ())}
        return ", ".join(method for method in METHODS if method in allowed)

    def route(self, method: str) -> Route | None:
        """Return the route of a method. HEAD has the route of GET."""
        return self.routes.get("GET" if method == "HEAD" else method)


class Match(NamedTuple):
    """The resource at a path, and the integers in the path by name."""

    resource: Resource
    path: Mapping[str, int]


class Router:
    """Finds the resource at a path by one dictionary lookup. The key is the path's segments without the integers."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._resources: dict[RouteKey, Resource] = {}
        self._folders: dict[str, Resource] = {}
        for route in routes:
            self._resource(route).routes[route.method] = route

    def _resource(self, route: Route) -> Resource:
        folder, rest, _ = route.path.partition("<...rest>")
        if rest:
            return self._folders.setdefault(folder, Resource(()))
        segments = route.path.split("/")
        names = tuple(segment[1:-1] for segment in segments if segment.startswith("<"))
        key = tuple(None if segment.startswith("<") else segment for segment in segments)
        return self._resources.setdefault(key, Resource(names))

    def match(self, path: str) -> Match | None:
        """Return the match of a decoded path, or None."""
        segments = path.split("/")
        numbers = [segment for segment in segments if segment.isascii() and segment.isdigit()]
        if not numbers:
            resource = self._resources.get(tuple(segments))
            return Match(resource, {}) if resource else self._match_folder(path)
        resource = self._resources.get(tuple(None if segment in numbers else segment for segment in segments))
        if resource is None:
            return self._match_folder(path)
        try:
            return Match(resource, dict(zip(resource.names, map(int, numbers), strict=True)))
        except ValueError:  # more digits than Python converts: Django finds no URL either
            return None

    def _match_folder(self, path: str) -> Match | None:
        for folder, resource in self._folders.items():
            if path.startswith(folder) and len(path) > len(folder):
                return Match(resource, {})
        return None


@lru_cache(maxsize=64)
def is_valid_host(host: str) -> bool:
    """Return whether a Host header has the form of a host."""
    match = HOST.fullmatch(host.lower())
    return match is not None and match[1].removesuffix(".") != ""


def request_host(environ: Mapping[str, str]) -> str:
    """Return the host that the client called, with the port unless it is the default port."""
    if "HTTP_HOST" in environ:
        return environ["HTTP_HOST"]
    default_port = {"http": "80", "https": "443"}[environ["wsgi.url_scheme"]]
    port = environ["SERVER_PORT"]
    return environ["SERVER_NAME"] + ("" if port == default_port else f":{port}")


def path_bytes(environ: Mapping[str, str]) -> bytes:
    """Return the bytes of the path. WSGI has a character for each byte, but httpx's transport sends decoded text."""
    path = environ.get("PATH_INFO", "")
    try:
        return path.encode("latin-1")
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def decode_path(raw: bytes) -> str:
    """Decode a path. Bytes that are not UTF-8 stay percent-encoded. An empty path is the root."""
    parts: list[str] = []
    while True:
        try:
            return "".join(parts) + raw.decode() or "/"
        except UnicodeDecodeError as error:
            parts += [raw[: error.start].decode(), quote_from_bytes(raw[error.start : error.end], SAFE_IN_QUERY)]
            raw = raw[error.end :]


def escape_path(path: str) -> str:
    """Escape a decoded path for links and redirects."""
    return quote(path, safe=SAFE_IN_PATH)


def escape_query(query: str) -> str:
    """Escape a raw query string (one character for each byte) for links and redirects."""
    return quote(query, safe=SAFE_IN_QUERY)


def absolute_url(base: str, path: str, query: str) -> str:
    """Build the URL of a request from scheme and host, the decoded path and the raw query string."""
    return base + escape_path(path) + ("?" + escape_query(query) if query else "")


def slash_location(path: str, query: str) -> str:
    """Return the Location that adds the missing slash to a path."""
    location = escape_path(path) + "/" + (f"?{escape_query(query)}" if query else "")
    return f"/%2F{location[2:]}" if location.startswith("//") else location


GUIDE_PREFIX = "/api/v1/oms"
SIMILARITY_THRESHOLD = 0.75
MAX_PATH_LENGTH = 300
REPLACEMENT_CHARACTER = "\ufffd"


def suggest_operation(path: str, method: str, router: Router, current: Match | None = None) -> str | None:
    """Return a hint that names the operation that was probably meant.

    It is at the same path of the other surface, or at the most similar path. `current` is the match of the path
    itself, if only the method is wrong.
    """
    if len(path) > MAX_PATH_LENGTH or "%" in path or REPLACEMENT_CHARACTER in path:
        return None
    if current is None and (hint := suggest_other_surface(path, method, router)) is not None:
        return hint
    route = find_nearest_route(path_template(path), method)
    if route is None:
        return None if current is not None else f"nothing is at {path}; oms-emulator routes lists what is there"
    if current is not None and route in current.resource.routes.values():
        return None
    return f"nearest: {route.operation}, {route.method} {route.path}"


def suggest_other_surface(path: str, method: str, router: Router) -> str | None:
    """Return a hint that names the operation at the same path of the other surface, or None."""
    rest = with_slash(path).removeprefix(GUIDE_PREFIX)
    for surface, other in (("the guide", GUIDE_PREFIX + rest), ("the reference", rest)):
        match = router.match(other) if other != with_slash(path) else None
        if match is not None:
            route = match.resource.route(method) or match.resource.any_route
            return f"nothing is at {path}; {surface} has {route.operation} at {other}"
    return None


def with_slash(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def path_template(path: str) -> str:
    """Replace the integers of a path, so that it can be compared with the paths of routes."""
    parts = with_slash(path).lower().split("/")
    return "/".join("<>" if part.isascii() and part.isdigit() else part for part in parts)


@lru_cache(maxsize=256)
def find_nearest_route(template: str, method: str) -> Route | None:
    """Return the route with the most similar path, or None. A route with the same method wins a tie."""
    scores = [(path_similarity(template, route), route.method == method, -at) for at, route in enumerate(ROUTES)]
    best = max(scores)
    return ROUTES[-best[2]] if best[0] >= SIMILARITY_THRESHOLD else None


def path_similarity(template: str, route: Route) -> float:
    """Return the similarity of two paths, or 0 if cheap upper bounds show that it is below the threshold."""
    names = "/".join("<>" if part.startswith("<") else part for part in route.path.split("/"))
    matcher = SequenceMatcher(None, template.replace("-", "_"), names.replace("-", "_"), autojunk=False)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio)
    return 0.0 if any(bound() < SIMILARITY_THRESHOLD for bound in bounds) else matcher.ratio()
