"""Validate the bodies of requests and responses with the JSON Schemas of their operations."""

from __future__ import annotations

import logging
from functools import lru_cache

from emulator.api.serializers.rendering import to_json
from emulator.core.call import Reply
from emulator.core.errors import BadRequest, ServerError
from emulator.core.fields import NON_FIELD
from emulator.core.json_text import JsonValue, load_json
from emulator.core.schemas import Problem, find_problems, is_valid
from emulator.web.context import RequestContext
from emulator.web.hints import hint_header
from emulator.web.parsing import parse_body

LOG = logging.getLogger("emulator")
MAX_CACHED_BYTES, MAX_CACHED_BODIES = 2_048, 1_024
UNKNOWN_KEY = "additionalProperties"
"""Keyword of the problem of an unknown key."""
IS_TOO_DEEP = Problem((), "maxDepth", "is nested too deeply", "must be nested less deeply")
FRAMEWORK_STATUSES = frozenset((400, 401, 403, 404, 405, 406, 415, 429, 500))
"""Statuses that any operation can have, with the framework's error as the body."""
SCHEMA_OF_400 = {"plain": "field-errors", "wrapped": "command-error"}
"""Error style of an installation -> schema of each 400. The style `documented` has the schema of the operation."""


@lru_cache(MAX_CACHED_BODIES)
def cached_problems(schema_name: str, content_type: str, raw: bytes) -> tuple[Problem, ...]:
    """Return the problems of the text of a JSON body. Clients send the same small bodies many times."""
    return json_problems(schema_name, parse_body(content_type, raw))


def json_problems(schema_name: str, body: JsonValue) -> tuple[Problem, ...]:
    """Return the problems of a JSON body."""
    try:
        return () if is_valid(schema_name, body) else tuple(find_problems(schema_name, body))
    except RecursionError:  # the message of an error contains the wrong value
        return (IS_TOO_DEEP,)


def validate_response(context: RequestContext, reply: Reply) -> Reply:
    """Return the reply, or a 500 that names the schema and the place if the body violates the schema."""
    if (problem := response_problem(context, reply)) is None:
        return reply
    message = f"invalid response with status {reply.status}: {problem}"
    LOG.error("request %s: %s %s: %s", context.request_id, context.method, context.path, message)
    body = to_json({"error": {NON_FIELD: [message]}, "status_code": ServerError.status})
    return Reply(ServerError.status, body, {**reply.headers, **hint_header(message)})


def response_problem(context: RequestContext, reply: Reply) -> str | None:
    """Return the schema and the first problem of a response, or None if it is valid."""
    documented = {} if context.route is None else context.route.responses
    if context.method == "OPTIONS" and reply.status == 200:
        return None  # the framework describes the operations, and no page documents this
    if reply.status not in documented and reply.status not in FRAMEWORK_STATUSES:
        return f"the status must be one of {', '.join(map(str, documented))}"
    schema_name = documented.get(reply.status, "error")
    return (
        None if schema_name is None else body_problem(reply, schema_name, context.world.settings.source.error_style)
    )


def body_problem(reply: Reply, schema_name: str, error_style: str) -> str | None:
    """Return the schema and the first problem of a body. An error can be the framework's, which has only `detail`."""
    try:
        document = load_json(reply.body)
    except ValueError as error:
        return f"{schema_name}.json: not JSON: {error}"
    if reply.status == BadRequest.status:
        schema_name = SCHEMA_OF_400.get(error_style, schema_name)
    if reply.status in FRAMEWORK_STATUSES and isinstance(document, dict) and document.keys() == {"detail"}:
        schema_name = "error"
    problems = json_problems(schema_name, document)
    return f"{schema_name}.json: {problems[0]}" if problems else None
