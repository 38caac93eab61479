"""Recorded GET responses: the endpoints that they come from, and the schemas of their documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from emulator.core.jsontext import JsonValue
from emulator.core.records import Package, RecordKind, TransferOrder
from emulator.shapes.columns import excerpt
from emulator.shapes.documents import GUIDE_SERIALIZERS
from emulator.shapes.fields import Serializer, fields_of

GUIDE_PREFIX, REFERENCE_PREFIX = "/api/v1/oms/", "/packages/"
PREFIX_PATTERNS = {
    GUIDE_PREFIX: r"/api/v1/oms/",
    REFERENCE_PREFIX: r"^(?:\w+://[^/]+)?(?:/w/[^/]+)?/packages/",
}
"""Where a surface begins in a path or URL; the reference surface is at the root of a host or of a world."""
MIN_SIMILARITY = 0.5
"""Share of keys that a document and a serializer must have in common to match."""


class RecordedResponse(NamedTuple):
    """The path and the body of one recorded GET."""

    path: str
    body: JsonValue


class InvalidResponse(ValueError):
    """A recorded response that fits no serializer; the message says where and why."""


class Endpoint(NamedTuple):
    """A GET operation."""

    pattern: re.Pattern[str]
    prefix: str
    path: str
    """The path below the prefix, with `<owner>` and `<id>` for ids."""
    schema: str
    owner: RecordKind | None = None
    """Kind of the record that the documents belong to."""
    owner_column: str = "object_id"
    """Column of the documents' records that refers to the owner."""


def endpoint(
    prefix: str, path: str, schema: str, owner: RecordKind | None = None, owner_column: str = "object_id"
) -> Endpoint:
    ids = path.replace("<owner>", r"(?P<owner>\d+)").replace("<id>", r"\d+")
    return Endpoint(re.compile(f"{PREFIX_PATTERNS[prefix]}{ids}$"), prefix, path, schema, owner, owner_column)


guide = partial(endpoint, GUIDE_PREFIX)
reference = partial(endpoint, REFERENCE_PREFIX)

ENDPOINTS = (
    guide("packages/", "package"),
    guide("packages/short/", "package-short-list-item"),
    guide("packages/list-simple/", "package-simple"),
    guide("packages/delivery-ranges/", "delivery-range"),
    guide("packages/package_denial_reason/", "denial-reason"),
    guide("packages/<id>/", "package"),
    guide("packages/<id>/short/", "package-short"),
    guide("packages/<owner>/transition_logs/(<id>/)?", "transition-log", Package),
    guide("packages/<owner>/transition_logs/short/(<id>/)?", "transition-log-short", Package),
    guide("packages/<owner>/webhook_events/(<id>/)?", "webhook-event", Package),
    guide("packages/<owner>/webhook_events/short/", "webhook-event-short", Package),
    guide("transfer_orders/", "transfer-list-item"),
    guide("transfer_orders/list-simple/", "transfer-simple"),
    guide("transfer_orders/<id>/", "transfer"),
    guide("transfer_orders/<owner>/transition_logs/(<id>/)?", "transition-log", TransferOrder),
    guide("transfer_orders/<owner>/transition_logs/short/(<id>/)?", "transition-log-short", TransferOrder),
    guide("transfer_orders/<owner>/webhook_events/(<id>/)?", "webhook-event", TransferOrder),
    guide("transfer_orders/<owner>/webhook_events/short/", "webhook-event-short", TransferOrder),
    reference("", "reference-package"),
    reference("short/", "reference-package-short-list-item"),
    reference("list-simple/", "reference-package-simple"),
    reference("delivery-ranges/", "reference-delivery-range"),
    reference("<id>/", "reference-package"),
    reference("<id>/short/", "reference-package-short"),
    reference("<owner>/package-items/", "reference-package-item-row", Package, "package"),
    reference("<owner>/transition_logs/(<id>/)?", "reference-transition-log", Package),
    reference("<owner>/transition_logs/short/(<id>/)?", "reference-transition-log-short", Package),
    reference("<owner>/webhook_events/(<id>/)?", "reference-webhook-event", Package),
    reference("<owner>/webhook_events/short/", "reference-webhook-event-short", Package),
)
"""All endpoints whose responses can be imported; the first that matches a path is used."""
IMPORTED_SCHEMAS = {each.schema for each in ENDPOINTS}


def endpoint_of(path: str) -> tuple[Endpoint, int | None]:
    """Return the endpoint of a path or URL, and the id of the owner; raise `InvalidResponse` for other paths."""
    path_only = path.partition("?")[0]
    for each in ENDPOINTS:
        if match := each.pattern.search(path_only):
            owner = match.groupdict().get("owner")
            return each, None if owner is None else int(owner)
    raise InvalidResponse(f"{path}: is not a GET operation of the guide or the reference")


def documents_of(body: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield the documents of a body with their JSON pointers: the results of a page, or the body itself."""
    if not (isinstance(body, Mapping) and "results" in body):
        yield "", body
        return
    if not isinstance(body["results"], list):
        raise InvalidResponse(f"/results: is {excerpt(body['results'])}, must be a list")
    for position, document in enumerate(body["results"]):
        yield f"/results/{position}", document


def schema_of(response: RecordedResponse, document: JsonValue) -> str:
    """Return the schema of a document of a response, from the path or else from the document's keys."""
    try:
        return endpoint_of(response.path)[0].schema
    except InvalidResponse:
        return schema_by_keys(document)


def schema_by_keys(document: JsonValue, serializers: Mapping[str, type[Serializer]] = GUIDE_SERIALIZERS) -> str:
    """Return the schema whose keys are most similar to a document's; raise `InvalidResponse` if none is similar."""
    keys = set(document) if isinstance(document, Mapping) else set()
    scores = {
        schema: similarity(keys, set(fields_of(serializer)))
        for schema, serializer in serializers.items()
        if schema in IMPORTED_SCHEMAS
    }
    best = max(scores, key=lambda schema: scores[schema])
    if scores[best] < MIN_SIMILARITY:
        surfaces = "the guide" if serializers is GUIDE_SERIALIZERS else "the guide or the reference"
        raise InvalidResponse(
            f"no operation of {surfaces} returns such a document; its keys: {', '.join(sorted(keys))}"
        )
    return best


def similarity(keys: set[str], others: set[str]) -> float:
    """Return the share of keys that both sets have."""
    return len(keys & others) / max(1, len(keys | others))
