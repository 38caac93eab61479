"""The life of a request on the emulated API: one function for all operations, in the framework's order."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from emulator.core.credentials import Credential
from emulator.core.errors import ApiError, BadRequest, MethodNotAllowed, ServerError, ValidationFailed
from emulator.core.exchange import Body, Call, Reply
from emulator.core.journal import Seen
from emulator.core.records import User
from emulator.core.refusals import PersistError
from emulator.core.steps import PendingStep, Step
from emulator.core.world import World
from emulator.params.filters import known, refusal, unknown, unknown_hint, wanted
from emulator.params.strictness import Finding, hint_of
from emulator.params.strictness import refusal as strictly_refused
from emulator.replay import user_named
from emulator.routes import Route
from emulator.rules.filters import FILTER_SETS
from emulator.shapes.links import addressed
from emulator.shapes.pieces import text
from emulator.web.access import admit, authenticate
from emulator.web.answers import Answers
from emulator.web.bodies import charset_of, parse_body, query_pairs
from emulator.web.language import asked_language
from emulator.web.metadata import metadata
from emulator.web.negotiation import absolute_url, indent_of, select_media_type
from emulator.web.overlooked import body_findings, has_body, query_findings, strictly, unread_findings
from emulator.web.pages import BAD_REQUEST, HTML, NOT_FOUND, host_of, is_valid_host, slash_location
from emulator.web.routing import Match, Router

LOG = logging.getLogger("emulator")
LARGEST_BODY = 32 * 1024 * 1024
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

Environ = dict[str, Any]


PARSED = "emulator.parsed"
"""What a body says, for the rest of its request: the journal keeps the bytes alone, and counts them."""


class Arrival(NamedTuple):
    """A request on its way in: to which world, at which path, under which id."""

    environ: Environ
    world: World
    path: str
    """Decoded, without the world's prefix."""
    prefix: str
    """Leads to the world: empty, or `/w/<name>`."""
    request_id: str
    seen: Seen

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"]).upper()

    @property
    def base_url(self) -> str:
        return f"{self.environ['wsgi.url_scheme']}://{host_of(self.environ)}"

    @property
    def query(self) -> str:
        return str(self.environ.get("QUERY_STRING", ""))


def answer(arrival: Arrival, router: Router, answers: Answers) -> Reply:
    """Give the reply to a request, errors and all; nothing is raised."""
    try:
        if not is_valid_host(host_of(arrival.environ)):
            raise BadRequest
        match = router.match(arrival.path)
        return unresolved(arrival, router) if match is None else resolved(arrival, match, answers)
    except BadRequest:
        return Reply(400, BAD_REQUEST, content_type=HTML)


def unresolved(arrival: Arrival, router: Router) -> Reply:
    """Answer as Django does where no URL matches: with the slash that is missing, or not found."""
    if not arrival.path.endswith("/") and router.match(arrival.path + "/"):
        location = slash_location(arrival.prefix + arrival.path, arrival.query)
        return Reply(301, b"", {"Location": location}, HTML)
    return Reply(404, NOT_FOUND, content_type=HTML)


def resolved(arrival: Arrival, match: Match, answers: Answers) -> Reply:
    """Answer as the framework's view does; every answer says what is allowed there."""
    indent = None
    try:
        query = parsed_query(arrival.query, str(arrival.environ.get("CONTENT_TYPE", "")))
        if match.resource.any.negotiates:
            last_format = query["format"][-1] if "format" in query else None
            indent = indent_of(select_media_type(arrival.environ.get("HTTP_ACCEPT"), last_format))
        reply = handled(arrival, match, query, answers)
    except ApiError as error:
        told = styled(error, arrival.world.settings.error_style)
        reply = Reply(told.status, text(told.body), {**told.headers, **hint_header(told.hint)})
    except BadRequest:
        raise
    except PersistError as error:
        LOG.error("request %s failed: %s", arrival.request_id, error)
        reply = Reply(ServerError.status, text(ServerError().body), hint_header(error.message))
    except Exception:
        LOG.exception("request %s failed: %s %s", arrival.request_id, arrival.method, arrival.path)
        reply = Reply(ServerError.status, text(ServerError().body))
    body = reply.body if indent is None or not reply.body else indented(reply.body, indent)
    return replace(reply, body=body, headers={"Allow": match.resource.allow, **reply.headers})


def handled(arrival: Arrival, match: Match, query: Mapping[str, list[str]], answers: Answers) -> Reply:
    """Let the caller in and hand the call to its handler."""
    scheme = match.resource.any.scheme
    route = match.resource.route(arrival.method)
    arrival.seen.operation = None if route is None else route.operation
    credential = authenticate(arrival.environ.get("HTTP_AUTHORIZATION"), scheme or "Token", arrival.world)
    arrival.seen.token = None if credential is None else credential.role
    if scheme is not None:
        admit(credential, arrival.method, arrival.world, scheme)
    if arrival.method == "OPTIONS":
        may_write = credential is None or credential.may_write
        return Reply(200, text(metadata(match.resource.routes, may_write=may_write)))
    if route is None:
        raise MethodNotAllowed(arrival.method)
    call = call_of(arrival, route, match.path, query, credential)
    # The framework decodes a query in the charset of the body, so a read with a Content-Type is not kept.
    may_be_kept = not route.personal and "CONTENT_TYPE" not in arrival.environ and not has_body(arrival.environ)
    if route.method == "GET" and may_be_kept:
        return read(arrival, route, call, answers)
    return run(arrival, route, call)


