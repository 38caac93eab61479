"""The JSON Schemas of all documents, and one-line messages about the problems of a document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import orjson

from emulator.core.json_text import JsonValue

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema_rs import Registry as FastRegistry
    from referencing import Registry

Schema: TypeAlias = Mapping[str, JsonValue]

ROOT = Path(__file__).parent.parent / "schemas"
FOLDERS = ("guide", "reference", "requests", "own")


def schema_names() -> list[str]:
    return sorted(_schemas())


def load_schema(name: str) -> Schema:
    """Return the schema of a file. It refers to other schemas by their file names."""
    try:
        return _schemas()[name]
    except KeyError:
        raise ValueError(f"There is no schema {name!r}; known are {', '.join(schema_names())}.") from None


def is_valid(name: str, document: object) -> bool:
    """Return whether a document is valid. `jsonschema` decides what `jsonschema-rs` does not accept."""
    if (accepts := _fast_validator(name)) is not None:
        with suppress(ValueError):  # a lone surrogate
            if accepts(document):
                return True
    return _validator(name).is_valid(document)


def find_problem(name: str, document: object) -> str | None:
    """Return a message about the most relevant problem of a document, or None if it is valid."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator(name).iter_errors(document))
    return str(next(_split_error(error))) if error else None


def find_problems(name: str, document: object) -> Iterator[Problem]:
    """Yield all distinct problems of a document."""
    errors = _validator(name).iter_errors(document)
    yield from dict.fromkeys(each for error in errors for each in _split_error(error))


@cache
def _schemas() -> Mapping[str, Schema]:
    paths = (path for folder in FOLDERS for path in (ROOT / folder).glob("*.json"))
    return {path.stem: orjson.loads(path.read_bytes()) for path in paths}


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema(name), registry=_registry())


@cache
def _registry() -> Registry[bool | Schema]:
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    resources = [(each["$id"], DRAFT202012.create_resource(each)) for each in _schemas().values()]
    registry: Registry[bool | Schema] = Registry().with_resources(resources).crawl()
    return registry


@cache
def _fast_validator(name: str) -> Callable[[object], bool] | None:
    """Return the check of `jsonschema-rs` (extra `fast`), or None if it is not installed."""
    try:
        from jsonschema_rs import Draft202012Validator
    except ImportError:
        return None
    return Draft202012Validator({"$ref": load_schema(name)["$id"]}, registry=_fast_registry()).is_valid


@cache
def _fast_registry() -> FastRegistry:
    from jsonschema_rs import Registry

    return Registry([(each["$id"], dict(each)) for each in _schemas().values()])


EXCERPT_LENGTH = 60


class Problem(NamedTuple):
    """One problem of a document. For a missing or unknown key, the path ends with that key."""

    path: tuple[str | int, ...]
    keyword: str
    actual: str
    expected: str = ""

    @property
    def message(self) -> str:
        if self.keyword in KEY_PROBLEMS:
            return f"{self.actual}; {self.expected}" if self.expected else self.actual
        return f"{self.expected} (got {self.actual.removeprefix('is ')})"

    def __str__(self) -> str:
        return f"{json_pointer(self.path) or 'the document'}: {self.message}"


