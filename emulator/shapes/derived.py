"""Pieces for what the reference prints and our records do not hold as it stands: each derives it from what they do.

The page shows the keys with placeholder values only, so every value here is assumed (see the schemas' descriptions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson

from emulator.core.records import DenialReason, Transition, User, Webhook, WebhookEvent
from emulator.rules.retry import is_pending, next_attempt
from emulator.shapes.columns import COLUMN_TYPES
from emulator.shapes.pieces import Column, Facts, Piece, Place, Row, Shape, Through, document, follow
from emulator.shapes.reading import Reading

R = TypeVar("R")

APP_LABEL, MODEL = "oms", "package"
"""How the application would name the content type of a package: the reference speaks of packages alone."""


class Fixed(Piece):
    """The same value in every document."""

    def __init__(self, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return self.value


class Itself(Piece):
    """Another document of the same record."""

    def __init__(self, shape: type[Shape], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = shape

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return document(self.shape, obj.record, obj.reading)

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        facts.take_as(self.shape, place.id, value, place.pointer)


class Derived(Through):
    """What follows from a column that is reached by references, and tells nothing of it."""

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        """Learn nothing: what it follows from stands elsewhere."""


class Chosen(Derived):
    """One of a few fixed values, by a column that is reached by references."""

    def __init__(self, path: str, values: Mapping[Any, Any], **kwargs: Any) -> None:
        super().__init__(path, **kwargs)
        self.values = values

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        return self.values[super().serialize(attr, obj)]


class Choice(Through):
    """A code with the words that people read for it: `{"value": "same_day", "label": "Same day"}`."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        value = super().serialize(attr, obj)
        return None if value is None else {"value": value, "label": value.replace("_", " ").capitalize()}

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        super().take(place, value.get("value") if isinstance(value, Mapping) else value, facts)


class AsText(Derived):
    """A number as text."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        return str(super().serialize(attr, obj))


class Reason(Column):
    """Free JSON as one text: a text as it is, all else as JSON."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        kept: bytes | None = getattr(obj.record, self.column or attr)
        found = None if kept is None else orjson.loads(kept)
        return found if found is None or isinstance(found, str) else orjson.dumps(found).decode()

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        kept = None if value is None else orjson.dumps(value)
        facts.suppose(place.kind, place.id, self.column or place.key, kept)


class Denial(Column):
    """Why an item was refused: the reason that the item keeps, completed by the installation's own."""

    KEYS = ("id", "title", "remote_id", "priority", "is_active")

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        kept: bytes | None = getattr(obj.record, self.column or attr)
        found = None if kept is None else orjson.loads(kept)
        if found is None:
            return None
        own = found if isinstance(found, dict) else {"id": found}
        known = named(DenialReason, own.get("id"), obj.reading) or DenialReason(0)
        return {key: own.get(key, getattr(known, key)) for key in self.KEYS}

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        kept = None if value is None else orjson.dumps(value)
        facts.suppose(place.kind, place.id, self.column or place.key, kept)


class ContentType(Column):
    """Which kind of record: the installation's number, and the names that the number stands for."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        return {"id": getattr(obj.record, self.column or attr), "app_label": APP_LABEL, "model": MODEL}

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        super().take(place, value.get("id") if isinstance(value, Mapping) else value, facts)


class Taken(Piece):
    """The transition that a log tells of: the one that it names, or else the first that leads the same way."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        taken = transition_of(obj.record, obj.reading)
        return None if taken is None else printed(taken)

    def take(self, place: Place, value: Any, facts: Facts) -> None:  # noqa: ARG002 - one signature
        if isinstance(value, Mapping) and type(value.get("id")) is int:
            for key, column in TAKEN.items():
                if type(value.get(key)) in COLUMN_TYPES[Transition][column]:
                    facts.suppose(Transition, value["id"], column, value[key])


TAKEN = {"name": "label", "source_state": "source_state", "target_state": "destination_state"}
"""What a log prints of a transition -> the column."""


class TakenName(Taken):
    """Its label alone."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        taken = super().serialize(attr, obj)
        return None if taken is None else taken["name"]

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        if isinstance(value, str):
            facts.take_way(place.id, value)


def printed(transition: Transition) -> dict[str, Any]:
    return {
        "id": transition.id,
        "name": transition.label,
        "source_state": transition.source_state,
        "target_state": transition.destination_state,
    }


def transition_of(log: Any, reading: Reading) -> Transition | None:
    """Give the transition that a log's entry tells of, or None where the installation has none that fits."""
    attributes = orjson.loads(log.attributes)  # a recorded one may hold anything
    command = attributes.get("command") if isinstance(attributes, dict) else None
    own = named(Transition, command.get("transition_id"), reading) if isinstance(command, dict) else None
    if own is not None:
        return own
    ways = (reading.one(Transition, id_) for id_ in reading.related(Transition, "source_state", log.old_state))
    fitting = (way for way in ways if way.destination_state == log.new_state)
    return min(fitting, key=lambda way: (way.position, way.id), default=None)


def named(kind: type[R], id_: Any, reading: Reading) -> R | None:
    """Give the record with an id that stood in free JSON, if it is an id and there is such a record."""
    return reading.get(kind, id_) if type(id_) is int else None


class Username(Piece):
    """The name of the user who did it."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:
        user: User | None = follow(obj.record, (attr,), obj.reading)
        return None if user is None else user.username

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        if isinstance(value, str):
            facts.hint(place.kind, place.id, (place.key, "username"), value, place.pointer)
        elif value is None:
            facts.know(place.kind, place.id, place.key, None, place.pointer)


class Progress(Piece):
    """Where the delivery of an event stands: `pending`, `delivered` or `failed`."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        event: WebhookEvent = obj.record
        if event.delivered:
            return "delivered"
        return "pending" if is_pending(event, hook_of(obj)) else "failed"

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        facts.suppose(place.kind, place.id, "delivered", value == "delivered")


class Retryable(Piece):
    """Whether the event will be tried again."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return is_pending(obj.record, hook_of(obj))


class HookAnswer(Piece):
    """What the hook answered; empty before the first attempt."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        event: WebhookEvent = obj.record
        if event.response_http_status is None:
            return {}
        return {"http_status": event.response_http_status, "content": event.response_content}

    def take(self, place: Place, value: Any, facts: Facts) -> None:
        told = value if isinstance(value, Mapping) else {}
        for key, column in ANSWERED.items():
            if type(told.get(key)) in COLUMN_TYPES[place.kind][column]:
                facts.suppose(place.kind, place.id, column, told.get(key))


ANSWERED = {"http_status": "response_http_status", "content": "response_content"}
"""What an event prints of the hook's answer -> the column."""


class NextTry(Piece):
    """When the event will be tried again; null where it will not be."""

    def serialize(self, attr: str, obj: Any, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        return next_attempt(obj.record, hook_of(obj))


def hook_of(row: Row) -> Webhook:
    return row.reading.one(Webhook, row.record.webhook)
