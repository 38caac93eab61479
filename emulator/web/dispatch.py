"""The dispatcher: take a request through the checks of Django REST framework, in its order, to the handler."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import orjson

from emulator.api.filters import FILTER_SETS
from emulator.api.parameters import parse_list_query
from emulator.api.routes import Route
from emulator.api.serializers.rendering import fill_links, to_json
from emulator.api.views.records import find_user
from emulator.core.call import HTML, HTML_PAGES, Call, Reply
from emulator.core.errors import (
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotFound,
    PersistError,
    RecordNotFound,
    ServerError,
    ValidationFailed,
)
from emulator.core.json_text import JsonValue
from emulator.state.steps import Step
from emulator.web.authentication import check_access
from emulator.web.context import (
    Match,
    RequestContext,
    absolute_url,
    escape_path,
    escape_query,
    is_valid_host,
)
from emulator.web.hints import hint_header, with_hint
from emulator.web.negotiation import describe_resource, select_language
from emulator.web.schema_validation import validate_response
from emulator.web.unused_input import UnusedInput, request_schema

LOG = logging.getLogger("emulator")

NO_CONTENT = int(HTTPStatus.NO_CONTENT)
NOT_FOUND, BAD_REQUEST = HTML_PAGES[404], HTML_PAGES[400]


def respond(context: RequestContext) -> Reply:
    """Return the reply to a request. Errors become replies; nothing is raised."""
    try:
        if not is_valid_host(context.host):
            raise BadRequest
        match = context.match
        return respond_without_match(context) if match is None else respond_to_match(context, match)
    except BadRequest:
        return Reply(400, BAD_REQUEST, content_type=HTML)


def respond_without_match(context: RequestContext) -> Reply:
    """Reply as Django does where no URL matches: redirect to the path with a slash, or 404."""
    if not context.path.endswith("/") and context.router.match(context.path + "/"):
        location = slash_location(context.prefix + context.path, context.query_string)
        return Reply(301, b"", {"Location": location}, HTML)
    return Reply(404, NOT_FOUND, content_type=HTML)


def slash_location(path: str, query: str) -> str:
    """Return the Location that adds the missing slash to a path."""
    location = escape_path(path) + "/" + (f"?{escape_query(query)}" if query else "")
    return f"/%2F{location[2:]}" if location.startswith("//") else location


def respond_to_match(context: RequestContext, match: Match) -> Reply:
    """Reply as the framework's view does. Every reply has an Allow header."""
    indent = None
    try:
        indent = context.indent
        reply = authorize_and_run(context, match)
    except ApiError as error:
        reply = error_reply(error, context)
    except BadRequest:
        raise
    except PersistError as error:
        LOG.error("request %s failed: %s", context.request_id, error)
        reply = Reply(ServerError.status, to_json(ServerError().body), hint_header(error.message))
    except Exception:
        LOG.exception("request %s failed: %s %s", context.request_id, context.method, context.path)
        reply = Reply(ServerError.status, to_json(ServerError().body))
    if context.world.validates_responses:
        reply = validate_response(context, reply)
    body = reply.body if indent is None or not reply.body else indent_json(reply.body, indent)
    headers = {"Allow": match.resource.allow, **reply.headers}
    return Reply(reply.status, body, headers, reply.content_type, reply.fault)


def error_reply(error: ApiError, context: RequestContext) -> Reply:
    """Return the reply for an error, in the style of the installation."""
    settings = context.world.settings
    if settings.source.error_style == "wrapped" and isinstance(error, ValidationFailed):
        error = error.wrap()
    if settings.not_found_text == "named" and isinstance(error, RecordNotFound):
        error = error.with_model()
    return Reply(error.status, to_json(error.body), {**error.headers, **hint_header(error.hint)})


