"""Recorded GET answers: where each was asked, and the shape of its documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.core.records import Package, TransferOrder
from emulator.shapes.columns import excerpt
from emulator.shapes.documents import SHAPES
from emulator.shapes.pieces import Shape, instance
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
    """What an answer at a path holds; whose it is, and the column that says so."""

    pattern: re.Pattern[str]
    template: str
    shape: str
    owner: type[Any] | None = None
    column: str = "object_id"


def source(path: str, shape: str, owner: type[Any] | None = None, column: str = "object_id") -> Source:
    """Give a row of the guide's surface."""
    return row(r"/api/v1/oms/", f"/api/v1/oms/{path}", shape, owner, column)


def reference(path: str, shape: str, owner: type[Any] | None = None, column: str = "object_id") -> Source:
    """Give a row of the reference surface, at the root of a host or of a world."""
    return row(r"^(?:\w+://[^/]+)?(?:/w/[^/]+)?/packages/", f"/packages/{path}", shape, owner, column)


def row(start: str, template: str, shape: str, owner: type[Any] | None, column: str) -> Source:
    rest = template.removeprefix("/api/v1/oms/").removeprefix("/packages/")
    rest = rest.replace("<owner>", r"(?P<owner>\d+)").replace("<id>", r"\d+")
    return Source(re.compile(f"{start}{rest}$"), template, shape, owner, column)


SOURCES = (
    source("packages/", "package"),
    source("packages/short/", "package-short-list-item"),
    source("packages/list-simple/", "package-simple"),
    source("packages/delivery-ranges/", "delivery-range"),
    source("packages/package_denial_reason/", "denial-reason"),
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
"""Where each shape is answered: the guide's surface, then the reference's."""


def source_of(path: str) -> tuple[Source, int | None]:
    """Give what an answer at this path holds, and whose it is."""
    plain = path.partition("?")[0]
    for found in SOURCES:
        if match := found.pattern.search(plain):
            owner = match.groupdict().get("owner")
            return found, None if owner is None else int(owner)
    raise UnknownAnswer(f"{path}: no GET of the guide or the reference answers there")


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


GUIDE_SHAPES = {name: shape for name, shape in SHAPES.items() if name not in REFERENCE_SHAPES}
ANSWERED = {source.shape for source in SOURCES}


def shape_like(document: Any, among: Mapping[str, type[Shape]] = GUIDE_SHAPES) -> str:
    """Give the shape whose keys a document has; `UnknownAnswer` if it is like none."""
    keys = set(document) if isinstance(document, Mapping) else set()
    found = {name: likeness(keys, set(instance(shape).fields)) for name, shape in among.items() if name in ANSWERED}
    best = max(found, key=lambda shape: found[shape])
    if found[best] < LEAST_LIKENESS:
        known = "the guide" if among is GUIDE_SHAPES else "the guide or the reference"
        raise UnknownAnswer(f"no operation of {known} answers such a document; its keys: {', '.join(sorted(keys))}")
    return best


def likeness(keys: set[str], others: set[str]) -> float:
    return len(keys & others) / max(1, len(keys | others))
