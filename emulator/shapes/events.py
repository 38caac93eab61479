"""Webhook events, and what a hook is told: the event and the full document of its subject."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

import orjson

from emulator.core import records
from emulator.core.store import Root, View
from emulator.shapes.guide import Package, StockLocation, TransferListItem, Webhook, WebhookShort
from emulator.shapes.links import addressed, with_links
from emulator.shapes.pieces import (
    Column,
    Facts,
    Part,
    Piece,
    Place,
    Shape,
    document,
    text,
    to_column,
)
from emulator.shapes.reading import Reading

PAYLOAD_SHAPES: dict[type[Any], tuple[type[Shape], tuple[str, ...]]] = {
    records.Package: (Package, ("id_encrypted",)),
    records.TransferOrder: (TransferListItem, ("created_date", "modified_date")),
    records.StockLocation: (StockLocation, ()),
}
"""Subject -> its payload's shape, and the keys of it that the documented payloads lack."""

STATELESS: dict[type[Any], int] = {records.StockLocation: 9}
"""Content types of subjects without a state, which would tell it (assumed: no source shows one)."""


def content_type_of(subject: Any, reading: Reading | View) -> int:
    """Give the number by which logs and events name the kind of a record."""
    own = STATELESS.get(type(subject))
    return reading.one(records.State, subject.state).content_type if own is None else own


def payload(event_type: str, event_uuid: str, subject: Any, reading: Reading) -> bytes:
    """Give the text of an event, `{"event": {...}, "payload": {...}}`, as the vendor's database keeps it."""
    shape, left_out = PAYLOAD_SHAPES[type(subject)]
    body = orjson.loads(with_base_url(text(document(shape, subject, reading)), reading))
    for key in left_out:
        body.pop(key, None)
    event = {"type": event_type, "uuid": uuid.UUID(event_uuid).hex}
    return text({"event": event, "payload": database_order(body)})


def with_base_url(payload: bytes, reading: Reading) -> bytes:
    """Give a payload with the world's own address in its links: it does not depend on who reads it."""
    base_url = reading.kept.base_url.rstrip("/")
    return addressed(payload, base_url, urlsplit(base_url).path)


def database_order(value: Any) -> Any:
    """Give a value with its keys as PostgreSQL's jsonb keeps them: shorter ones first, then by their bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: database_order(value[key]) for key in keys}
    return [database_order(part) for part in value] if isinstance(value, list) else value


def subject_of(event: records.WebhookEvent, reading: Reading) -> Any:
    """Give the record that the event tells of: content type and id together name it."""
    for kind in PAYLOAD_SHAPES:
        subject = reading.get(kind, event.object_id)
        if subject is not None and content_type_of(subject, reading) == event.content_type:
            return subject
    raise LookupError(f"event {event.id} has no subject {event.object_id} of content type {event.content_type}")


class Payload(Piece):
    """An event's payload: rendered when somebody asks, from the records as they were when it was sent."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        event: records.WebhookEvent = obj.record
        if event.request_payload is not None:
            return orjson.Fragment(with_base_url(with_links(event.request_payload), obj.reading))
        kept = obj.reading.kept
        then = Reading(event.told_from or Root(obj.reading.view.base, {}), kept.language, kept)
        hook = then.one(records.Webhook, event.webhook)
        return orjson.Fragment(payload(hook.event_type, event.uuid, subject_of(event, then), then))

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        stored = to_column(place.kind, place.key, value)
        facts.know(place.kind, place.id, place.key, stored, place.pointer)


class WebhookEvent(Shape):
    kind = records.WebhookEvent
    id = Column()
    webhook = Part(Webhook)
    created_date = Column()
    modified_date = Column()
    uuid = Column()
    request_payload = Payload()
    response_content = Column()
    response_http_status = Column()
    delivered = Column()
    request_datetimes = Column()
    retry_count = Column()
    object_id = Column()
    content_type = Column()


class WebhookEventShort(Shape):
    kind = records.WebhookEvent
    id = Column()
    webhook = Part(WebhookShort)
    created_date = Column()
    modified_date = Column()
    delivered = Column()
