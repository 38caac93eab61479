"""Webhook events, and what a hook is told: the event and the full document of its subject."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from emulator.core import records
from emulator.core.store import Root, View
from emulator.rules.filters.other_filters import LOCATION_CONTENT_TYPE
from emulator.shapes.columns import to_column
from emulator.shapes.guide import Package, StockLocation, TransferListItem, Webhook, WebhookShort
from emulator.shapes.links import addressed, with_links
from emulator.shapes.pieces import Column, Facts, Part, Piece, Place, Shape, document, text
from emulator.shapes.reading import Kept, Reading

PAYLOAD_SHAPES: dict[type[Any], tuple[type[Shape], tuple[str, ...]]] = {
    records.Package: (Package, ("id_encrypted",)),
    records.TransferOrder: (TransferListItem, ("created_date", "modified_date")),
    records.StockLocation: (StockLocation, ()),
}
"""Subject -> its payload's shape, and the keys of it that the documented payloads lack."""

STATELESS: dict[type[Any], int] = {records.StockLocation: LOCATION_CONTENT_TYPE}
"""Content types of subjects without a state, which would tell it."""


def content_type_of(subject: Any, reading: Reading | View) -> int:
    """Give the number by which logs and events name the kind of a record."""
    own = STATELESS.get(type(subject))
    return reading.one(records.State, subject.state).content_type if own is None else own


def payload(event_type: str, event_uuid: str, subject: Any, reading: Reading) -> bytes:
    """Give the text of an event, `{"event": {...}, "payload": {...}}`, as the vendor's database keeps it."""
    return text(database_order(serialized(event_type, event_uuid, subject, reading)))


def serialized(event_type: str, event_uuid: str, subject: Any, reading: Reading) -> dict[str, Any]:
    """Give an event with its keys as the serializer of its subject orders them."""
    return {"event": named(event_type, event_uuid), "payload": detail(subject, reading)}


def named(event_type: str, event_uuid: str) -> dict[str, str]:
    return {"type": event_type, "uuid": uuid.UUID(event_uuid).hex}


class Plain(Reading):
    """Reads for a document of plain values with the world's own address in its links, rather than for its text."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading.view, reading.language, reading.kept)
        self.reads = reading.reads

    def json(self, body: bytes) -> Any:
        return orjson.loads(with_base_url(body, self))

    def shared_json(self, body: bytes) -> Any:
        return parsed(body, self.kept.base_url)


@lru_cache(maxsize=4_096)
def parsed(body: bytes, base_url: str) -> Any:
    """Give the values of a part that many documents share; nobody changes them."""
    return orjson.loads(at_base_url(body, base_url))


def detail(subject: Any, reading: Reading) -> Any:
    """Give the document of a subject, as the serializer orders it."""
    shape, left_out = PAYLOAD_SHAPES[type(subject)]
    body = document(shape, subject, Plain(reading))
    for key in left_out:
        body.pop(key, None)
    return body


def request_body(event: records.WebhookEvent, view: View, kept: Kept) -> bytes:
    """Give the bytes of the next request for an event, as the sender makes them.

    The first request has the serializer's order of keys, later ones the database's, where the payload is by then.
    """
    return (first_body if event.retry_count == 0 else retry_body)(event, view, kept)


def first_body(event: records.WebhookEvent, view: View, kept: Kept) -> bytes:
    """Give the bytes of the first request for an event; many hooks may be told of one change."""
    if event.request_payload is not None:
        return retry_body(event, view, kept)
    event_type, event_uuid, subject, then = told(event, Reading(view, kept.language, kept))
    kind, id_ = type(subject), subject.id

    def made(reading: Reading) -> bytes:
        return sent(detail(reading.one(kind, id_), reading))

    payload = kept.get(("told", kind, id_), then.view, kept.language, made).body
    return b'{"event": %b, "payload": %b}' % (sent(named(event_type, event_uuid)), payload)


def retry_body(event: records.WebhookEvent, view: View, kept: Kept) -> bytes:
    """Give the bytes of every later request for an event."""
    reading = Reading(view, kept.language, kept)
    if event.request_payload is not None:
        return sent(orjson.loads(stored(event, reading)))
    return sent(database_order(serialized(*told(event, reading))))


def sent(body: Any) -> bytes:
    """Give JSON as the sender writes it: Python's own, with its blanks and without letters beyond ASCII."""
    return json.dumps(body, default=time_text).encode()


def time_text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def stored(event: records.WebhookEvent, reading: Reading) -> bytes:
    """Give the text of an event as the database keeps it."""
    if event.request_payload is not None:
        return with_base_url(with_links(event.request_payload), reading)
    return payload(*told(event, reading))


def told(event: records.WebhookEvent, reading: Reading) -> tuple[str, str, Any, Reading]:
    """Give what an event tells of: type, UUID and subject, with the reading of the moment at which it came up."""
    kept = reading.kept
    then = Reading(event.told_from or Root(reading.view.base, {}), kept.language, kept)
    hook = then.one(records.Webhook, event.webhook)
    return hook.event_type, event.uuid, subject_of(event, then), then


def with_base_url(payload: bytes, reading: Reading) -> bytes:
    """Give a payload with the world's own address in its links: it does not depend on who reads it."""
    return at_base_url(payload, reading.kept.base_url)


def at_base_url(payload: bytes, base_url: str) -> bytes:
    if b"\x01" not in payload:
        return payload
    base_url = base_url.rstrip("/")
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
        return obj.reading.json(stored(obj.record, obj.reading))

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        column = "request_payload"
        facts.know(place.kind, place.id, column, to_column(place.kind, column, value), place.pointer)


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
