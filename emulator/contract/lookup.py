"""Lookup of records on the target, so that checks can request real ids.

The responses to these requests are not checked here. If one is wrong, the check of that operation reports it, and the
check that needed it is not verified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import requests

from emulator.contract.assertions import request_line
from emulator.contract.target import NoResponse, NotVerified, Target
from emulator.routes import Route

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
