"""What an operation can answer: the statuses of its row, and those of the protocol, which all operations share."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from emulator.core import errors
from emulator.openapi.components import reference
from emulator.openapi.samples import examples_of
from emulator.routes import Route

Json = dict[str, Any]

JSON = "application/json"
OTHER_MEDIA: Mapping[str, str] = {"preview_shipping_label": "text/html", "product_image": "image/svg+xml"}
"""Operation -> what it answers where that is no JSON."""

HEADERS: Mapping[str, Json] = {
    "Allow": {"description": "The methods that are allowed here.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until the next call is let in.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "The scheme of credentials that is asked for.", "schema": {"type": "string"}},
    "X-Emulator-Fault": {
        "description": "Which kind of fault disturbed the answer, where one that was armed did.",
        "schema": {"type": "string"},
    },
    "X-Emulator-Request-Id": {"description": "Names this exchange.", "schema": {"type": "string"}},
    "X-Emulator-Hint": {
        "description": "Why it was answered so, where there is something to say: what the body does not tell.",
        "schema": {"type": "string"},
    },
}
"""`components.headers`."""
USUAL_HEADERS = ("Allow", "X-Emulator-Request-Id", "X-Emulator-Hint")


class Refusal(NamedTuple):
    """An answer that operations share: its status, when it is given, and examples of it."""

    status: int
    when: str
    examples: tuple[errors.ApiError, ...]
    headers: tuple[str, ...] = ()


REFUSALS: Mapping[str, Refusal] = {
    "Unauthorized": Refusal(
        401,
        "No credentials, or wrong ones.",
        (errors.NotAuthenticated(), errors.AuthenticationFailed("Invalid token.")),
        ("WWW-Authenticate",),
    ),
    "Forbidden": Refusal(403, "The caller may not do this.", (errors.PermissionDenied(),)),
    "NotFound": Refusal(
        404, "No such record, no such page of a list, or no such form.", (errors.NotFound(), errors.InvalidPage())
    ),
    "MethodNotAllowed": Refusal(405, "Not with this method.", (errors.MethodNotAllowed("PUT"),)),
    "NotAcceptable": Refusal(406, "JSON is the only form, and `Accept` does not take it.", (errors.NotAcceptable(),)),
    "UnsupportedMediaType": Refusal(
        415, "The body is neither JSON nor a form.", (errors.UnsupportedMediaType("text/plain"),)
    ),
    "TooManyRequests": Refusal(429, "Too many calls in a minute.", (errors.Throttled(60),), ("Retry-After",)),
    "InternalServerError": Refusal(
        500, "A bug, or a fault that was asked for.", (errors.ServerError(),), ("X-Emulator-Fault",)
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
"""Shape of a 400 -> one such answer."""


def names_of(route: Route) -> list[str]:
    """Name the shared answers of an operation."""
    unless = {
        "Forbidden": route.scheme is None,
        "TooManyRequests": route.scheme is None,
        "NotFound": not route.negotiates and 404 not in route.replies,
        "NotAcceptable": not route.negotiates,
        "UnsupportedMediaType": route.body is None,
    }
    return [name for name in REFUSALS if not unless.get(name, False)]


def responses_of(route: Route) -> dict[str, Json]:
    """Give every answer of an operation, by status."""
    own = {status: own_response(route, status) for status in route.replies}
    if route.body is not None:
        own[400] = own_response(route, 400)
    shared = {REFUSALS[name].status: {"$ref": f"#/components/responses/{name}"} for name in names_of(route)}
    both = {status: own[status] for status in route.replies if route.replies[status] not in {None, "error"}}
    return {str(status): answer for status, answer in sorted((own | shared | both).items())}


def own_response(route: Route, status: int) -> Json:
    """Give an answer of the row's own."""
    answer: Json = {"description": HTTPStatus(status).phrase, "headers": header_references()}
    shape = route.replies.get(status)
    if status in {400, 406}:
        plain = status == 406 or route.body is not None
        return answer | {"content": {JSON: refused_body(shape, plain=plain)}}
    if shape is not None:
        examples = examples_of(route, status)
        return answer | {"content": {JSON: {"schema": reference(shape)} | named("examples", examples)}}
    if status == 204:
        return answer
    return answer | {"content": {OTHER_MEDIA.get(route.operation, "text/html"): {"schema": {"type": "string"}}}}


def refused_body(shape: str | None, *, plain: bool) -> Json:
    """Give the body of a refusal: what is wrong with what was sent, or - plainly - that it cannot be read at all."""
    shapes = [name for name in (shape, "error" if plain else None) if name is not None]
    schema = {"anyOf": list(map(reference, shapes))} if len(shapes) > 1 else reference(shapes[0])
    return {"schema": schema} | named("examples", {name: {"value": EXAMPLES[name]} for name in shapes})


def header_references(*more: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*USUAL_HEADERS, *more)}


def named(key: str, value: Json) -> Json:
    """Give an entry if there is something in it."""
    return {key: value} if value else {}


def response_components() -> dict[str, Json]:
    """Give the answers that operations share."""
    return {name: response_component(refusal) for name, refusal in REFUSALS.items()}


def response_component(refusal: Refusal) -> Json:
    examples = {type(error).__name__: {"value": error.body} for error in refusal.examples}
    return {
        "description": refusal.when,
        "headers": header_references(*refusal.headers),
        "content": {JSON: {"schema": reference("error"), "examples": examples}},
    }
