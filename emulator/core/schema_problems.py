"""What an error of a JSON Schema means: where it is, what is wrong there, and what would be right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Rules: TypeAlias = Mapping[str, Any]

LONGEST_SHOWN = 60


class Problem(NamedTuple):
    """What is wrong, and where: a missing or unknown key is itself the end of the path."""

    path: tuple[str | int, ...]
    keyword: str
    seen: str
    wanted: str = ""

    @property
    def message(self) -> str:
        return f"{self.seen}, {self.wanted}" if self.wanted else self.seen

    def __str__(self) -> str:
        return f"{pointer(self.path) or 'the document'}: {self.message}"


def pointer(path: tuple[str | int, ...]) -> str:
    """Write the path as a JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def problems_of(error: ValidationError) -> Iterator[Problem]:
    """Yield the error's problems: those of the alternative that comes nearest, if one does."""
    for inner in _nearest(error):
        yield from problems_of(inner) if inner is not error else _at_each_place(error)


def _nearest(error: ValidationError) -> list[ValidationError]:
    """Find the errors of the one alternative that the document failed least, else the error itself."""
    by_alternative = groupby(error.context or (), key=lambda each: each.schema_path[0])
    meant = [errors for errors in (list(group) for _, group in by_alternative) if not _of_other_type(errors)]
    fewest = sorted(meant, key=len)[:2]
    tied = len(fewest) == 2 and len(fewest[0]) == len(fewest[1])
    return fewest[0] if fewest and not tied else [error]


def _of_other_type(errors: list[ValidationError]) -> bool:
    return any(error.validator == "type" and not error.path for error in errors)


def _at_each_place(error: ValidationError) -> Iterator[Problem]:
    """Yield one problem per missing or unknown key, else one where the error was found."""
    path, keyword = tuple(error.absolute_path), str(error.validator)
    rules: Rules = error.schema if isinstance(error.schema, Mapping) else {}
    for key, seen, wanted in PLACES.get(keyword, _at_itself)(rules, error.instance, keyword):
        yield Problem((*path, *key), keyword, seen, wanted)


Places: TypeAlias = Iterator[tuple[tuple[str, ...], str, str]]


def _missing(rules: Rules, instance: Any, _keyword: str) -> Places:
    known = rules.get("properties", {})
    for key in (key for key in rules["required"] if key not in instance):
        yield (key,), "is missing", f"must be {_wanted(known[key])}" if key in known else ""


def _unknown(rules: Rules, instance: Any, _keyword: str) -> Places:
    known = rules.get("properties", {})
    for key in (key for key in instance if key not in known):
        yield (key,), "is unknown", f"known are {', '.join(known)}"


def _at_itself(rules: Rules, instance: Any, keyword: str) -> Places:
    wanted = WANTED[keyword](rules) if keyword in WANTED else f"{keyword} {rules[keyword]}"
    yield (), f"is {_shown(instance)}", f"must be {wanted}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _wanted(rules: Rules) -> str:
    """Say what the rules ask for, by the keyword that says most."""
    return next((say(rules) for keyword, say in WANTED.items() if keyword in rules), "there")


def _format(rules: Rules) -> str:
    example = "".join(f", such as {each}" for each in rules.get("examples", [])[:1])
    return f"{rules.get('title', 'text that matches ' + rules['pattern'])}{example}"


def _kinds(rules: Rules) -> str:
    kinds = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
    return " or ".join(KINDS[kind] for kind in kinds)


KINDS = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

PLACES: dict[str, Callable[[Rules, Any, str], Places]] = {
    "required": _missing,
    "additionalProperties": _unknown,
}

WANTED: dict[str, Callable[[Rules], str]] = {
    "const": lambda rules: json.dumps(rules["const"]),
    "enum": lambda rules: "one of " + ", ".join(map(json.dumps, rules["enum"])),
    "anyOf": lambda rules: " or ".join(map(_wanted, rules["anyOf"])),
    "pattern": _format,
    "type": _kinds,
    "$ref": lambda rules: f"as in {rules['$ref']}",
    "required": lambda rules: "an object with " + ", ".join(rules["required"]),
    "minimum": lambda rules: f"at least {rules['minimum']}",
    "minLength": lambda rules: f"at least {rules['minLength']} character(s) long",
    "minItems": lambda rules: f"an array of at least {rules['minItems']}",
    "maximum": lambda rules: f"at most {rules['maximum']}",
    "maxLength": lambda rules: f"at most {rules['maxLength']} character(s) long",
    "maxItems": lambda rules: f"an array of at most {rules['maxItems']}",
    "minProperties": lambda rules: f"an object with at least {rules['minProperties']} key(s)",
}
