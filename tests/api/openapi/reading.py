"""Reads an OpenAPI document as clients do: resolves references, and validates bodies with its schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from emulator.api.openapi import openapi_document

METHODS = ("get", "post", "put", "patch", "delete")
DOCUMENT = openapi_document()


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield path, method and operation."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def all_operations() -> list[Mapping[str, Any]]:
    """Return every operation, including those of webhooks."""
    return [operation for _, _, operation in operations()] + [item["post"] for item in DOCUMENT["webhooks"].values()]


def resolve_reference(part: Any) -> Any:
    """Follow a reference inside the document."""
    while "$ref" in part:
        target: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        part = target
    return part


def compile_schema(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator for a schema of the document, with the schemas that it refers to."""
    return _compile_text(json.dumps(schema))


@cache
def _compile_text(text: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**json.loads(text), "components": DOCUMENT["components"]})


def media_types(part: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every media type object below a part of the document."""
    if isinstance(part, dict):
        if isinstance(part.get("content"), dict):
            yield from (media for media in part["content"].values() if "schema" in media)
        for value in part.values():
            yield from media_types(value)
