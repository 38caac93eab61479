"""The OpenAPI document in version 3.0, for tools that do not read 3.1."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.json_text import JsonObject, JsonValue

VALUE_KEYS = ("enum", "default", "example", "value", "required")
"""Keys of an OpenAPI document whose values are not parts of it."""
NAME_MAPS = ("properties", "schemas", "parameters", "headers", "responses", "securitySchemes")
"""Keys whose value has names as keys."""
CALLBACK_PATH, CALLBACK_URL = "/whisperer/hooks/", "{$request.body#/target_url}"
"""The operation that creates a hook, and the address that it stores."""
NULL: JsonObject = {"type": "object", "nullable": True, "enum": [None]}
"""The schema of null. `nullable` beside a reference does not allow null, because the reference forbids it."""
UNKNOWN_KEYWORDS = ("prefixItems", "webhooks")


def openapi_30(document: JsonObject) -> JsonObject:
    """Return an OpenAPI 3.1 document as 3.0. The webhooks become callbacks of the operation that creates a hook."""
    changed: JsonObject = convert(document)
    changed["openapi"] = "3.0.3"
    del changed["info"]["license"]["identifier"]
    webhooks = convert(document.get("webhooks", {}))
    if webhooks:
        subscription = changed["paths"][CALLBACK_PATH]["post"]
        subscription["callbacks"] = {name: {CALLBACK_URL: item} for name, item in webhooks.items()}
    return changed


def convert(part: JsonValue) -> JsonValue:
    """Return a part of the document without the keywords that OpenAPI 3.0 lacks."""
    if isinstance(part, list):
        return [convert(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    parts = {key: convert_entry(key, value) for key, value in part.items() if key not in UNKNOWN_KEYWORDS}
    return with_reference_alone(with_nullable(with_example(with_exclusive_bounds(parts))))


def convert_entry(key: str, value: JsonValue) -> JsonValue:
    if key in VALUE_KEYS:
        return value
    if key in NAME_MAPS and isinstance(value, Mapping):
        return {name: convert(each) for name, each in value.items()}
    return convert(value)


def with_nullable(schema: JsonObject) -> JsonObject:
    """Replace the type `null` by `nullable`."""
    types = schema.get("type")
    if isinstance(types, list):
        named = [type_ for type_ in types if type_ != "null"]
        entries = {"type": named[0]} if named else {}
        return {**schema, **entries} | ({"nullable": True} if "null" in types else {})
    alternatives = schema.get("anyOf", [])
    others = [each for each in alternatives if each != {"type": "null"}]
    if len(others) == len(alternatives):
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(others) > 1:
        return rest | {"anyOf": [*others, NULL]}
    return rest | ({"anyOf": [*others, NULL]} if "$ref" in others[0] else {**others[0], "nullable": True})


def with_example(schema: JsonObject) -> JsonObject:
    """Replace the list of examples of a schema by one example."""
    if not isinstance(schema.get("examples"), list):
        return schema
    rest = {key: value for key, value in schema.items() if key != "examples"}
    return rest | {"example": schema["examples"][0]}


def with_exclusive_bounds(schema: JsonObject) -> JsonObject:
    """Write an exclusive bound as a bound with a flag."""
    bounds = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
    numbers = {key: bound for key, bound in bounds.items() if isinstance(schema.get(key), int | float)}
    return schema | {bound: schema[key] for key, bound in numbers.items()} | dict.fromkeys(numbers, True)


def with_reference_alone(schema: JsonObject) -> JsonObject:
    """Move a reference that has other keywords beside it into `allOf`, because 3.0 ignores those keywords."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return rest | {"allOf": [{"$ref": schema["$ref"]}]}
