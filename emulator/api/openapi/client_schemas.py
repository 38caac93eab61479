"""JSON Schemas in the form that client generators understand, and the OpenAPI document in version 3.0.

The schemas that validate documents use all of JSON Schema. Generators ignore or misread some of its keywords.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType

from emulator.core.json_text import JsonObject, JsonValue

SCHEMA_MAPS = ("properties", "patternProperties", "$defs")
"""Keywords whose value has names as keys."""
VALUE_KEYWORDS = ("enum", "const", "default", "examples", "required")
"""Keywords whose value is not a schema."""
CONDITIONS = ("if", "then", "else", "not")
NAMES_OF_TYPES = {"type", "$ref", "anyOf", "oneOf", "const", "enum", "pattern"}
"""Keywords that tell the type of a value."""
TYPED_FORMATS = ("date-time", "uuid")
"""Formats whose texts generated clients parse into another type, to which no pattern applies."""
JSON_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
ANY_TYPES = 5
"""A value of this number of types may be any JSON value."""
TYPE_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "array": ("items", "minItems", "maxItems", "uniqueItems"),
    "integer": ("minimum", "maximum", "exclusiveMinimum"),
    "number": ("minimum", "maximum", "exclusiveMinimum"),
    "object": ("properties", "additionalProperties", "required"),
    "string": ("minLength", "maxLength", "pattern", "format"),
}


def client_schema(schema: JsonValue) -> JsonValue:
    """Return a schema without the keywords that generators do not support."""
    if isinstance(schema, list):
        return [client_schema(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    parts = {key: convert_keyword(key, value) for key, value in schema.items() if key not in CONDITIONS}
    return split_types(with_type(without_key_rules(parts)))


def convert_keyword(key: str, value: JsonValue) -> JsonValue:
    if key in VALUE_KEYWORDS:
        return value
    if key in SCHEMA_MAPS:
        return {name: without_title(client_schema(each)) for name, each in value.items()}
    return without_title(client_schema(value)) if key in ("items", "additionalProperties") else client_schema(value)


def without_title(schema: JsonValue) -> JsonValue:
    """Return a schema inside another one without its title, because generators make class names of titles."""
    if not isinstance(schema, Mapping) or "title" not in schema:
        return schema
    described = {"description": schema["title"][:1].upper() + schema["title"][1:] + "."}
    return {**described, **{key: value for key, value in schema.items() if key != "title"}}


def without_key_rules(schema: JsonObject) -> JsonObject:
    """Describe alternatives that only require keys in words: generators make an unknown type of them."""
    for keyword in ("anyOf", "oneOf"):
        alternatives = schema.get(keyword, [])
        if alternatives and not any(each.keys() & NAMES_OF_TYPES for each in alternatives):
            keys = [" and ".join(f"`{key}`" for key in each.get("required", ())) for each in alternatives]
            rule = f"Requires {' or '.join(filter(None, keys))}."
            rest = {key: value for key, value in schema.items() if key != keyword}
            return {**rest, "description": f"{rest.get('description', '')} {rule}".strip()}
    return schema


def with_type(schema: JsonObject) -> JsonObject:
    """Return a schema with the type of its values, and with a rule for the other keys of an object without keys."""
    typed = schema.get("format") in TYPED_FORMATS
    schema = {key: value for key, value in schema.items() if key != "pattern" or not typed}
    if "type" not in schema and ("pattern" in schema or "format" in schema):
        schema = {"type": "string", **schema}
    if "type" not in schema and "enum" in schema:
        types = list(dict.fromkeys(JSON_TYPES[type(value)] for value in schema["enum"]))
        schema = {"type": types if len(types) > 1 else types[0], **schema}
    if "const" in schema:
        schema = constant_schema(schema)
    if "object" in types_of(schema) and not schema.keys() & {"properties", "additionalProperties"}:
        return {**schema, "additionalProperties": True}
    return schema


def constant_schema(schema: JsonObject) -> JsonObject:
    """Return the schema of a constant as one of an enumeration, for which generators write valid code."""
    value = schema["const"]
    rest = {"type": JSON_TYPES[type(value)]} | {key: each for key, each in schema.items() if key != "const"}
    return rest if isinstance(value, bool) else rest | {"enum": [value]}


def types_of(schema: JsonObject) -> list[str]:
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def split_types(schema: JsonObject) -> JsonObject:
    """Return a schema for values of several types as alternatives, with the keywords of each type."""
    types = types_of(schema)
    named = [type_ for type_ in types if type_ != "null"]
    if len(named) < 2:
        return schema
    alternatives = [
        {"type": type_, **{key: schema[key] for key in TYPE_KEYWORDS.get(type_, ()) if key in schema}}
        for type_ in types
    ]
    shared = {key: value for key, value in schema.items() if not any(key in each for each in alternatives)}
    if len(types) >= ANY_TYPES:
        return shared | {"type": "object", "additionalProperties": True}
    return shared | {"anyOf": alternatives}


# OpenAPI 3.0, for tools that do not read 3.1

LITERAL_KEYS = ("enum", "default", "example", "value", "required")
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
    changed: JsonObject = convert_part(document)
    changed["openapi"] = "3.0.3"
    del changed["info"]["license"]["identifier"]
    webhooks = convert_part(document.get("webhooks", {}))
    if webhooks:
        subscription = changed["paths"][CALLBACK_PATH]["post"]
        subscription["callbacks"] = {name: {CALLBACK_URL: item} for name, item in webhooks.items()}
    return changed


def convert_part(part: JsonValue) -> JsonValue:
    """Return a part of the document without the keywords that OpenAPI 3.0 lacks."""
    if isinstance(part, list):
        return [convert_part(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    parts = {key: convert_entry(key, value) for key, value in part.items() if key not in UNKNOWN_KEYWORDS}
    return with_reference_alone(with_nullable(with_example(with_exclusive_bounds(parts))))


def convert_entry(key: str, value: JsonValue) -> JsonValue:
    if key in LITERAL_KEYS:
        return value
    if key in NAME_MAPS and isinstance(value, Mapping):
        return {name: convert_part(each) for name, each in value.items()}
    return convert_part(value)


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