def authorize_and_run(context: RequestContext, match: Match) -> Reply:
    """Check the credential, its permissions and the method, then run the handler."""
    scheme = match.resource.any_route.auth_scheme
    route = match.resource.route(context.method)
    context.info.operation = None if route is None else route.operation
    credential = context.credential
    context.info.role = None if credential is None else credential.role
    if scheme is not None:
        check_access(credential, context.method, context.world, scheme)
    if context.method == "OPTIONS":
        may_write = scheme is None or credential is None or credential.may_write
        exists = partial(is_readable, context, match.resource.routes.get("GET"))
        body_of = partial(request_schema, context.world)
        routes = match.resource.routes
        return Reply(200, to_json(describe_resource(routes, may_write=may_write, exists=exists, body_of=body_of)))
    if route is None:
        raise MethodNotAllowed(context.method)
    if match.has_invalid_id:
        raise NotFound
    if route.method == "GET" and not route.varies_by_user:
        context.answered_from = context.world.records
    return run_handler(context, route)


def is_readable(context: RequestContext, route: Route | None) -> bool:
    """Return whether the caller finds the record in the path."""
    try:
        return route is not None and call_handler(context, route, context.read_body).status == 200
    except NotFound:
        return False


def run_handler(context: RequestContext, route: Route) -> Reply:
    """Run the handler. Report unused input in the hint, or refuse it in strict mode."""
    if route.method == "GET" and not context.query and not context.has_body:
        return call_handler(context, route, context.read_body)
    unused = UnusedInput(context, route)
    unused.check_query()
    unused.check_unread_body()
    unused.validate_body()
    try:
        reply = call_handler(context, route, unused.read_body)
    except ApiError as error:
        error.hint = unused.hint(error.hint)
        raise
    hint = unused.hint()
    return reply if hint is None else with_hint(reply, hint)


def call_handler(context: RequestContext, route: Route, read_body: Callable[[], JsonValue]) -> Reply:
    """Call the handler, and put the caller's host and world into the links of its reply."""
    world = context.world
    if route.filter_set is not None:
        context.list_query = parse_list_query(FILTER_SETS[route.filter_set], context.query, world.records)
    call = build_call(context, route, read_body)
    if route.method == "GET":
        reply = route.view(call, world)
    else:
        context.receive_body()  # before the handler takes the world's lock
        with world.recording(build_step(context, route, call), lambda: context.parsed_body):
            reply = route.view(call, world)
        if (note := world.outbox.sender.waiting_note) is not None:
            reply = with_hint(reply, note)
    if not reply.body:
        return reply
    prefix = escape_path(context.prefix)
    return reply._replace(body=fill_links(reply.body, context.base_url + prefix, prefix))


def build_call(context: RequestContext, route: Route, read_body: Callable[[], JsonValue]) -> Call:
    """Build the call that the handler receives."""
    credential, is_read = context.credential, route.method == "GET"
    writer = None if credential is None or is_read else find_user(context.world.records, credential.username)
    return Call(
        operation=route.operation,
        method=context.method,
        path={} if context.match is None else context.match.path,
        url=absolute_url(context.base_url, context.prefix + context.path, context.query_string) if is_read else "",
        query=context.query,
        language=request_language(context),
        user=writer,
        request_id=context.request_id,
        read_body=read_body,
        list_query=context.list_query,
        caller=credential,
        is_from_foreign_page=context.is_from_foreign_page,
    )


def build_step(context: RequestContext, route: Route, call: Call) -> Step:
    """Build the step that is recorded if the call writes. Its body is known when the handler has read it."""
    language = None if call.language == context.world.settings.language else call.language
    user = call.caller if route.varies_by_user else call.user
    return Step(call.operation, call.path, user and user.username, language, call.request_id)


def request_language(context: RequestContext) -> str:
    """Return the language of names in the reply: the caller's preference, or the world's language."""
    default, header = context.world.settings.language, context.environ.get("HTTP_ACCEPT_LANGUAGE")
    return select_language(header, default) if header else default


def constant_headers(reply: Reply) -> list[tuple[str, str]]:
    """Return the headers of a response except for the id of the request."""
    headers = list(reply.headers.items())
    if reply.status == NO_CONTENT:  # RFC 9110 forbids a length there, and servers drop it
        return headers
    return [("Content-Length", str(len(reply.body))), ("Content-Type", reply.content_type), *headers]


def indent_json(body: bytes, indent: int) -> bytes:
    """Format JSON with the indentation that `Accept: application/json; indent=4` asks for."""
    formatted = json.dumps(orjson.loads(body), indent=indent, ensure_ascii=False, separators=(",", ": "))
    return formatted.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
