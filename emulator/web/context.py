"""The request context: one request to the emulated API, with each of its parts parsed at most once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from emulator.api.filters import ListQuery
from emulator.api.routes import Route
from emulator.core.credentials import Credential
from emulator.core.errors import ApiError, BadRequest
from emulator.state.journal import RequestInfo
from emulator.state.world import World
from emulator.web.authentication import authenticate
from emulator.web.parsing import parse_body, parse_query
from emulator.web.urls import Match, Router, request_host

MAX_BODY_BYTES = 32 * 1024 * 1024
NO_CONTENT_LENGTH = ("", "0")

Environ = dict[str, Any]
ValueT = TypeVar("ValueT")


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

    def __init__(self, environ: Environ, world: World, router: Router, path: str, prefix: str = "") -> None:
        """`path` is decoded and has no world prefix. `prefix` is empty or `/w/<name>`."""
        self.environ, self.world, self.router = environ, world, router
        self.path, self.prefix = path, prefix
        self.request_id = world.new_request_id()
        self.method = str(environ["REQUEST_METHOD"]).upper()
        self.query_string = str(environ.get("QUERY_STRING", ""))
        self.info = RequestInfo()
        self.list_query: ListQuery | None = None
        """The filters and the order of a list request, once they are parsed."""
        self.parse_errors: dict[str, ApiError | BadRequest] = {}

    @property
    def content_type(self) -> str:
        return str(self.environ.get("CONTENT_TYPE", ""))

    @property
    def has_body(self) -> bool:
        return self.environ.get("CONTENT_LENGTH", "") not in NO_CONTENT_LENGTH

    @ParsedOnce
    def host(self) -> str:
        return request_host(self.environ)

    @property
    def base_url(self) -> str:
        return f"{self.environ['wsgi.url_scheme']}://{self.host}"

    @ParsedOnce
    def match(self) -> Match | None:
        """The resource at the path and the ids in it, or None."""
        return self.router.match(self.path)

    @property
    def route(self) -> Route | None:
        """The route of the path and the method, or None."""
        return None if self.match is None else self.match.resource.route(self.method)

    @ParsedOnce
    def credential(self) -> Credential | None:
        """The credential in the Authorization header, or None. Raises `AuthenticationFailed` if it is invalid."""
        scheme = (self.match.resource.any_route.auth_scheme if self.match is not None else None) or "Token"
        return authenticate(self.environ.get("HTTP_AUTHORIZATION"), scheme, self.world)

    @ParsedOnce
    def query(self) -> dict[str, list[str]]:
        """The query parameters. Raises `BadRequest` if there are too many."""
        return parse_query(self.query_string, self.content_type) if self.query_string else {}

    @ParsedOnce
    def body_bytes(self) -> bytes:
        """The body as it was sent."""
        if not self.has_body:
            return b""
        try:
            length = int(self.environ["CONTENT_LENGTH"] or 0)
        except ValueError:
            return b""
        return bytes(self.environ["wsgi.input"].read(min(length, MAX_BODY_BYTES))) if length > 0 else b""

    def receive_body(self) -> None:
        """Read the body from the connection now, so that no later step waits for it."""
        _ = self.body_bytes

    @ParsedOnce
    def body(self) -> Any:
        """The parsed body. Raises `ApiError` or `BadRequest` if it cannot be parsed."""
        return parse_body(self.content_type, self.body_bytes)

    def read_body(self) -> Any:
        """Return the parsed body, as handlers ask for it."""
        return self.body

    @property
    def parsed_body(self) -> Any:
        """The body if it was parsed already, or None."""
        return self.__dict__.get("body")
