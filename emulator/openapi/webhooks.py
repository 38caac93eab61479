"""`webhooks`: what a hook is sent, for every type of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.events import EVENT_TYPES, EventType
from emulator.openapi.components import reference

Json = dict[str, Any]

TAG = "Webhooks"
DESCRIPTION = "What the emulator sends to those who subscribed: one POST for each event."
PAYLOADS: Mapping[str, str] = {
    "package": "package-payload",
    "transfer_order": "transfer-payload",
    "stock_location": "stock-location",
}
"""Kind of record -> the schema of its document in a payload."""

SIGNATURE = "`sha256=` and the hexadecimal HMAC-SHA256 of the body under the hook's secret; absent without a secret."


def webhooks() -> dict[str, Json]:
    return {event.name: {"post": delivery(event)} for event in EVENT_TYPES}


def delivery(event: EventType) -> Json:
    """Describe the call that a hook gets."""
    return {
        "operationId": "on_" + event.name.replace(".", "_"),
        "tags": [TAG],
        "summary": event.name,
        "description": event.when,
        "security": [],
        "parameters": [
            header("X-Whisperer-Event", {"type": "string", "const": event.name}, "The event's type.", required=True),
            header("X-Whisperer-Signature", {"type": "string"}, SIGNATURE),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": envelope(event)}}},
        "responses": {
            "2XX": {"description": "Delivered."},
            "4XX": {"description": "Not delivered; tried again by the hook's plan."},
            "5XX": {"description": "Not delivered; tried again by the hook's plan."},
        },
    }


def header(name: str, schema: Json, description: str, *, required: bool = False) -> Json:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def envelope(event: EventType) -> Json:
    """Give the schema of the body: what happened, and to what."""
    payloads = [reference(PAYLOADS[kind]) for kind in event.subjects]
    named_event = {
        "type": "object",
        "properties": {"type": {"type": "string", "const": event.name}, "uuid": {"type": "string"}},
        "required": ["type", "uuid"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "event": named_event,
            "payload": payloads[0] if len(payloads) == 1 else {"anyOf": payloads},
        },
        "required": ["event", "payload"],
        "additionalProperties": False,
    }
