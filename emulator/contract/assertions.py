"""Assertions about single responses: status, JSON, schema, order of keys, headers and error texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self, TypeAlias

import requests

from emulator.api.routes import Route
from emulator.contract.findings import Drift, Finding, Kind
from emulator.contract.target import Target, request_line
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import find_problem, find_problems, json_pointer, load_schema

KIND_OF_KEYWORD: Mapping[str, Kind] = {"additionalProperties": Kind.UNDOCUMENTED, "required": Kind.MISSING}
"""Keyword of a JSON Schema -> the kind of drift. All other keywords are about types."""

Path: TypeAlias = tuple[str | int, ...]
Rules: TypeAlias = Mapping[str, JsonValue]
"""A JSON Schema, or a part of one."""


class CheckedResponse(NamedTuple):
    """A response of the target, and the route that documents it."""

    route: Route
    response: requests.Response

    def finding(self, kind: Kind, seen: str, expected: str, where: str = "", source: str = "") -> Finding:
        """Return a finding about this response. `where` is a JSON pointer into its body."""
        request = request_line(self.response)
        return Finding(kind, self.route.operation, where, seen, expected, source or self.route.doc, request)

    def expect_status(self, *statuses: int) -> Self:
        """Return the response if it has one of these statuses. Raise `Drift` otherwise."""
        if self.response.status_code in statuses:
            return self
        expected = f"must be {' or '.join(map(str, statuses))}"
        raise Drift(self.finding(Kind.STATUS, f"status is {self.response.status_code}", expected))

    def json(self) -> JsonValue:
        """Return the parsed body. Raise `Drift` if it is not JSON."""
        try:
            return self.response.json()
        except ValueError:
            seen = f"the body is {self.response.text[:60]!r}"
            raise Drift(self.finding(Kind.TYPE, seen, "must be JSON")) from None

    def check_schema(self, schema: str) -> Iterator[Finding]:
        """Yield the places where the body violates its schema."""
        return self.check_document(schema, self.json())

    def check_document(self, schema: str, document: JsonValue) -> Iterator[Finding]:
        """Yield the places where a document violates its schema."""
        source = f"{schema}.json ({self.route.doc})"
        for problem in find_problems(schema, document):
            kind = KIND_OF_KEYWORD.get(problem.keyword, Kind.TYPE)
            yield self.finding(kind, problem.actual, problem.expected, json_pointer(problem.path), source)

    def check_key_order(self, schema: str) -> Iterator[Finding]:
        """Yield the objects whose keys are not in the documented order."""
        source = f"{schema}.json ({self.route.doc})"
        for path, keys, expected in misordered_objects(schema, self.json()):
            seen, must = f"keys come in the order {', '.join(keys)}", f"must be {', '.join(expected)}"
            yield self.finding(Kind.ORDER, seen, must, json_pointer(path), source)

    def check_header(self, name: str, expected: str) -> Iterator[Finding]:
        """Yield a finding unless the header has the value, alone or in a list. `image/` matches all images."""
        value = self.response.headers.get(name)
        items = [] if value is None else [item.strip() for item in value.replace(";", ",").split(",")]
        prefix = expected if expected.endswith("/") else f"{expected} "
        if not any(item == expected or item.startswith(prefix) for item in items):
            seen = "is missing" if value is None else f"is {value!r}"
            yield self.finding(Kind.HEADER, f"{name} {seen}", f"must have {expected!r}")

    def check_detail(self, expected: str) -> Iterator[Finding]:
        """Yield findings unless the body is `{"detail": ...}` with a text that starts as expected."""
        problems = list(self.check_schema("error"))
        yield from problems
        if not problems and not str(self.json()["detail"]).startswith(expected):
            seen = f"the body is {self.response.text[:80]!r}"
            yield self.finding(Kind.VALUE, seen, f"must say {expected!r}", "/detail")


def get(target: Target, route: Route, path: str, *, status: int = 200, **params: JsonValue) -> CheckedResponse:
    """Send a GET request. Raise `Drift` if the response has another status."""
    return CheckedResponse(route, target.get(path, **params)).expect_status(status)


def send(target: Target, route: Route, path: str, body: JsonObject, *, status: int) -> CheckedResponse:
    """Send JSON with the route's method. Raise `Drift` if the response has another status."""
    return CheckedResponse(route, target.request(route.method, path, json=body)).expect_status(status)


# Order of keys


class Misordered(NamedTuple):
    """An object, its documented keys, and their expected order."""

    path: Path
    keys: list[str]
    expected: list[str]


def misordered_objects(schema: str, document: JsonValue) -> Iterator[Misordered]:
    """Yield the objects at any depth whose documented keys are in another order. Undocumented keys are ignored."""
    yield from _walk(load_schema(schema), document, ())


def _walk(rules: Rules, value: JsonValue, path: Path) -> Iterator[Misordered]:
    if not isinstance(value, dict | list):
        return
    rules = _resolve(rules, value)
    if "x-key-order" in rules:
        yield from _walk_stored(value, path)
        return
    if isinstance(value, dict):
        yield from _compare(path, list(value), [key for key in rules.get("properties", {}) if key in value])
    for step, inner in _items(value):
        yield from _walk(_rules_of(rules, step), inner, (*path, step))


def _items(value: JsonValue) -> Iterator[tuple[str | int, JsonValue]]:
    yield from value.items() if isinstance(value, dict) else enumerate(value)


def _compare(path: Path, keys: list[str], expected: list[str]) -> Iterator[Misordered]:
    documented = [key for key in keys if key in expected]
    if documented != expected:
        yield Misordered(path, documented, expected)


def _walk_stored(value: JsonValue, path: Path) -> Iterator[Misordered]:
    # The service stores payloads in PostgreSQL's `jsonb`, which sorts keys by length and then alphabetically.
    if isinstance(value, dict):
        yield from _compare(path, list(value), sorted(value, key=lambda key: (len(key.encode()), key.encode())))
    for step, inner in _items(value):
        if isinstance(inner, dict | list):
            yield from _walk_stored(inner, (*path, step))


def _rules_of(rules: Rules, step: str | int) -> Rules:
    if isinstance(step, int):
        inner = rules.get("items")
    else:
        inner = rules.get("properties", {}).get(step) or rules.get("additionalProperties")
    return inner if isinstance(inner, Mapping) else {}


def _resolve(rules: Rules, value: JsonValue) -> Rules:
    """Follow references and alternatives to the rules that describe the value."""
    if "anyOf" in rules and "properties" not in rules:
        names = [each["$ref"].removesuffix(".json") for each in rules["anyOf"] if "$ref" in each]
        valid = [name for name in names if len(names) == 1 or find_problem(name, value) is None]
        return load_schema((valid or names)[0]) if names else {}
    reference = str(rules.get("$ref", ""))
    return load_schema(reference.removesuffix(".json")) if reference.endswith(".json") else rules
