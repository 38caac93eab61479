"""The context of a request to the emulated API: its URL, route, credential, query and body, each parsed once."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, quote_from_bytes

from emulator.api.filters import ListQuery
from emulator.api.routes import Route
from emulator.core.caching import MAX_KEY_LENGTH, cache_short
from emulator.core.credentials import Credential
from emulator.core.errors import ApiError, BadRequest
from emulator.core.json_text import JsonValue
from emulator.state.journal import RequestInfo
from emulator.state.store import Snapshot
from emulator.state.world import World
from emulator.web.authentication import authenticate
from emulator.web.negotiation import indent_of, select_media_type
from emulator.web.parsing import parse_body, parse_query

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
"""The order in which the framework lists methods."""
SAFE_IN_PATH = "/:@&+$,-_.!~*'()"
SAFE_IN_QUERY = "/#%[]=:;$&()+,!?*@'~"
HOST = re.compile(r"([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::[0-9]+)?")

ROUTED_ID = re.compile(r"[^/.]+")
"""The ids that the framework's router accepts in a path."""
HOOK_ROOT = "/whisperer/"
FORMAT_SUFFIX = re.compile(rf"({HOOK_ROOT}.*)\.([a-z0-9]+)/?")
"""A path of the webhook library with a format: `hooks.json`, `hooks/1.json`."""
WORLD_KEY = "emulator.world"
"""Key in the WSGI environment for Flask: the name of the world, if the prefix was moved to SCRIPT_NAME."""
MAX_BODY_BYTES = 32 * 1024 * 1024
NO_CONTENT_LENGTH = ("", "0")

Environ = dict[str, Any]
ValueT = TypeVar("ValueT")
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
    has_invalid_id: bool = False
    """Whether an id in the path is not an integer, so that no record has it."""
    format: str | None = None
    """The format that the end of the path names."""


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
        """Return the match of a decoded path, or None. The vendor's webhook library also publishes `hooks.json`."""
        if (match := self._match_path(path)) is not None:
            return match
        if (found := FORMAT_SUFFIX.fullmatch(path)) is None:
            return None
        match = self._match_path(found[1] if found[1] == HOOK_ROOT else found[1] + "/")
        return match and match._replace(format=found[2])

    def _match_path(self, path: str) -> Match | None:
        segments = path.split("/")
        key = tuple([None if segment.isascii() and segment.isdigit() else segment for segment in segments])
        resource = self._resources.get(key)
        if resource is None:
            return self._match_folder(path) or self._match_texts(segments)
        return build_match(resource, [segment for segment, part in zip(segments, key, strict=True) if part is None])

    def _match_texts(self, segments: list[str]) -> Match | None:
        """Return the match of a path whose ids are not all digits, as the framework's router matches it."""
        for key, resource in self._routed:
            if len(key) == len(segments) and all(
                ROUTED_ID.fullmatch(segment) if part is None else part == segment
                for part, segment in zip(key, segments, strict=True)
            ):
                texts = [segment for part, segment in zip(key, segments, strict=True) if part is None]
                return build_match(resource, texts)
        return None

    @cached_property
    def _routed(self) -> list[tuple[RouteKey, Resource]]:
        """The resources whose ids can be any text, those with the fewest ids first.

        They are those of the vendor's views. Labels and images are plain URLs, whose ids are digits.
        """
        found = [
            each for each in self._resources.items() if each[1].names and each[1].any_route.auth_scheme is not None
        ]
        return sorted(found, key=lambda each: len(each[1].names))

    def _match_folder(self, path: str) -> Match | None:
        for folder, resource in self._folders.items():
            if path.startswith(folder) and len(path) > len(folder):
                return Match(resource, {})
        return None


def build_match(resource: Resource, ids: list[str]) -> Match | None:
    """Return the match of a resource. Like Django, convert ids to integers as Python does."""
    try:
        return Match(resource, dict(zip(resource.names, map(int, ids), strict=True)))
    except ValueError:
        is_routed = resource.any_route.auth_scheme is not None
        return Match(resource, {}, has_invalid_id=True) if is_routed else None


@cache_short(64)
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


def path_bytes(environ: Mapping[str, str], key: str = "PATH_INFO") -> bytes:
    """Return the bytes of the path. WSGI has a character for each byte, but httpx's transport sends decoded text."""
    path = environ.get(key, "")
    try:
        return path.encode("latin-1")
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def decode_path(raw: bytes) -> str:
    """Decode a path. Bytes that are not UTF-8 stay percent-encoded. An empty path is the root."""
    return raw.decode(errors=PERCENT_ENCODE) or "/"


