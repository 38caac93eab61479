"""Webhook events: their records, their payloads (the full document of the subject), and their documents."""

from __future__ import annotations

import json
import uuid
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from emulator.api.filters.filter_set import LOCATION_CONTENT_TYPE
from emulator.api.serializers.fields import (
    Collector,
    FieldLocation,
    Nested,
    Serializer,
    SerializerField,
    serialize,
    serializer_of,
    to_column,
)
from emulator.api.serializers.guide import Package, StockLocation, TransferListItem, Webhook, WebhookShort
from emulator.api.serializers.rendering import RenderCache, TrackedReader, fill_links, to_json, with_placeholders
from emulator.core import records
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Record, RecordKind
from emulator.core.seeded_random import derive_uuid_text
from emulator.domain.state_graph import cache_with_base
from emulator.state.store import ChangeMaps, Reader, Snapshot, Transaction
from emulator.state.world import FinalizeEvent

PAYLOAD_SERIALIZERS: dict[RecordKind, tuple[type[Serializer], tuple[str, ...]]] = {
    records.Package: (Package, ("id_encrypted",)),
    records.TransferOrder: (TransferListItem, ("created_date", "modified_date")),
    records.StockLocation: (StockLocation, ()),
}
"""Kind of subject -> serializer of its payload, and the keys that the documented payloads do not have."""

STATELESS_CONTENT_TYPES: dict[RecordKind, int] = {records.StockLocation: LOCATION_CONTENT_TYPE}
"""Content types of subjects without a state; the state of all others names the content type."""


EVENT_MAPS = (
    records.WebhookEvent,
    *((records.WebhookEvent, name) for name in (*records.RELATIONS[records.WebhookEvent], "tally", "queue")),
)
"""The keys of the changes to events."""


class EventContent(NamedTuple):
    """What an event is about."""

    event_type: str
    uuid: str
    subject: Record
    reader: TrackedReader
    """Reads the records as they were when the event was created."""


def content_type_of(subject: Record, reader: TrackedReader | Reader) -> int:
    """Return the number that logs and events use for the kind of a record."""
    own = STATELESS_CONTENT_TYPES.get(type(subject))
    return reader.get_existing(records.State, subject.state).content_type if own is None else own


def event_content(event: records.WebhookEvent, reader: TrackedReader) -> EventContent:
    """Return type, UUID and subject of an event, as they were when it was created."""
    snapshot, cache = event.snapshot or Snapshot(reader.source.base, {}), reader.cache
    past = TrackedReader(snapshot, cache.language, cache)
    webhook = past.get_existing(records.Webhook, event.webhook)
    return EventContent(webhook.event_type, event.uuid, subject_of(event, past), past)


def subject_of(event: records.WebhookEvent, reader: TrackedReader) -> Record:
    """Return the record that an event is about; its content type and its id identify it."""
    for kind in PAYLOAD_SERIALIZERS:
        subject = reader.get(kind, event.object_id)
        if subject is not None and content_type_of(subject, reader) == event.content_type:
            return subject
    raise LookupError(f"event {event.id} has no subject {event.object_id} of content type {event.content_type}")


def record_events(tx: Transaction, finalize: FinalizeEvent) -> None:
    """Create a record for each queued event and each active hook of its type.

    The world calls this at the commit, when all records have their final values. Each event keeps the snapshot of
    that time, from which its payload is rendered later.
    """
    snapshot = Snapshot(tx.base, maps_without_events(tx), tx.step_number)
    for event_type, subject in tx.events:
        for hook in active_hooks(tx, event_type):
            tx.add(finalize(build_event(tx, hook, subject, snapshot), hook))


@cache_with_base(records.Webhook)
def active_hooks(view: Reader, event_type: str) -> tuple[records.Webhook, ...]:
    """Return the active hooks of a type of event."""
    return tuple(hook for hook in view.find(records.Webhook, "event_type", event_type) if hook.is_active)


def maps_without_events(tx: Transaction) -> ChangeMaps:
    """Return the changes to all other records. With the events, each one would keep all earlier snapshots alive."""
    maps = ChangeMaps(tx.maps)
    for key in EVENT_MAPS:
        maps.pop(key, None)
    return maps


def build_event(tx: Transaction, hook: records.Webhook, subject: Record, snapshot: Snapshot) -> records.WebhookEvent:
    id_ = tx.new_id(records.WebhookEvent)
    return records.WebhookEvent(
        id=id_,
        webhook=hook.id,
        object_id=subject.id,
        content_type=content_type_of(subject, tx),
        created_date=tx.now,
        modified_date=tx.now,
        uuid=derive_uuid_text("webhook_event", id_, orjson.dumps(tx.now)[1:-1].decode()),
        snapshot=snapshot,
        due=tx.now,
    )


