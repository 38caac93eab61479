"""Fields of the reference surface whose values are derived from columns.

The reference page shows these keys with placeholder values only, so every value here is assumed (see the schemas'
descriptions).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import orjson

from emulator.api.serializers.fields import (
    COLUMN_TYPES,
    Collector,
    Column,
    FieldLocation,
    RelatedColumn,
    Serializer,
    SerializerField,
    serialize,
)
from emulator.api.serializers.rendering import TrackedReader
from emulator.core.json_text import JsonValue
from emulator.core.records import (
    DenialReason,
    Record,
    Transition,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.domain.webhook_retries import is_pending

R = TypeVar("R")

APP_LABEL, MODEL = "oms", "package"
"""Django's names for the content type of a package; the reference describes packages only."""
TRANSITION_COLUMNS = {"name": "label", "source_state": "source_state", "target_state": "destination_state"}
"""Key of a transition in a log -> column of the transition."""
RESPONSE_COLUMNS = {"http_status": "response_http_status", "content": "response_content"}
"""Key of a receiver's response in an event -> column of the event."""


class Constant(SerializerField):
    """The same value in every document."""

    def __init__(self, value: JsonValue) -> None:
        super().__init__()
        self.value = value

    def to_representation(self, _record: Record, _reader: TrackedReader, /) -> JsonValue:
        return self.value


class NestedSelf(SerializerField):
    """Another document of the same record."""

    def __init__(self, serializer: type[Serializer]) -> None:
        super().__init__()
        self.serializer = serializer

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        return serialize(self.serializer, record, reader)

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        collector.add_document_of(self.serializer, location.id, value, location.pointer)


class DerivedColumn(RelatedColumn):
    """A function of a related column. A recorded value is ignored, because other keys state the column."""

    def __init__(self, path: str, function: Callable[[JsonValue], JsonValue]) -> None:
        super().__init__(path)
        self.function = function

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        return self.function(super().to_representation(record, reader))

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        """Ignore the recorded value."""


class LabeledChoice(RelatedColumn):
    """A code with its label: `{"value": "same_day", "label": "Same day"}`."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        value = super().to_representation(record, reader)
        return None if value is None else {"value": value, "label": value.replace("_", " ").capitalize()}

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        super().collect(location, value.get("value") if isinstance(value, Mapping) else value, collector)


class ContentType(Column):
    """A content type: the installation's number with Django's names for it."""

    def to_representation(self, record: Record, _: TrackedReader, /) -> JsonValue:
        return {"id": getattr(record, self.column), "app_label": APP_LABEL, "model": MODEL}

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        super().collect(location, value.get("id") if isinstance(value, Mapping) else value, collector)


class JsonColumn(Column):
    """A column of free JSON that the document shows in another form."""

    def parsed(self, record: Record) -> JsonValue:
        text: bytes | None = getattr(record, self.column)
        return None if text is None else orjson.loads(text)

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        text = None if value is None else orjson.dumps(value)
        collector.suggestions.append((location.kind, location.id, self.column, text))


class JsonText(JsonColumn):
    """Free JSON as a string: a JSON string unchanged, any other value as its JSON text."""

    def to_representation(self, record: Record, _: TrackedReader, /) -> JsonValue:
        value = self.parsed(record)
        return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


class ItemDenialReason(JsonColumn):
    """The denial reason of an item: the keys that the item stores, the others from the installation's reason."""

    KEYS = ("id", "title", "remote_id", "priority", "is_active")

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        value = self.parsed(record)
        if value is None:
            return None
        stored = value if isinstance(value, dict) else {"id": value}
        reason = find_by_json_id(DenialReason, stored.get("id"), reader) or DenialReason(0)
        return {key: stored.get(key, getattr(reason, key)) for key in self.KEYS}


class LogTransition(SerializerField):
    """The transition of a log entry: the one that it names, or else the first between the same two states."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        transition = transition_of(record, reader)
        if transition is None:
            return None
        columns = {key: getattr(transition, column) for key, column in TRANSITION_COLUMNS.items()}
        return {"id": transition.id, **columns}

    def collect(self, _: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        if isinstance(value, Mapping) and type(value.get("id")) is int:
            for key, column in TRANSITION_COLUMNS.items():
                if type(value.get(key)) in COLUMN_TYPES[Transition][column]:
                    collector.suggestions.append((Transition, value["id"], column, value[key]))


class LogTransitionName(SerializerField):
    """The label of the transition of a log entry."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        transition = transition_of(record, reader)
        return None if transition is None else transition.label

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        if isinstance(value, str):
            collector.log_labels.append((location.id, value))


def transition_of(log: TransitionLog, reader: TrackedReader) -> Transition | None:
    """Return the transition of a log entry, or None if the installation has none that fits."""
    attributes = orjson.loads(log.attributes)  # those of a recorded entry may be any JSON value
    command = attributes.get("command") if isinstance(attributes, dict) else None
    id_ = command.get("transition_id") if isinstance(command, dict) else None
    if (named := find_by_json_id(Transition, id_, reader)) is not None:
        return named
    ids = reader.related(Transition, "source_state", log.old_state)
    transitions = (reader.get_existing(Transition, id_) for id_ in ids)
    matching = (transition for transition in transitions if transition.destination_state == log.new_state)
    return min(matching, key=lambda transition: (transition.position, transition.id), default=None)


def find_by_json_id(kind: type[R], id_: JsonValue, reader: TrackedReader) -> R | None:
    """Return the record with an id from free JSON; None if it is not an id or there is no such record."""
    return reader.get(kind, id_) if type(id_) is int else None


class Username(SerializerField):
    """The name of the user that the column with the name of the key refers to."""

    def to_representation(self, record: Record, reader: TrackedReader, /) -> JsonValue:
        user = reader.follow(record, (self.key,))
        return None if user is None else user.username

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        kind, id_, key, pointer = location
        if isinstance(value, str):
            collector.related.append((kind, id_, (key, "username"), value, pointer))
        elif value is None:
            collector.set_column(kind, id_, key, None, pointer)


class DeliveryStatus(SerializerField):
    """The delivery status of an event: `pending`, `delivered` or `failed`."""

    def to_representation(self, event: WebhookEvent, reader: TrackedReader, /) -> JsonValue:
        if event.delivered:
            return "delivered"
        return "pending" if is_pending(event, event_webhook(event, reader)) else "failed"

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        collector.suggestions.append((location.kind, location.id, "delivered", value == "delivered"))


class EventRetry(SerializerField):
    """A value that a function of the event and its webhook returns."""

    def __init__(self, function: Callable[[WebhookEvent, Webhook], JsonValue]) -> None:
        super().__init__()
        self.function = function

    def to_representation(self, event: WebhookEvent, reader: TrackedReader, /) -> JsonValue:
        return self.function(event, event_webhook(event, reader))


class ReceiverResponse(SerializerField):
    """The receiver's response to the last attempt; empty before the first attempt."""

    def to_representation(self, event: WebhookEvent, _: TrackedReader, /) -> JsonValue:
        if event.response_http_status is None:
            return {}
        return {key: getattr(event, column) for key, column in RESPONSE_COLUMNS.items()}

    def collect(self, location: FieldLocation, value: JsonValue, collector: Collector, /) -> None:
        response = value if isinstance(value, Mapping) else {}
        for key, column in RESPONSE_COLUMNS.items():
            if type(response.get(key)) in COLUMN_TYPES[location.kind][column]:
                collector.suggestions.append((location.kind, location.id, column, response.get(key)))


def event_webhook(event: WebhookEvent, reader: TrackedReader) -> Webhook:
    return reader.get_existing(Webhook, event.webhook)
