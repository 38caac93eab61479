"""What OPTIONS answers: the framework's description of a view."""

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
"""Class of a field, or one that it is made from -> what the framework calls it."""

GIVEN_BACK: dict[str, dict[str, Any]] = {
    "login": {"token": {"type": "string", "required": False, "read_only": True, "label": "Token"}},
}
"""Fields of a body that only answers bear; the framework lists them too."""


def metadata(routes: Mapping[str, Route], *, may_write: bool) -> dict[str, Any]:
    """Describe a URL; what can be posted there is told only to those who may."""
    route = next(iter(routes.values()))
    described: dict[str, Any] = {
        "name": route.operation.replace("_", " ").capitalize(),
        "description": "",
        "renders": [JSON],
        "parses": list(PARSERS),
    }
    if "POST" in routes and may_write:
        described["actions"] = {"POST": described_body(routes["POST"].body)}
    return described


def described_body(body: str | None) -> dict[str, Any]:
    if body is None:
        return {}
    return {name: described_field(name, field) for name, field in FIELDS[body].items()} | GIVEN_BACK.get(body, {})


def described_field(name: str, field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": next(TYPES[kind] for kind in type(field).mro() if kind in TYPES),
        "required": field.required,
        "read_only": False,
        "label": name.replace("_", " ").capitalize(),
    }
    if isinstance(field, CharField) and field.max_length is not None:
        described["max_length"] = field.max_length
    if isinstance(field, NestedField):
        described["children"] = {inner: described_field(inner, each) for inner, each in field.fields.items()}
    if isinstance(field, DictField):
        described["child"] = {"type": "field", "required": True, "read_only": False}
    return described
