"""Rendered documents: the name of a schema and the id of a record -> JSON text."""

from __future__ import annotations

from emulator.api.serializers import events, guide, nested, reference
from emulator.api.serializers.fields import Serializer, serialize
from emulator.api.serializers.rendering import RenderCache, TrackedReader, to_json
from emulator.core.records import Record
from emulator.state.store import Reader

GUIDE_SERIALIZERS: dict[str, type[Serializer]] = {
    "package": guide.Package,
    "package-short-list-item": guide.PackageShortListItem,
    "package-short": guide.PackageShort,
    "package-simple": guide.PackageSimple,
    "delivery-range": nested.DeliveryRange,
    "denial-reason": nested.DenialReason,
    "transition-log": guide.TransitionLog,
    "transition-log-short": guide.TransitionLogShort,
    "webhook": guide.Webhook,
    "webhook-event": events.WebhookEvent,
    "webhook-event-short": events.WebhookEventShort,
    "transfer-list-item": guide.TransferListItem,
    "transfer": guide.Transfer,
    "transfer-simple": guide.TransferSimple,
    "invoice": guide.Invoice,
    "stock-location": nested.StockLocation,
}
SERIALIZERS: dict[str, type[Serializer]] = {**GUIDE_SERIALIZERS, **reference.SERIALIZERS}
"""Name of the schema (as in `schemas/` and the route tables) -> serializer."""


def render_document(schema: str, id_: int, view: Reader, language: str, cache: RenderCache) -> bytes | None:
    """Return the text of one document from the cache, or None if there is no such record."""
    serializer = SERIALIZERS[schema]
    if not view.has(serializer.kind, id_):
        return None
    changes = view.maps.get(serializer.kind)
    changed = None if changes is None else changes.get(id_)
    # A changed record has its own entry, so that worlds on one base do not evict each other's documents.
    key = (schema, id_, language, None if changed is None else id(changed))

    def render(reader: TrackedReader) -> bytes:
        return to_json(serialize(serializer, reader.get_existing(serializer.kind, id_), reader))

    return cache.get(key, view, language, render).body


def render_record(schema: str, record: Record, view: Reader, language: str, cache: RenderCache) -> bytes:
    """Return the text of a record's document without storing it in the cache."""
    return to_json(serialize(SERIALIZERS[schema], record, TrackedReader(view, language, cache)))
