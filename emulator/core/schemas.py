"""The documents' shapes: the package's JSON Schemas, compiled on first use, and what is wrong in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from referencing import Registry

Schema: TypeAlias = Mapping[str, Any]

FOLDERS = ("guide", "reference", "requests", "own")


class UnknownSchemaError(ValueError):
    """Raised for a name that no schema file bears; tells the names that some file does."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no schema {name!r}; known are {', '.join(schema_names())}.")


def schema_names() -> list[str]:
    return sorted(_schemas())


def load_schema(name: str) -> Schema:
    """Return the schema as its file has it; it refers to others by their file names."""
    try:
        return _schemas()[name]
    except KeyError:
        raise UnknownSchemaError(name) from None


def find_problem(name: str, document: object) -> str | None:
    """Say the worst that is wrong, in one line, or None if the document fits."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415  (jsonschema takes long to import)

    error = best_match(_validator(name).iter_errors(document))
    return str(next(split_error(error))) if error else None


def find_problems(name: str, document: object) -> Iterator[Problem]:
    """Yield everything that is wrong, each place once."""
    errors = _validator(name).iter_errors(document)
    yield from dict.fromkeys(each for error in errors for each in split_error(error))


@cache
def _schemas() -> Mapping[str, Schema]:
    folders = (files("emulator") / "schemas" / folder for folder in FOLDERS)
    found = (file for folder in folders for file in folder.iterdir() if file.name.endswith(".json"))
    return {file.name.removesuffix(".json"): json.loads(file.read_bytes()) for file in found}


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(load_schema(name), registry=_registry())


@cache
def _registry() -> Registry[Any]:
    from referencing import Registry  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resources = [(each["$id"], DRAFT202012.create_resource(each)) for each in _schemas().values()]
    found: Registry[Any] = Registry().with_resources(resources).crawl()
    return found


Rules: TypeAlias = Mapping[str, Any]

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


def split_error(error: ValidationError) -> Iterator[Problem]:
    """Yield the problems of an error. Of several alternatives, use the one that fits best."""
    for inner in _best_alternative(error):
        yield from split_error(inner) if inner is not error else _problems_at(error)


def _best_alternative(error: ValidationError) -> list[ValidationError]:
    """Return the errors of the alternative with the fewest errors, or the error itself if there is a tie."""
    by_alternative = groupby(error.context or (), key=lambda each: each.schema_path[0])
    alternatives = [errors for errors in (list(group) for _, group in by_alternative) if not _has_other_type(errors)]
    fewest = sorted(alternatives, key=len)[:2]
    tied = len(fewest) == 2 and len(fewest[0]) == len(fewest[1])
    return fewest[0] if fewest and not tied else [error]


def _has_other_type(errors: list[ValidationError]) -> bool:
    return any(error.validator == "type" and not error.path for error in errors)


def _problems_at(error: ValidationError) -> Iterator[Problem]:
    """Yield one problem per missing or unknown key, otherwise one problem for the value."""
    path, keyword = tuple(error.absolute_path), str(error.validator)
    rules: Rules = error.schema if isinstance(error.schema, Mapping) else {}
    for key, seen, wanted in KEY_PROBLEMS.get(keyword, _wrong_value)(rules, error.instance, keyword):
        yield Problem((*path, *key), keyword, seen, wanted)


ErrorDetails: TypeAlias = Iterator[tuple[tuple[str, ...], str, str]]
"""For each problem: the key below the path if there is one, what was seen, and what is wanted."""


def _missing(rules: Rules, instance: Any, _keyword: str) -> ErrorDetails:
    known = rules.get("properties", {})
    for key in (key for key in rules["required"] if key not in instance):
        yield (key,), "is missing", f"must be {_wanted(known[key])}" if key in known else ""


def _unknown(rules: Rules, instance: Any, _keyword: str) -> ErrorDetails:
    known = rules.get("properties", {})
    for key in (key for key in instance if key not in known):
        yield (key,), "is unknown", f"known keys: {', '.join(known)}"


def _wrong_value(rules: Rules, instance: Any, keyword: str) -> ErrorDetails:
    wanted = EXPECTATIONS[keyword](rules) if keyword in EXPECTATIONS else f"valid for {keyword} {rules[keyword]}"
    yield (), f"is {_excerpt(instance)}", f"must be {wanted}"


def _excerpt(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= EXCERPT_LENGTH else f"{text[:EXCERPT_LENGTH]}…"


def _wanted(rules: Rules) -> str:
    """Describe the rules by the first keyword of `WANTED` that they have."""
    return next((describe(rules) for keyword, describe in EXPECTATIONS.items() if keyword in rules), "present")


def _format(rules: Rules) -> str:
    example = "".join(f", such as {each}" for each in rules.get("examples", [])[:1])
    return f"{rules.get('title', 'text that matches ' + rules['pattern'])}{example}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _types(rules: Rules) -> str:
    types = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
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

KEY_PROBLEMS: dict[str, Callable[[Rules, Any, str], ErrorDetails]] = {
    "required": _missing,
    "additionalProperties": _unknown,
}

EXPECTATIONS: dict[str, Callable[[Rules], str]] = {
    "const": lambda rules: json.dumps(rules["const"]),
    "enum": lambda rules: "one of " + ", ".join(map(json.dumps, rules["enum"])),
    "anyOf": lambda rules: " or ".join(map(_wanted, rules["anyOf"])),
    "oneOf": lambda rules: "exactly one of: " + "; ".join(map(_wanted, rules["oneOf"])),
    "pattern": _format,
    "type": _types,
    "$ref": lambda rules: f"valid against {rules['$ref']}",
    "required": lambda rules: "an object with " + ", ".join(rules["required"]),
    "minimum": lambda rules: f"at least {rules['minimum']}",
    "exclusiveMinimum": lambda rules: f"greater than {rules['exclusiveMinimum']}",
    "minLength": lambda rules: f"at least {_count(rules['minLength'], 'character')} long",
    "minItems": lambda rules: f"an array of at least {_count(rules['minItems'], 'item')}",
    "maximum": lambda rules: f"at most {rules['maximum']}",
    "exclusiveMaximum": lambda rules: f"less than {rules['exclusiveMaximum']}",
    "maxLength": lambda rules: f"at most {_count(rules['maxLength'], 'character')} long",
    "maxItems": lambda rules: f"an array of at most {_count(rules['maxItems'], 'item')}",
    "minProperties": lambda rules: f"an object with at least {_count(rules['minProperties'], 'key')}",
    "maxProperties": lambda rules: f"an object with at most {_count(rules['maxProperties'], 'key')}",
    "not": lambda rules: f"not {_wanted(rules['not'])}",
    "uniqueItems": lambda _rules: "an array without duplicates",
}
