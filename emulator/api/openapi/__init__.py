"""The OpenAPI document: the emulated API, the webhooks and the control API. The AsyncAPI and Arazzo documents.

The other modules of this package build the parts of the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from emulator.api.openapi import control
from emulator.api.openapi.client_schemas import openapi_30
from emulator.api.openapi.components import (
    example_components,
    referenced_names,
    schema_components,
    schema_reference,
)
from emulator.api.openapi.operations import (
    JSON,
    RESPONSE_HEADERS,
    SHARED_PARAMETERS,
    SHARED_RESPONSES,
    TABLES,
    optional_entry,
    paths_of,
    response_component,
)
from emulator.api.routes import ROUTES
from emulator.core.credentials import CREDENTIALS
from emulator.core.event_types import EVENT_TYPES, EventType
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.version import __version__

TAG_DESCRIPTIONS: Mapping[str, str] = TABLES["tags"]
"""The vendor's pages. Each page is the tag of the operations that it describes."""

WEBHOOK_TAG = "Webhooks"
WEBHOOK_DESCRIPTION = "The requests that the emulator sends to subscribers: one POST for each event."
PAYLOAD_SCHEMAS: Mapping[str, str] = {
    "package": "package-payload",
    "transfer_order": "transfer-payload",
    "stock_location": "stock-location",
}
"""Kind of record -> the schema of its document in a payload."""
SIGNATURE_DESCRIPTION = (
    "`sha256=` and the hexadecimal HMAC-SHA256 of the body with the hook's secret. Absent without a secret."
)
NOT_DELIVERED = {"description": "Not delivered. It is retried by the hook's policy."}


VERSIONS = ("3.1", "3.0")
PARTS = ("all", "oms", "control")
"""What a document describes: the OMS API with its webhooks, the control API, or both."""


def openapi_document(server: str = "/", *, version: str = "3.1", part: str = "all") -> JsonObject:
    """Return the OpenAPI document of an emulator at the address `server`, in one of `VERSIONS`.

    OpenAPI 3.0 has no webhooks. There they are callbacks of the operation that creates a hook.
    """
    oms, own = part != "control", part != "oms"
    paths = (paths_of(ROUTES) if oms else {}) | (control.control_paths() if own else {})
    webhooks = {event.name: {"post": webhook_operation(event)} for event in EVENT_TYPES} if oms else {}
    document = {
        "openapi": "3.1.0",
        "info": TABLES["info"] | {"version": __version__},
        "servers": [{"url": server, "description": "This emulator"}],
        "tags": (oms_tags() if oms else []) + ([control.TAG] if own else []),
        "paths": paths,
        **optional_entry("webhooks", webhooks),
        "components": optional_entry("securitySchemes", security_schemes() if oms else {})
        | components_of(paths, webhooks),
    }
    return openapi_30(document) if version == "3.0" else document


def components_of(paths: JsonObject, webhooks: JsonObject) -> JsonObject:
    """Return the components that the operations use."""
    shared = {name: response_component(response) for name, response in SHARED_RESPONSES.items()}
    responses = used_components(shared, "responses", paths)
    described = [paths, webhooks, responses]
    return {
        **optional_entry("parameters", used_components(SHARED_PARAMETERS, "parameters", described)),
        **optional_entry("headers", used_components(RESPONSE_HEADERS, "headers", described)),
        **optional_entry("responses", responses),
        **optional_entry("examples", example_components(paths)),
        "schemas": schema_components(described),
    }


def used_components(components: Mapping[str, JsonObject], kind: str, document: JsonValue) -> JsonObject:
    """Return the components to which the document refers."""
    names = set(referenced_names(document, f"#/components/{kind}/"))
    return {name: each for name, each in components.items() if name in names}


def oms_tags() -> list[JsonObject]:
    """Return the tags in the order of the route tables."""
    pages = dict.fromkeys(route.page for route in ROUTES)
    descriptions = {page: TAG_DESCRIPTIONS[page] for page in pages} | {WEBHOOK_TAG: WEBHOOK_DESCRIPTION}
    return [{"name": name, "description": description} for name, description in descriptions.items()]


def security_schemes() -> JsonObject:
    """Return the schemes that operations use."""
    schemes: JsonObject = TABLES["securitySchemes"]
    keys = ", ".join(f"`{token}`" for token in CREDENTIALS)
    return schemes | {"Token": schemes["Token"] | {"description": schemes["Token"]["description"].format(keys=keys)}}


def webhook_operation(event: EventType) -> JsonObject:
    """Return the operation that describes the request for an event."""
    type_schema = {"type": "string", "enum": [event.name]}
    return {
        "operationId": "on_" + event.name.replace(".", "_"),
        "tags": [WEBHOOK_TAG],
        "summary": event.name,
        "description": event.when,
        "security": [],
        "parameters": [
            header_parameter("X-Whisperer-Event", type_schema, "The event's type.", required=True),
            header_parameter("X-Whisperer-Signature", {"type": "string"}, SIGNATURE_DESCRIPTION),
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": webhook_body_schema(event)}}},
        "responses": {"2XX": {"description": "Delivered."}, "4XX": NOT_DELIVERED, "5XX": NOT_DELIVERED},
    }


def header_parameter(name: str, value_schema: JsonObject, description: str, *, required: bool = False) -> JsonObject:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": value_schema}


def webhook_body_schema(event: EventType) -> JsonObject:
    """Return the schema of the body: the event and its payload."""
    payloads = [schema_reference(PAYLOAD_SCHEMAS[kind]) for kind in event.subjects]
    event_schema = closed_object(type={"type": "string", "enum": [event.name]}, uuid={"type": "string"})
    return closed_object(event=event_schema, payload=payloads[0] if len(payloads) == 1 else {"anyOf": payloads})


def closed_object(**properties: JsonObject) -> JsonObject:
    """Return the schema of an object whose keys are all required, without other keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# AsyncAPI and Arazzo


CHANNEL, OPERATION = "subscriber", "sendEvent"


def asyncapi_document() -> JsonObject:
    """Return the AsyncAPI 3.0 document: one channel, with a message for each event type."""
    document: JsonObject = deepcopy(load_fixture("asyncapi"))
    messages = {event.name.replace(".", "_"): message(event) for event in EVENT_TYPES}
    document["info"]["version"] = __version__
    for name in messages:
        document["channels"][CHANNEL]["messages"][name] = {"$ref": f"#/components/messages/{name}"}
        document["operations"][OPERATION]["messages"].append({"$ref": f"#/channels/{CHANNEL}/messages/{name}"})
    return document | {"components": {"messages": messages, "schemas": schema_components(messages)}}


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


def arazzo_document() -> JsonObject:
    """Return the Arazzo 1.0 document: workflows of several operations, for tools that execute or show them."""
    document: JsonObject = load_fixture("arazzo")
    return document | {"info": document["info"] | {"version": __version__}}