def json_pointer(path: tuple[str | int, ...]) -> str:
    """Return the path as a JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _split_error(error: ValidationError) -> Iterator[Problem]:
    """Yield the problems of an error. Of several alternatives, use the one with the fewest errors."""
    for inner in _best_alternative(error):
        yield from _split_error(inner) if inner is not error else _problems_at(error)


def _best_alternative(error: ValidationError) -> list[ValidationError]:
    """Return the errors of the alternative with the fewest errors, or the error itself if there is a tie."""
    by_alternative = groupby(error.context or (), key=lambda each: each.schema_path[0])
    groups = (list(group) for _, group in by_alternative)
    alternatives = [each for each in groups if not any(one.validator == "type" and not one.path for one in each)]
    fewest = sorted(alternatives, key=len)[:2]
    tied = len(fewest) == 2 and len(fewest[0]) == len(fewest[1])
    return fewest[0] if fewest and not tied else [error]


def _problems_at(error: ValidationError) -> Iterator[Problem]:
    """Yield one problem per missing or unknown key, otherwise one problem for the value."""
    path, keyword = tuple(error.absolute_path), str(error.validator)
    schema: Schema = error.schema if isinstance(error.schema, Mapping) else {}
    for key, actual, expected in KEY_PROBLEMS.get(keyword, _wrong_value)(schema, error.instance, keyword):
        yield Problem((*path, *key), keyword, actual, expected)


ErrorDetails: TypeAlias = Iterator[tuple[tuple[str, ...], str, str]]
"""For each problem: the key below the path if there is one, the actual value, and the expected one."""


def _missing(schema: Schema, instance: JsonValue, _keyword: str) -> ErrorDetails:
    known = schema.get("properties", {})
    for key in (key for key in schema["required"] if key not in instance):
        yield (key,), "is missing", f"must be {_expectation(known[key])}" if key in known else ""


def _unknown(schema: Schema, instance: JsonValue, _keyword: str) -> ErrorDetails:
    known = schema.get("properties", {})
    for key in (key for key in instance if key not in known):
        yield (key,), "is unknown", f"known keys: {', '.join(known)}"


def _wrong_value(schema: Schema, instance: JsonValue, keyword: str) -> ErrorDetails:
    expected = EXPECTATIONS[keyword](schema) if keyword in EXPECTATIONS else f"valid for {keyword} {schema[keyword]}"
    yield (), f"is {_excerpt(instance)}", f"must be {expected}"


def _excerpt(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= EXCERPT_LENGTH else f"{text[:EXCERPT_LENGTH]}…"


def _expectation(schema: Schema) -> str:
    """Describe a schema by its first keyword in `EXPECTATIONS`."""
    return next((describe(schema) for keyword, describe in EXPECTATIONS.items() if keyword in schema), "present")


def _format(schema: Schema) -> str:
    example = "".join(f", such as {each}" for each in schema.get("examples", [])[:1])
    return f"{schema.get('title', 'text that matches ' + schema['pattern'])}{example}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _types(schema: Schema) -> str:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(TYPES[each] for each in types)


TYPES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

KEY_PROBLEMS: dict[str, Callable[[Schema, JsonValue, str], ErrorDetails]] = {
    "required": _missing,
    "additionalProperties": _unknown,
}

EXPECTATIONS: dict[str, Callable[[Schema], str]] = {
    "const": lambda schema: json.dumps(schema["const"]),
    "enum": lambda schema: "one of " + ", ".join(map(json.dumps, schema["enum"])),
    "anyOf": lambda schema: " or ".join(map(_expectation, schema["anyOf"])),
    "oneOf": lambda schema: "exactly one of: " + "; ".join(map(_expectation, schema["oneOf"])),
    "pattern": _format,
    "type": _types,
    "$ref": lambda schema: f"valid against {schema['$ref']}",
    "required": lambda schema: "an object with " + ", ".join(schema["required"]),
    "minimum": lambda schema: f"at least {schema['minimum']}",
    "exclusiveMinimum": lambda schema: f"greater than {schema['exclusiveMinimum']}",
    "minLength": lambda schema: f"at least {_count(schema['minLength'], 'character')} long",
    "minItems": lambda schema: f"an array of at least {_count(schema['minItems'], 'item')}",
    "maximum": lambda schema: f"at most {schema['maximum']}",
    "exclusiveMaximum": lambda schema: f"less than {schema['exclusiveMaximum']}",
    "maxLength": lambda schema: f"at most {_count(schema['maxLength'], 'character')} long",
    "maxItems": lambda schema: f"an array of at most {_count(schema['maxItems'], 'item')}",
    "minProperties": lambda schema: f"an object with at least {_count(schema['minProperties'], 'key')}",
    "maxProperties": lambda schema: f"an object with at most {_count(schema['maxProperties'], 'key')}",
    "not": lambda schema: f"not {_expectation(schema['not'])}",
    "uniqueItems": lambda _rules: "an array without duplicates",
}


def is_nullable(schema: str, path: str) -> bool:
    """Return whether a schema allows null for the key at a path."""
    rules = [load_schema(schema)]
    for step in path.split("."):
        rules = [part["properties"][step] for part in parts_of(rules) if step in part.get("properties", {})]
    return any("null" in part.get("type", ()) for part in parts_of(rules))


def parts_of(rules: Iterable[Schema]) -> Iterator[Schema]:
    """Yield the schemas, their alternatives, the schemas that they refer to, and those of their items."""
    for rule in rules:
        yield rule
        file = str(rule.get("$ref", "")).partition("#")[0]
        nested = [load_schema(file.removesuffix(".json"))] if file and "#" not in rule["$ref"] else []
        yield from parts_of([*rule.get("anyOf", ()), *nested, *([rule["items"]] if "items" in rule else [])])
