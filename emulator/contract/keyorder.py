"""Whether the keys of a document stand in the order in which its schema lists them, at every depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.core import schemas

Path = tuple[str | int, ...]
Rules = Mapping[str, Any]


class Misplaced(NamedTuple):
    """An object, and its documented keys as found and as wanted."""

    path: Path
    found: list[str]
    wanted: list[str]


def misplaced(name: str, document: object) -> Iterator[Misplaced]:
    """Yield the objects whose documented keys stand in another order; undocumented keys do not count."""
    yield from _walk(schemas.schema(name), document, ())


def _walk(rules: Rules, value: Any, path: Path) -> Iterator[Misplaced]:
    if not isinstance(value, dict | list):
        return
    rules = _described(rules, value)
    if "x-key-order" in rules:
        yield from _stored(value, path)
        return
    if isinstance(value, dict):
        yield from _compared(path, list(value), [key for key in rules.get("properties", {}) if key in value])
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _walk(_rules_of(rules, step), inner, (*path, step))


def _compared(path: Path, keys: list[str], wanted: list[str]) -> Iterator[Misplaced]:
    found = [key for key in keys if key in wanted]
    if found != wanted:
        yield Misplaced(path, found, wanted)


def _stored(value: Any, path: Path) -> Iterator[Misplaced]:
    # The service keeps payloads in PostgreSQL's `jsonb`: by key length, then by alphabet.
    if isinstance(value, dict):
        yield from _compared(path, list(value), sorted(value, key=lambda key: (len(key.encode()), key.encode())))
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _stored(inner, (*path, step))


def _rules_of(rules: Rules, step: str | int) -> Rules:
    if isinstance(step, int):
        return _mapping(rules.get("items"))
    return _mapping(rules.get("properties", {}).get(step) or rules.get("additionalProperties"))


def _mapping(rules: Any) -> Rules:
    return rules if isinstance(rules, Mapping) else {}


def _described(rules: Rules, value: object) -> Rules:
    """Follow references and alternatives to the rules that describe the value."""
    if "anyOf" in rules and "properties" not in rules:
        names = [each["$ref"].removesuffix(".json") for each in rules["anyOf"] if "$ref" in each]
        fitting = [name for name in names if len(names) == 1 or schemas.problem(name, value) is None]
        return schemas.schema((fitting or names)[0]) if names else {}
    reference = str(rules.get("$ref", ""))
    return schemas.schema(reference.removesuffix(".json")) if reference.endswith(".json") else rules
