"""The serializers by name, and the rendered documents of records."""

from __future__ import annotations

from emulator.api.serializers import events, guide, reference
from emulator.api.serializers.fields import Serializer, serialize
from emulator.api.serializers.rendering import RenderCache, TrackedReader, to_json
from emulator.core.records import Record
from emulator.state.store import Reader

GUIDE_SERIALIZERS: dict[str, type[Serializer]] = {
    "package": guide.Package,
    "package-short-list-item": guide.PackageShortListItem,
    "package-short": guide.PackageShort,
    "package-simple": guide.PackageSimple,
    "delivery-range": guide.DeliveryRange,
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
    "denial-reason": guide.DenialReason,
    "package-item-listed": guide.PackageItemListed,
    "package-item-detail": guide.PackageItemDetail,
    "stock-location-simple": guide.StockLocationSimple,
}
SERIALIZERS: dict[str, type[Serializer]] = {**GUIDE_SERIALIZERS, **reference.SERIALIZERS}
"""Name of the schema (as in `schemas/` and the route tables) -> serializer."""


def render_document(serializer: str, id_: int, reader: Reader, language: str, cache: RenderCache) -> bytes | None:
    """Return the text of one document from the cache, or None if there is no such record."""
    serializer_class = SERIALIZERS[serializer]
    changes = reader.maps.get(serializer_class.kind)
    changed = None if changes is None else changes.get(id_)
    # A changed record has its own entry, so that worlds on one base do not evict each other's documents.
    key = (serializer, id_, language, None if changed is None else id(changed))

    def render(tracked: TrackedReader) -> bytes:
        return to_json(serialize(serializer_class, tracked.get_existing(serializer_class.kind, id_), tracked))

    document = cache.find(key, reader)
    if document is None and reader.has(serializer_class.kind, id_):
        document = cache.add(key, reader, language, render)
    return None if document is None else document.body


def render_record(serializer: str, record: Record, reader: Reader, language: str, cache: RenderCache) -> bytes:
    """Return the text of a record's document without storing it in the cache."""
    return to_json(serialize(SERIALIZERS[serializer], record, TrackedReader(reader, language, cache)))
