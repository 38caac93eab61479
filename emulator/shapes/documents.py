"""The door to the documents: a shape's name and an id give text; a page is a join of such texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from emulator.core.store import View
from emulator.shapes import events, guide, reference
from emulator.shapes.pieces import Shape, document, text
from emulator.shapes.reading import Kept, Reading

SHAPES: dict[str, type[Shape]] = {
    "package": guide.Package,
    "package-short-list-item": guide.PackageShortListItem,
    "package-short": guide.PackageShort,
    "package-simple": guide.PackageSimple,
    "delivery-range": guide.DeliveryRange,
    "denial-reason": guide.DenialReason,
    "transition-log": guide.TransitionLog,
    "transition-log-short": guide.TransitionLogShort,
    "webhook": guide.Webhook,
    "webhook-event": events.WebhookEvent,
    "webhook-event-short": events.WebhookEventShort,
    "transfer-list-item": guide.TransferListItem,
    "transfer": guide.Transfer,
    "transfer-simple": guide.TransferSimple,
    "invoice": guide.Invoice,
    "stock-location": guide.StockLocation,
    **reference.SHAPES,
}
"""Name (as in `schemas/` and the route tables) -> shape."""


def rendered(name: str, id_: int, view: View, language: str, kept: Kept) -> bytes | None:
    """Give the text of one document, or None where there is no such record."""
    shape = SHAPES[name]
    if not view.has(shape.kind, id_):
        return None
    own = view.maps.get(shape.kind)
    changed = None if own is None else own.get(id_)
    # A record that a world changed has its own place, so that worlds on one base do not push each other out.
    key = (name, id_, language, None if changed is None else id(changed))

    def make(reading: Reading) -> bytes:
        return text(document(shape, reading.one(shape.kind, id_), reading))

    return kept.get(key, view, language, make).body


def page(count: int, next_: str | None, previous: str | None, results: Iterable[bytes]) -> bytes:
    """Give the text of the framework's page envelope around ready documents."""
    head = orjson.dumps({"count": count, "next": next_, "previous": previous})
    return b"".join((head[:-1], b',"results":[', b",".join(results), b"]}"))


def of_record(name: str, record: Any, view: View, language: str, kept: Kept) -> bytes:
    """Give the text of a record's document without keeping it."""
    return text(document(SHAPES[name], record, Reading(view, language, kept)))
