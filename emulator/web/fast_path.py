"""The fast path: answer a GET again that was answered before, while its world has not changed.

`EmulatorApp` offers each GET to the fast path first. It finds the answer by the variables of the WSGI environment
that a response to a GET depends on (`KEY_VARIABLES`). A `KnownAnswer` holds what is equal each time: the headers, the
body, and what the request covers. The rest is done for each request: it gets an id, and it is in the journal, the
coverage, the metrics and the access log.

An answer is used again only while the records and the settings of its world are the same objects as before, and while
no faults are armed, no provenance is asked for, and no interceptor is set. It is not added if it depends on the time,
as those of throttled tokens do, or on the page that sent the request.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from emulator.core import credentials
from emulator.core.caching import Entry, VersionedCache
from emulator.core.call import Reply
from emulator.state.clock import is_sleep_replaced, machine_seconds
from emulator.state.journal import CoverageKey, Exchange, Headers, RequestInfo, headers_size
from emulator.state.world import World
from emulator.web.access_log import is_enabled, log_when_started
from emulator.web.context import WORLD_KEY, Environ, RequestContext
from emulator.web.dispatch import constant_headers
from emulator.web.fault_injection import FAULT_HEADER
from emulator.worlds.registry import UnknownWorld, WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

EXCLUDED_VARIABLES = (
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "HTTP_ORIGIN",
    "HTTP_REFERER",
    "HTTP_SEC_FETCH_SITE",
    FAULT_HEADER,
    WORLD_KEY,
)
"""A request that has one of these is never answered here."""
KEY_VARIABLES = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_HOST",
    "HTTP_AUTHORIZATION",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_X_EMULATOR_WORLD",
    "wsgi.url_scheme",
    *EXCLUDED_VARIABLES,
)
"""The variables that the response to a GET with a Host header can depend on."""
MAX_BYTES = 16 * 1024 * 1024
"""Memory of the answers."""
ANSWER_BYTES = 3_000
"""Approximate memory of an answer without its key and its body."""
MAX_KEY_LENGTH = 4_096
NEVER = float("inf")

Key = tuple[str | None, ...]


class KnownAnswer(NamedTuple):
    """An answer, what it depends on besides its key and the records of its world, and what is recorded of it."""

    world: str
    """The name in the request. A world that is mounted from another server has another name there."""
    settings: tuple[object, ...]
    expires_at: float
    """When the JWT of the request expires, by the clock of the world."""
    covered: tuple[CoverageKey, ...]
    headers: tuple[tuple[str, str], ...]
    request: tuple[str, str, str, int, RequestInfo]
    """The fields of an exchange from its method to its info."""
    response: tuple[Headers, bytes]
    """The headers and the body of an exchange."""
    size: int
    """The size of an exchange without its request headers."""


class FastPath:
    """The known answers of a server."""

    def __init__(self, worlds: WorldRegistry, max_bytes: int = MAX_BYTES) -> None:
        self._worlds = worlds
        self.answers: VersionedCache[KnownAnswer] = VersionedCache(max_bytes)

    def serve(self, environ: Environ, start_response: StartResponse) -> list[bytes] | None:
        """Answer a request, or return None."""
        entry = self.answers.get(tuple(map(environ.get, KEY_VARIABLES)))
        if entry is None:
            return None
        answer, began = entry.value, machine_seconds()
        world = self._current_world(entry, began)
        if world is None:
            return None
        if is_enabled():
            start_response = log_when_started(environ, start_response)
        request_id = world.request_ids.allocate()
        headers = {name: environ[name] for name in header_variables(tuple(environ))}
        at, ended, sleep_replaced = world.clock.now(), machine_seconds(), is_sleep_replaced()
        exchange = Exchange(
            request_id, at, *answer.request, headers, *answer.response, ended, sleep_replaced, ended - began
        )
        world.journal.add(exchange, answer.size + headers_size(headers))
        world.coverage.add(answer.covered)
        self._worlds.metrics.count(exchange.info.operation, exchange.status, None)
        start_response("200 OK", [("X-Emulator-Request-Id", request_id), *answer.headers])
        return [exchange.response_body]

    def _current_world(self, entry: Entry[KnownAnswer], now: float) -> World | None:
        """Return the world that made an answer, if it would answer the same now."""
        answer = entry.value
        try:
            world = self._worlds.get(answer.world, now=now)
        except UnknownWorld:
            return None
        is_same = (
            world is entry.owner()
            and world.records is entry.version()
            and not world.faults.armed
            and world.provenance is None
            and settings_of(world) == answer.settings
            and (answer.expires_at == NEVER or world.clock.now().timestamp() < answer.expires_at)
        )
        return world if is_same else None

    def add(
        self, context: RequestContext, reply: Reply, exchange: Exchange, covered: tuple[CoverageKey, ...]
    ) -> None:
        """Add the answer to a request, if it depends on nothing but the key and the records of the world."""
        world, records = context.world, context.answered_from
        if world.records is not records or not is_repeatable(context, reply):  # or a write came between
            return
        key: Key = tuple(map(context.environ.get, KEY_VARIABLES))
        if (key_length := sum(map(len, filter(None, key)))) > MAX_KEY_LENGTH:
            return
        headers = tuple(constant_headers(reply))
        request = exchange.method, exchange.path, exchange.query, exchange.status, exchange.info
        response = exchange.response_headers, exchange.response_body
        size = exchange.size - headers_size(exchange.request_headers)
        answer = KnownAnswer(
            context.world_name, settings_of(world), expiry(context), covered, headers, request, response, size
        )
        self.answers.put(key, world, records, answer, ANSWER_BYTES + key_length + len(reply.body))


@lru_cache(maxsize=32)  # a request can have thousands of headers
def header_variables(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the variables of a WSGI environment that are request headers. Clients repeat the same ones."""
    return tuple(name for name in names if name[:5] == "HTTP_")


def settings_of(world: World) -> tuple[object, ...]:
    """Return what a response depends on besides the request and the records, and what can be set."""
    return world.strict, world.base_url, world.settings


def is_repeatable(context: RequestContext, reply: Reply) -> bool:
    """Return whether the same request gets the same reply while the records of the world are the same."""
    environ, credential = context.environ, context.credential
    is_throttled = credential is not None and (
        credential.calls_per_minute is not None or bool(context.world.settings.limits)
    )
    return (
        reply.status == HTTPStatus.OK
        and context.info.fault is None
        and environ["REQUEST_METHOD"] == "GET"
        and environ.get("HTTP_HOST") is not None
        and not is_throttled
        and not any(name in environ for name in EXCLUDED_VARIABLES)
    )


def expiry(context: RequestContext) -> float:
    """Return when the JWT of a request expires, in seconds since 1970."""
    if context.match is None or context.match.resource.any_route.auth_scheme != "Bearer":
        return NEVER
    token = context.environ["HTTP_AUTHORIZATION"].split()[1]
    return credentials.decode_token(token).expires_at
