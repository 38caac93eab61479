"""Assertions about single responses: status, JSON, schema, order of keys, headers and error texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from emulator.api.routes import Route
from emulator.contract.findings import Drift, Finding, Kind
from emulator.contract.target import NoResponse, NotVerified, Target
from emulator.core import schemas
from emulator.core.schemas import json_pointer

KIND_OF_KEYWORD: Mapping[str, Kind] = {"additionalProperties": Kind.UNDOCUMENTED, "required": Kind.MISSING}
"""Keyword of a JSON Schema -> the kind of drift. All other keywords are about types."""

Path = tuple[str | int, ...]
Rules = Mapping[str, Any]


def finding(  # noqa: PLR0913 - the fields of a finding
    route: Route,
    response: requests.Response,
    kind: Kind,
    seen: str,
    expected: str = "",
    where: str = "",
    source: str = "",
) -> Finding:
    return Finding(kind, route.operation, where, seen, expected, source or route.doc, request_line(response))


def request_line(response: requests.Response) -> str:
    """Return the request of this response as `GET /path?query`."""
    url = urlsplit(str(response.request.url))
    return f"{response.request.method} {url.path}" + (f"?{url.query}" if url.query else "")


def expect_status(route: Route, response: requests.Response, *statuses: int) -> requests.Response:
    """Return the response if it has one of these statuses. Raise `Drift` otherwise."""
    if response.status_code in statuses:
        return response
    expected = f"must be {' or '.join(map(str, statuses))}"
    raise Drift(finding(route, response, Kind.STATUS, f"status is {response.status_code}", expected))


def parse_json(route: Route, response: requests.Response) -> Any:
    """Return the parsed body. Raise `Drift` if it is not JSON."""
    try:
        return response.json()
    except ValueError:
        seen = f"the body is {response.text[:60]!r}"
        raise Drift(finding(route, response, Kind.TYPE, seen, "must be JSON")) from None


def check_schema(route: Route, response: requests.Response, schema: str) -> Iterator[Finding]:
    """Yield the places where the body violates its schema."""
    return schema_findings(route, response, schema, parse_json(route, response))


def schema_findings(route: Route, response: requests.Response, schema: str, document: Any) -> Iterator[Finding]:
    source = f"{schema}.json ({route.doc})"
    for problem in schemas.find_problems(schema, document):
        kind = KIND_OF_KEYWORD.get(problem.keyword, Kind.TYPE)
        yield finding(route, response, kind, problem.actual, problem.expected, json_pointer(problem.path), source)


def check_key_order(route: Route, response: requests.Response, schema: str) -> Iterator[Finding]:
    """Yield the objects whose keys are not in the documented order."""
    source = f"{schema}.json ({route.doc})"
    for path, keys, expected in misordered_objects(schema, parse_json(route, response)):
        seen, must = f"keys come in the order {', '.join(keys)}", f"must be {', '.join(expected)}"
        yield finding(route, response, Kind.ORDER, seen, must, json_pointer(path), source)


def check_header(route: Route, response: requests.Response, name: str, expected: str) -> Iterator[Finding]:
    """Yield a finding unless the header has the value, alone or in a list. `image/` matches all images."""
    value = response.headers.get(name)
    items = [] if value is None else [item.strip() for item in value.replace(";", ",").split(",")]
    prefix = expected if expected.endswith("/") else f"{expected} "
    if not any(item == expected or item.startswith(prefix) for item in items):
        seen = "is missing" if value is None else f"is {value!r}"
        yield finding(route, response, Kind.HEADER, f"{name} {seen}", f"must have {expected!r}")


def check_detail(route: Route, response: requests.Response, expected: str) -> Iterator[Finding]:
    """Yield findings unless the body is `{"detail": ...}` with a text that starts as expected."""
    problems = list(check_schema(route, response, "error"))
    yield from problems
    if not problems and not str(parse_json(route, response)["detail"]).startswith(expected):
        seen = f"the body is {response.text[:80]!r}"
        yield finding(route, response, Kind.VALUE, seen, f"must say {expected!r}", "/detail")


class Misordered(NamedTuple):
    """An object, its documented keys, and their expected order."""

    path: Path
    keys: list[str]
    expected: list[str]


def misordered_objects(schema: str, document: object) -> Iterator[Misordered]:
    """Yield the objects at any depth whose documented keys are in another order. Undocumented keys are ignored."""
    yield from _walk(schemas.load_schema(schema), document, ())


def _walk(rules: Rules, value: Any, path: Path) -> Iterator[Misordered]:
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


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    yield from value.items() if isinstance(value, dict) else enumerate(value)


def _compare(path: Path, keys: list[str], expected: list[str]) -> Iterator[Misordered]:
    documented = [key for key in keys if key in expected]
    if documented != expected:
        yield Misordered(path, documented, expected)


def _walk_stored(value: Any, path: Path) -> Iterator[Misordered]:
    # The service stores payloads in PostgreSQL's `jsonb`, which sorts keys by length and then alphabetically.
    if isinstance(value, dict):
        yield from _compare(path, list(value), sorted(value, key=lambda key: (len(key.encode()), key.encode())))
    for step, inner in _items(value):
        if isinstance(inner, dict | list):
            yield from _walk_stored(inner, (*path, step))


def _rules_of(rules: Rules, step: str | int) -> Rules:
    if isinstance(step, int):
        return _mapping(rules.get("items"))
    return _mapping(rules.get("properties", {}).get(step) or rules.get("additionalProperties"))


def _mapping(rules: Any) -> Rules:
    return rules if isinstance(rules, Mapping) else {}


def _resolve(rules: Rules, value: object) -> Rules:
    """Follow references and alternatives to the rules that describe the value."""
    if "anyOf" in rules and "properties" not in rules:
        names = [each["$ref"].removesuffix(".json") for each in rules["anyOf"] if "$ref" in each]
        valid = [name for name in names if len(names) == 1 or schemas.find_problem(name, value) is None]
        return schemas.load_schema((valid or names)[0]) if names else {}
    reference = str(rules.get("$ref", ""))
    return schemas.load_schema(reference.removesuffix(".json")) if reference.endswith(".json") else rules


UNKNOWN_ID = 2_000_000_000
"""An id that no record has. It is near the maximum of the column."""
PLACEHOLDER = re.compile(r"<\w+>")
CANDIDATES = 20
MAX_PAGES = 10
SAMPLE_SIZE = 5
NO_COMMANDS = "no record of the newest pages lists a command"

Row = dict[str, Any]


def sample_paths(target: Target, route: Route, size: int = SAMPLE_SIZE) -> list[str]:
    """Return some paths of the route with existing ids, with different states first."""
    if found := list(islice(expand_path(target, route.path), size)):
        return found
    raise NotVerified(f"none of the {CANDIDATES} newest records has what {route.path} names")


def with_unknown_id(path: str) -> str:
    """Replace every placeholder by an id that no record has."""
    return PLACEHOLDER.sub(str(UNKNOWN_ID), path)


def expand_path(target: Target, template: str) -> Iterator[str]:
    """Yield the path with existing ids. The ids come from the list at the path before each placeholder."""
    head, mark, rest = template.partition("<")
    if not mark:
        yield template
        return
    tail = rest.partition(">")[2]
    for row in candidates(target, head):
        yield from expand_path(target, f"{head}{row['id']}{tail}")


def candidates(target: Target, path: str) -> Sequence[Row]:
    """Return rows of a list, with different states first. The result is cached."""
    if path not in target.cache:
        found = different_states_first(rows(target, path, limit=CANDIDATES))
        target.cache[path] = [{"id": row["id"]} for row in found]
    cached: Sequence[Row] = target.cache[path]
    return cached


def different_states_first(found: Sequence[Row]) -> list[Row]:
    """Move the first row of each state to the start."""
    firsts = {str(row.get("state")): row for row in reversed(found)}
    return [*firsts.values(), *(row for row in found if firsts[str(row.get("state"))] is not row)]


def rows(target: Target, path: str, **params: object) -> list[Row]:
    """Return the rows of a page. Raise `NotVerified` if one has no id."""
    found: list[Row] = fetch_page(target, path, **params)["results"]
    if not all(type(row.get("id")) is int for row in found):
        raise NotVerified(f"rows at {path} have no ids")
    return found


def fetch(target: Target, path: str, **params: object) -> tuple[requests.Response, Row]:
    """Return a response and its JSON object. Raise `NotVerified` if the status is not 200 or there is no object."""
    try:
        response = target.get(path, **params)
    except NoResponse as error:
        raise NotVerified(f"GET {path} is not answered: {error}") from None
    if response.status_code != 200:
        raise NotVerified(f"{request_line(response)} answers {response.status_code}, and the check needs it")
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise NotVerified(f"{request_line(response)} does not answer with an object")
    return response, document


def fetch_page(target: Target, path: str, **params: object) -> Row:
    """Return a page of a list. Raise `NotVerified` if it has no rows."""
    response, document = fetch(target, path, **params)
    results = document.get("results")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise NotVerified(f"{request_line(response)} answers without rows, so no ids are known")
    return document


def first_row(target: Target, path: str, predicate: Callable[[Row], bool], reason: str) -> Row:
    """Return the first matching row of a list's newest pages. Raise `NotVerified` with the reason if none matches."""
    return next(matching_rows(target, path, predicate, reason))


def matching_rows(target: Target, path: str, predicate: Callable[[Row], bool], reason: str) -> Iterator[Row]:
    """Yield the matching rows of a list's newest pages. Raise `NotVerified` with the reason after the last one."""
    for number in range(1, MAX_PAGES + 1):
        page = fetch_page(target, path, limit=CANDIDATES, page=number)
        yield from (dict(row) for row in page["results"] if matches(row, predicate))
        if not page.get("next"):
            break
    raise NotVerified(reason)


def matches(row: Row, predicate: Callable[[Row], bool]) -> bool:
    """Return whether the row matches. A row without the keys that the predicate reads does not match."""
    try:
        return "id" in row and predicate(row)
    except (LookupError, TypeError, AttributeError):
        return False


def list_path(route: Route) -> str:
    """Return the path of the list that contains the route's first id."""
    return route.path.partition("<")[0]


def record_path(path: str) -> str:
    """Return the path of the record that a path is below."""
    return path.removesuffix("/").rpartition("/")[0] + "/"