def percent_encode(error: UnicodeError) -> tuple[str, int]:
    """Percent-encode the bytes that cannot be decoded. This is an error handler for `bytes.decode`."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return quote_from_bytes(error.object[error.start : error.end], SAFE_IN_QUERY), error.end


PERCENT_ENCODE = "emulator.percent_encode"
codecs.register_error(PERCENT_ENCODE, percent_encode)


def mount_path(environ: Mapping[str, str]) -> str:
    """Return the decoded path below which the application is mounted, without a slash at the end."""
    return decode_path(path_bytes(environ, "SCRIPT_NAME")).rstrip("/") if environ.get("SCRIPT_NAME") else ""


def escape_path(path: str) -> str:
    """Escape a decoded path for links and redirects."""
    return quote(path, safe=SAFE_IN_PATH)


def escape_query(query: str) -> str:
    """Escape a raw query string (one character for each byte) for links and redirects."""
    return quote(query, safe=SAFE_IN_QUERY)


def absolute_url(base: str, path: str, query: str) -> str:
    """Build the URL of a request from scheme and host, the decoded path and the raw query string."""
    return base + escape_path(path) + ("?" + escape_query(query) if query else "")


class ParsedOnce(Generic[ValueT]):
    """A property that is computed when it is first read. It keeps the value, or the error and raises it again."""

    def __init__(self, parse: Callable[[Any], ValueT]) -> None:
        self._parse, self._name = parse, parse.__name__

    def __get__(self, context: RequestContext, owner: type[RequestContext]) -> ValueT:
        if (error := context.parse_errors.get(self._name)) is not None:
            raise error
        try:
            value = self._parse(context)
        except (ApiError, BadRequest) as failure:
            context.parse_errors[self._name] = failure
            raise
        context.__dict__[self._name] = value  # later reads find it here, without a call
        return value


class RequestContext:
    """One request to the emulated API: what was sent, to which world, and what is known of it so far."""

    list_query: ListQuery | None = None
    """The filters and the order of a list request, once they are parsed."""
    answered_from: Snapshot | None = None
    """The records that the reply is made from, if every user gets the same."""
    is_from_foreign_page = False
    """Whether a browser sent it for a page of another origin."""

    def __init__(self, environ: Environ, world: World, router: Router, head: RequestHead) -> None:
        self.environ, self.world, self.router, self.world_name = environ, world, router, head.world
        self.path, self.prefix = head.path, mount_path(environ) + head.prefix
        self.request_id = world.new_request_id()
        self.method = str(environ["REQUEST_METHOD"]).upper()
        self.query_string = str(environ.get("QUERY_STRING", ""))
        self.host = request_host(environ)
        self.content_type = str(environ.get("CONTENT_TYPE", ""))
        self.info = RequestInfo()
        self.parse_errors: dict[str, ApiError | BadRequest] = {}
        self.__dict__.update(head.parsed)

    @property
    def has_body(self) -> bool:
        return self.environ.get("CONTENT_LENGTH", "") not in NO_CONTENT_LENGTH

    @property
    def base_url(self) -> str:
        return f"{self.environ['wsgi.url_scheme']}://{self.host}"

    @ParsedOnce
    def match(self) -> Match | None:
        """Return the resource at the path and the ids in it, or None."""
        return self.router.match(self.path)

    @property
    def route(self) -> Route | None:
        """The route of the path and the method, or None."""
        return None if self.match is None else self.match.resource.route(self.method)

    @ParsedOnce
    def credential(self) -> Credential | None:
        """Return the credential of the caller, or None. Raise `AuthenticationFailed` if it is invalid."""
        scheme = (self.match.resource.any_route.auth_scheme if self.match is not None else None) or "Token"
        return authenticate(self.environ.get("HTTP_AUTHORIZATION"), scheme, self.world)

    @ParsedOnce
    def query(self) -> dict[str, list[str]]:
        """Return the query parameters. Raise `BadRequest` if there are too many."""
        return parse_query(self.query_string, self.content_type) if self.query_string else {}

    @ParsedOnce
    def indent(self) -> int | None:
        """Return the indentation that the caller accepts. Raise `NotFound` or `NotAcceptable` if JSON is refused."""
        if self.match is None or not self.match.resource.any_route.is_negotiated:
            return None
        format_ = self.match.format or (self.query["format"][-1] if "format" in self.query else None)
        return indent_of(select_media_type(self.environ.get("HTTP_ACCEPT"), format_))

    @ParsedOnce
    def body_bytes(self) -> bytes:
        """Return the body as it was sent."""
        try:
            length = int(self.environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return b""
        return bytes(self.environ["wsgi.input"].read(min(length, MAX_BODY_BYTES))) if length > 0 else b""

    def receive_body(self) -> None:
        """Read the body from the connection now, so that no later step waits for it."""
        _ = self.body_bytes

    @ParsedOnce
    def body(self) -> JsonValue:
        """Return the parsed body. Raise `ApiError` or `BadRequest` if it cannot be parsed."""
        return parse_body(self.content_type, self.body_bytes)

    def read_body(self) -> JsonValue:
        """Return the parsed body, as handlers ask for it."""
        return self.body

    @property
    def parsed_body(self) -> JsonValue:
        """The body if it was parsed already, or None."""
        return self.__dict__.get("body")


HEAD_VARIABLES = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "HTTP_AUTHORIZATION",
    "HTTP_ACCEPT",
    "HTTP_X_EMULATOR_WORLD",
    WORLD_KEY,
)
"""The variables that `HEAD_PROPERTIES` depend on."""
HEAD_PROPERTIES = ("match", "query", "credential", "indent")
"""The properties of a `RequestContext` that are the same for requests with the same head."""
MAX_HEADS = 1_024


class RequestHead(NamedTuple):
    """The world of a request, the prefix that names it, the path in it, and properties parsed from an equal head."""

    world: str
    prefix: str
    path: str
    parsed: Mapping[str, object] = {}


class KnownHeads:
    """The heads of the requests that were answered last. All are dropped when there are too many."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str | None, ...], RequestHead] = {}

    def get(self, environ: Environ) -> RequestHead | None:
        """Return the head of an equal request, or None."""
        return self._heads.get(tuple(map(environ.get, HEAD_VARIABLES)))

    def add(self, context: RequestContext, head: RequestHead) -> None:
        """Add the head of a request that is answered. A JWT is not added, because it expires."""
        key: tuple[str | None, ...] = tuple(map(context.environ.get, HEAD_VARIABLES))
        if context.match is None or sum(map(len, filter(None, key))) > MAX_KEY_LENGTH:
            return
        parsed = {name: value for name, value in context.__dict__.items() if name in HEAD_PROPERTIES}
        if context.match.resource.any_route.auth_scheme == "Bearer":
            parsed.pop("credential", None)
        if len(self._heads) >= MAX_HEADS:
            self._heads.clear()
        self._heads[key] = head._replace(parsed=parsed)