class PlainReader(TrackedReader):
    """Reads for a document of plain values instead of embedded text; links contain the scenario's base URL."""

    def __init__(self, reader: TrackedReader) -> None:
        super().__init__(reader.source, reader.language, reader.cache)
        self.reads = reader.reads

    def embed(self, body: bytes) -> JsonValue:
        return orjson.loads(with_base_url(body, self.cache.base_url))

    def embed_shared(self, body: bytes) -> JsonValue:
        return parse_shared(body, self.cache.base_url)


@lru_cache(maxsize=4_096)
def parse_shared(body: bytes, base_url: str) -> JsonValue:
    """Return the value of a nested document that many documents contain; callers must not change it."""
    return orjson.loads(with_base_url(body, base_url))


def with_base_url(body: bytes, base_url: str) -> bytes:
    """Fill in the links of a payload with the scenario's base URL: a payload does not depend on the caller."""
    if b"\x01" not in body:
        return body
    base_url = base_url.rstrip("/")
    return fill_links(body, base_url, urlsplit(base_url).path)


def event_header(content: EventContent) -> dict[str, str]:
    return {"type": content.event_type, "uuid": uuid.UUID(content.uuid).hex}


def subject_document(subject: Record, reader: TrackedReader) -> JsonObject:
    """Return the document of a subject with its keys in the serializer's order."""
    serializer, omitted = PAYLOAD_SERIALIZERS[type(subject)]
    body: JsonObject = serialize(serializer, subject, PlainReader(reader))
    return {key: value for key, value in body.items() if key not in omitted}


def event_document(content: EventContent) -> JsonObject:
    """Return `{"event": {...}, "payload": {...}}` with its keys in the serializer's order."""
    return {"event": event_header(content), "payload": subject_document(content.subject, content.reader)}


def stored_payload(event: records.WebhookEvent, reader: TrackedReader) -> bytes:
    """Return the text of an event as the vendor's database stores it."""
    if event.request_payload is not None:
        return with_base_url(with_placeholders(event.request_payload), reader.cache.base_url)
    return to_json(jsonb_order(event_document(event_content(event, reader))))


def jsonb_order(value: JsonValue) -> JsonValue:
    """Return a value with its keys in the order of PostgreSQL's jsonb: shorter keys first, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: jsonb_order(value[key]) for key in keys}
    return [jsonb_order(part) for part in value] if isinstance(value, list) else value


def request_body(event: records.WebhookEvent, source: Reader, cache: RenderCache) -> bytes:
    """Return the bytes of the next request for an event.

    The keys of the first request are in the serializer's order. Later requests send the payload from the database,
    in the database's order.
    """
    return (first_request_body if event.retry_count == 0 else retry_request_body)(event, source, cache)


def first_request_body(event: records.WebhookEvent, source: Reader, cache: RenderCache) -> bytes:
    """Return the bytes of the first request; the payload is cached, because several webhooks may receive it."""
    if event.request_payload is not None:
        return retry_request_body(event, source, cache)
    content = event_content(event, TrackedReader(source, cache.language, cache))
    kind, id_ = type(content.subject), content.subject.id

    def render(reader: TrackedReader) -> bytes:
        return encode_request(subject_document(reader.get_existing(kind, id_), reader))

    payload = cache.get(("payload", kind, id_), content.reader.source, cache.language, render).body
    return b'{"event": %b, "payload": %b}' % (encode_request(event_header(content)), payload)


def retry_request_body(event: records.WebhookEvent, source: Reader, cache: RenderCache) -> bytes:
    """Return the bytes of every request after the first one."""
    reader = TrackedReader(source, cache.language, cache)
    if event.request_payload is not None:
        return encode_request(orjson.loads(stored_payload(event, reader)))
    return encode_request(jsonb_order(event_document(event_content(event, reader))))


def encode_request(body: JsonValue) -> bytes:
    """Return JSON text as the vendor's sender writes it: by Python's `json`, with blanks, in ASCII."""
    return json.dumps(body, default=lambda at: at.isoformat().replace("+00:00", "Z")).encode()


class EventPayload(SerializerField):
    """The payload of an event, rendered on demand from the records as they were when the event was created."""

    def to_representation(self, event: records.WebhookEvent, reader: TrackedReader, /) -> JsonValue:
        return reader.embed(stored_payload(event, reader))

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        column = "request_payload"
        value = to_column(location.kind, column, value)
        collector.set_column(location.kind, location.id, column, value, location.pointer)


WebhookEvent = serializer_of(
    "WebhookEvent", records.WebhookEvent, "webhook-event", webhook=Nested(Webhook), request_payload=EventPayload()
)
WebhookEventShort = serializer_of(
    "WebhookEventShort", records.WebhookEvent, "webhook-event-short", webhook=Nested(WebhookShort)
)
