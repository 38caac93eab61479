"""The responses of operations: the statuses of their rows, and the statuses that all operations share."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from emulator.core import errors
from emulator.openapi.components import examples_of, reference
from emulator.routes import Route

Json = dict[str, Any]

JSON = "application/json"
OTHER_MEDIA: Mapping[str, str] = {"preview_shipping_label": "text/html", "product_image": "image/svg+xml"}
"""Operation -> the media type of a response that is not JSON."""

HEADERS: Mapping[str, Json] = {
    "Allow": {"description": "The allowed methods.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until the next request is allowed.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "The required authentication scheme.", "schema": {"type": "string"}},
    "X-Emulator-Fault": {
        "description": "The kind of the fault that was injected into the response.",
        "schema": {"type": "string"},
    },
    "X-Emulator-Request-Id": {"description": "The id of this request.", "schema": {"type": "string"}},
    "X-Emulator-Hint": {
        "description": "An explanation of the response that the body does not contain.",
        "schema": {"type": "string"},
    },
}
"""`components.headers`."""
COMMON_HEADERS = ("Allow", "X-Emulator-Request-Id", "X-Emulator-Hint")


class SharedResponse(NamedTuple):
    """An error response that operations share."""

    status: int
    description: str
    examples: tuple[errors.ApiError, ...]
    headers: tuple[str, ...] = ()


SHARED_RESPONSES: Mapping[str, SharedResponse] = {
    "Unauthorized": SharedResponse(
        401,
        "The credentials are missing or wrong.",
        (errors.NotAuthenticated(), errors.AuthenticationFailed("Invalid token.")),
        ("WWW-Authenticate",),
    ),
    "Forbidden": SharedResponse(403, "The caller has no permission.", (errors.PermissionDenied(),)),
    "NotFound": SharedResponse(
        404,
        "The record, the page of a list, or the format does not exist.",
        (errors.NotFound(), errors.InvalidPage()),
    ),
    "MethodNotAllowed": SharedResponse(405, "The method is not allowed.", (errors.MethodNotAllowed("PUT"),)),
    "NotAcceptable": SharedResponse(
        406, "JSON is the only format, and `Accept` excludes it.", (errors.NotAcceptable(),)
    ),
    "UnsupportedMediaType": SharedResponse(
        415, "The body is neither JSON nor a form.", (errors.UnsupportedMediaType("text/plain"),)
    ),
    "TooManyRequests": SharedResponse(
        429, "There were too many requests in a minute.", (errors.Throttled(60),), ("Retry-After",)
    ),
    "InternalServerError": SharedResponse(
        500, "A bug or an injected fault.", (errors.ServerError(),), ("X-Emulator-Fault",)
    ),
}
"""`components.responses`, by name."""

EXAMPLES: Mapping[str, Json] = {
    "command-error": {
        "error": {"transition": ["Transition 166 is not allowed in the current state."]},
        "status_code": 400,
    },
    "field-errors": {"remote_id": ["This field is required."]},
    "webhook-refusal": errors.WebhookAlreadyRegistered().body,
    "hook-retry-refused": errors.EventStillInProgress().body,
    "error": errors.ParseError("JSON parse error - Expecting value: line 1 column 1 (char 0)").body,
}
"""Schema of a 400 -> an example."""


def shared_names(route: Route) -> list[str]:
    """Return the names of the shared responses of an operation."""
    excluded = {
        "Forbidden": route.scheme is None,
        "TooManyRequests": route.scheme is None,
        "NotFound": not route.negotiates and 404 not in route.replies,
        "NotAcceptable": not route.negotiates,
        "UnsupportedMediaType": route.body is None,
    }
    return [name for name in SHARED_RESPONSES if not excluded.get(name, False)]


def responses_of(route: Route) -> dict[str, Json]:
    """Return every response of an operation, by status."""
    own = {status: own_response(route, status) for status in route.replies}
    if route.body is not None:
        own[400] = own_response(route, 400)
    shared = {
        SHARED_RESPONSES[name].status: {"$ref": f"#/components/responses/{name}"} for name in shared_names(route)
    }
    special = {status: own[status] for status in route.replies if route.replies[status] not in {None, "error"}}
    return {str(status): response for status, response in sorted((own | shared | special).items())}


def own_response(route: Route, status: int) -> Json:
    """Return a response of the route's row."""
    response: Json = {"description": HTTPStatus(status).phrase, "headers": header_references()}
    schema = route.replies.get(status)
    if status in {400, 406}:
        may_be_unreadable = status == 406 or route.body is not None
        return response | {"content": {JSON: error_media(schema, may_be_unreadable=may_be_unreadable)}}
    if schema is not None:
        examples = examples_of(route, status)
        return response | {"content": {JSON: {"schema": reference(schema)} | optional("examples", examples)}}
    if status == 204:
        return response
    return response | {"content": {OTHER_MEDIA.get(route.operation, "text/html"): {"schema": {"type": "string"}}}}


def error_media(schema: str | None, *, may_be_unreadable: bool) -> Json:
    """Return the media type of a 400 or 406. A request that cannot be read has the framework's error."""
    names = [name for name in (schema, "error" if may_be_unreadable else None) if name is not None]
    references = list(map(reference, names))
    body = {"anyOf": references} if len(references) > 1 else references[0]
    return {"schema": body} | optional("examples", {name: {"value": EXAMPLES[name]} for name in names})


def header_references(*more: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*COMMON_HEADERS, *more)}


def optional(key: str, value: Any) -> Json:
    """Return an entry, or nothing if the value is empty."""
    return {key: value} if value else {}


def response_components() -> dict[str, Json]:
    """Return the responses that operations share."""
    return {name: response_component(response) for name, response in SHARED_RESPONSES.items()}


def response_component(response: SharedResponse) -> Json:
    examples = {type(error).__name__: {"value": error.body} for error in response.examples}
    return {
        "description": response.description,
        "headers": header_references(*response.headers),
        "content": {JSON: {"schema": reference("error"), "examples": examples}},
    }
