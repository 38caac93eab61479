"""The AsyncAPI document: the webhooks that the emulator sends to subscribers."""

from __future__ import annotations

from emulator.api.openapi import WEBHOOK_DESCRIPTION, webhook_operation
from emulator.api.openapi.components import schema_components
from emulator.api.openapi.operations import JSON
from emulator.core.event_types import EVENT_TYPES, EventType
from emulator.core.json_text import JsonObject
from emulator.core.version import __version__

CHANNEL, OPERATION = "subscriber", "sendEvent"
HTTP_BINDING_VERSION = "0.3.0"


def asyncapi_document() -> JsonObject:
    """Return the AsyncAPI 3.0 document: one channel, with a message for each event type."""
    messages = {message_name(event): message(event) for event in EVENT_TYPES}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Akinon OMS webhooks, emulated",
            "version": __version__,
            "description": WEBHOOK_DESCRIPTION,
            "contact": {"name": "oms-emulator"},
            "license": {"name": "MIT"},
        },
        "defaultContentType": JSON,
        "channels": {
            CHANNEL: {
                "address": None,
                "title": "Subscriber",
                "description": "The `target_url` of a hook, which `POST /whisperer/hooks/` creates.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            OPERATION: {
                "action": "send",
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "summary": "Send an event to a subscriber",
                "bindings": {"http": {"method": "POST", "bindingVersion": HTTP_BINDING_VERSION}},
                "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in messages],
            }
        },
        "components": {"messages": messages, "schemas": schema_components(messages)},
    }


def message_name(event: EventType) -> str:
    return event.name.replace(".", "_")


def message(event: EventType) -> JsonObject:
    """Return the message of an event, from the operation that describes its request in the OpenAPI document."""
    operation = webhook_operation(event)
    headers = operation["parameters"]
    return {
        "name": event.name,
        "title": event.name,
        "summary": event.when,
        "contentType": JSON,
        "headers": {
            "type": "object",
            "properties": {each["name"]: each["schema"] | {"description": each["description"]} for each in headers},
            "required": [each["name"] for each in headers if each["required"]],
        },
        "payload": operation["requestBody"]["content"][JSON]["schema"],
    }
