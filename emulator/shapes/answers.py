"""Recorded GET answers: where each was asked, and the shape of its documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.core.records import Package, TransferOrder
from emulator.shapes.documents import SHAPES
from emulator.shapes.pieces import excerpt, instance
from emulator.shapes.reference import SHAPES as REFERENCE_SHAPES

LEAST_LIKENESS = 0.5
"""How much of a document's keys a shape must share, for it to be taken as one of that shape."""


class Answer(NamedTuple):
    """One recorded GET: where it was asked, and its body."""

    path: str
    body: Any


class UnknownAnswer(ValueError):
    """A recorded answer that no shape fits; the text says where."""


class Source(NamedTuple):
    """What an answer at a path holds."""

    pattern: re.Pattern[str]
    shape: str
    owner: type[Any] | None = None


def source(pattern: str, shape: str, owner: type[Any] | None = None) -> Source:
    path = pattern.replace("<owner>", r"(?P<owner>\d+)").replace("<id>", r"\d+")
    return Source(re.compile(rf"/api/v1/oms/{path}$"), shape, owner)


SOURCES = (
    source("packages/", "package"),
    source("packages/short/", "package-short-list-item"),
    source("packages/list-simple/", "package-simple"),
    source("packages/delivery-ranges/", "delivery-range"),
    source("packages/<id>/", "package"),
    source("packages/<id>/short/", "package-short"),
    source("packages/<owner>/transition_logs/(<id>/)?", "transition-log", Package),
    source("packages/<owner>/transition_logs/short/(<id>/)?", "transition-log-short", Package),
    source("packages/<owner>/webhook_events/(<id>/)?", "webhook-event", Package),
    source("packages/<owner>/webhook_events/short/", "webhook-event-short", Package),
    source("transfer_orders/", "transfer-list-item"),
    source("transfer_orders/list-simple/", "transfer-simple"),
    source("transfer_orders/<id>/", "transfer"),
    source("transfer_orders/<owner>/transition_logs/(<id>/)?", "transition-log", TransferOrder),
    source("transfer_orders/<owner>/transition_logs/short/(<id>/)?", "transition-log-short", TransferOrder),
    source("transfer_orders/<owner>/webhook_events/(<id>/)?", "webhook-event", TransferOrder),
    source("transfer_orders/<owner>/webhook_events/short/", "webhook-event-short", TransferOrder),
)
"""Where each shape is answered, on the guide surface. Rows of other surfaces go here as well."""


def source_of(path: str) -> tuple[Source, int | None]:
    """Give what an answer at this path holds, and whose it is."""
    plain = path.partition("?")[0]
    for found in SOURCES:
        if match := found.pattern.search(plain):
            owner = match.groupdict().get("owner")
            return found, None if owner is None else int(owner)
    raise UnknownAnswer(f"{path}: no operation of the guide answers there")


def documents_of(body: Any) -> Iterator[tuple[str, Any]]:
    """Give the documents of a body, a page's or the one that it is, and where each stands in it."""
    if not (isinstance(body, Mapping) and "results" in body):
        yield "", body
        return
    if not isinstance(body["results"], list):
        raise UnknownAnswer(f"/results: is {excerpt(body['results'])}, must be a list")
    for number, document in enumerate(body["results"]):
        yield f"/results/{number}", document


def recorded_in(content: Any) -> Iterator[Answer]:
    """Give the GET answers of a capture's JSON: a body, `{path, body}` with or without a method, or many of them."""
    if isinstance(content, list):
        for part in content:
            yield from recorded_in(part)
    elif not isinstance(content, Mapping):
        raise UnknownAnswer("neither an answer's body nor an object with `path` and `body`")
    elif isinstance(content.get("answers"), list):
        yield from recorded_in(content["answers"])
    elif not {"path", "body"} <= content.keys():
        yield Answer("", content)
    elif content.get("method", "GET") == "GET":
        yield Answer(PLACEHOLDER.sub("/0", content["path"]), content["body"])


PLACEHOLDER = re.compile(r"/(?:pk|log_id|webhook_event_id)(?=/)")
"""What the pages print in a path where an answer has an id."""


def shape_at(answer: Answer, document: Any) -> str:
    """Give the shape of an answer's document: its path tells it, or else its keys."""
    try:
        return source_of(answer.path)[0].shape
    except UnknownAnswer:
        return shape_like(document)


def shape_like(document: Any) -> str:
    """Give the shape whose keys a document has; `UnknownAnswer` if it is like none."""
    keys = set(document) if isinstance(document, Mapping) else set()
    guides = (shape for shape in SHAPES if shape not in REFERENCE_SHAPES)
    found = {shape: likeness(keys, set(instance(SHAPES[shape]).fields)) for shape in guides}
    best = max(found, key=lambda shape: found[shape])
    if found[best] < LEAST_LIKENESS:
        raise UnknownAnswer(f"no operation of the guide answers such a document; its keys: {', '.join(sorted(keys))}")
    return best


def likeness(keys: set[str], others: set[str]) -> float:
    return len(keys & others) / max(1, len(keys | others))