def read(arrival: Arrival, route: Route, call: Call, answers: Answers) -> Reply:
    """Answer a read as it was answered before, if its world is the same still."""
    if (kept := answers.get(call, arrival.world)) is not None:
        return kept
    root = arrival.world.root
    reply = run(arrival, route, call)
    answers.keep(call, arrival.world, root, reply)
    return reply


def run(arrival: Arrival, route: Route, call: Call) -> Reply:
    """Let the row's handler answer. What the service ignores of a request is told of in the hint, or refused."""
    strict = arrival.world.strict
    findings: list[Finding] = []
    hints: list[str | None] = []
    if call.query and route.negotiates:
        names = known(route.filters, route.size_parameter if route.pages else None)
        if strangers := unknown(call.query, names):
            if strict:
                raise refusal(strangers, names, by_field=route.filters is not None)
            hints.append(unknown_hint(strangers, names))
    if call.query or has_body(arrival.environ):
        findings = [*query_findings(route, call, arrival.environ), *unread_findings(route, call, arrival.environ)]
        if strict and findings:
            raise strictly_refused(findings, by_field=route.filters is not None or route.body is not None)
    if strict and route.body is not None:
        call = strictly(route, call, arrival.world)
    before = arrival.world.root
    try:
        reply = linked(arrival, handled_by(route, call, arrival.world))
    except ApiError as error:
        error.hint = joined(*hints, error.hint, hint_of([*findings, *body_findings(route, call, before)]))
        raise
    if route.body is not None:
        findings += body_findings(route, call, before)
    if not findings and not hints:
        return reply
    return replace(reply, headers={**hint_header(joined(*hints, hint_of(findings))), **reply.headers})


def joined(*hints: str | None) -> str | None:
    return "; ".join(hint for hint in hints if hint) or None


def handled_by(route: Route, call: Call, world: World) -> Reply:
    if route.filters is not None:
        call = replace(call, wanted=wanted(FILTER_SETS[route.filters], call.query, world.root))
    if route.method == "GET":
        return route.handler(call, world)
    with world.recording(step_of(route, call, world)):
        return route.handler(call, world)


def step_of(route: Route, call: Call, world: World) -> PendingStep:
    """Return the step that a write of the call is recorded as."""
    body = call.read_body
    language = None if call.language == world.settings.language else call.language
    user = call.caller if route.personal else call.user
    step = Step(call.operation, call.path, user and user.username, language, call.request_id)
    return PendingStep(step, lambda: body.value if isinstance(body, Body) else None)


def linked(arrival: Arrival, reply: Reply) -> Reply:
    """Give the reply with the caller's own host and world in its links."""
    return replace(reply, body=addressed(reply.body, arrival.base_url + arrival.prefix, arrival.prefix))


def call_of(
    arrival: Arrival,
    route: Route,
    path: Mapping[str, int],
    query: Mapping[str, list[str]],
    credential: Credential | None,
) -> Call:
    environ = arrival.environ
    return Call(
        operation=route.operation,
        method=arrival.method,
        path=path,
        url=absolute_url(arrival.base_url, arrival.prefix + arrival.path, arrival.query),
        query=query,
        language=asked_language(environ.get("HTTP_ACCEPT_LANGUAGE"), arrival.world.settings.language),
        user=user_of(arrival.world, credential) if route.method != "GET" else None,
        request_id=arrival.request_id,
        read_body=body_reader(environ, arrival.seen),
        caller=credential,
    )


def body_reader(environ: Environ, seen: Seen) -> Body:
    """Give what parses the body when a handler asks for it."""

    def read() -> Any:
        seen.body = sent_body(environ)
        environ[PARSED] = parse_body(str(environ.get("CONTENT_TYPE", "")), seen.body)
        return environ[PARSED]

    return Body(read)


def sent_body(environ: Environ) -> bytes:
    """Give what was sent, as far as it was not read yet."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    return bytes(environ["wsgi.input"].read(min(length, LARGEST_BODY))) if length > 0 else b""


def parsed_query(raw: str, content_type: str) -> dict[str, list[str]]:
    """Give the parameters of a query string; the framework decodes them in the charset of the body."""
    found: dict[str, list[str]] = {}
    if raw:
        for name, value in query_pairs(raw.encode("latin-1"), charset_of(content_type) if content_type else "utf-8"):
            found.setdefault(name, []).append(value)
    return found


def user_of(world: World, credential: Credential | None) -> User | None:
    """Give the installation's user that a credential speaks for, if it knows one."""
    return None if credential is None else user_named(world, credential.username)


def styled(error: ApiError, style: str) -> ApiError:
    """Give the error as the installation words it: `wrapped` puts whatever fields got wrong into one form."""
    return error.wrapped() if style == "wrapped" and isinstance(error, ValidationFailed) else error


def hint_header(hint: str | None) -> dict[str, str]:
    """Give the header that explains; letters beyond ASCII are percent-encoded, as headers carry no others."""
    return {} if hint is None else {"X-Emulator-Hint": quote(hint, safe=PRINTABLE)}


def indented(body: bytes, indent: int) -> bytes:
    """Give JSON with the indentation that `Accept: application/json; indent=4` asks for."""
    printed = json.dumps(orjson.loads(body), indent=indent, ensure_ascii=False, separators=(",", ": "))
    return printed.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
