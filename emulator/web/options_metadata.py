"""The response to OPTIONS: the framework's metadata of a view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.fields import BooleanField, CharField, DictField, Field, IntegerField, JsonField, NestedField
from emulator.params.body_fields import FIELDS
from emulator.routes import Route
from emulator.web.negotiation import JSON, PARSERS

TYPES: dict[type[Any], str] = {
    CharField: "string",
    IntegerField: "integer",
    BooleanField: "boolean",
    JsonField: "field",
    DictField: "nested object",
    NestedField: "nested object",
}
"""Class of a field or one of its base classes -> the framework's name of the type."""

RESPONSE_FIELDS: dict[str, dict[str, Any]] = {
    "login": {"token": {"type": "string", "required": False, "read_only": True, "label": "Token"}},
}
"""Fields that only the response has. The framework lists them with the fields of the body."""


def describe_resource(routes: Mapping[str, Route], *, may_write: bool) -> dict[str, Any]:
    """Describe the routes of a URL. The fields of the body are shown only to a caller who may write."""
    route = next(iter(routes.values()))
    metadata: dict[str, Any] = {
        "name": route.operation.replace("_", " ").capitalize(),
        "description": "",
        "renders": [JSON],
        "parses": list(PARSERS),
    }
    if "POST" in routes and may_write:
        metadata["actions"] = {"POST": describe_body(routes["POST"].body)}
    return metadata


def describe_body(body: str | None) -> dict[str, Any]:
    if body is None:
        return {}
    return {name: describe_field(name, field) for name, field in FIELDS[body].items()} | RESPONSE_FIELDS.get(body, {})


def describe_field(name: str, field: Field) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "type": next(TYPES[kind] for kind in type(field).mro() if kind in TYPES),
        "required": field.required,
        "read_only": False,
        "label": name.replace("_", " ").capitalize(),
    }
    if isinstance(field, CharField) and field.max_length is not None:
        metadata["max_length"] = field.max_length
    if isinstance(field, NestedField):
        metadata["children"] = {inner: describe_field(inner, each) for inner, each in field.fields.items()}
    if isinstance(field, DictField):
        metadata["child"] = {"type": "field", "required": True, "read_only": False}
    return metadata
