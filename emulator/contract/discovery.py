"""Finds ids that a target has, so that checks can ask for real records.

What is asked here is only needed, not judged: where it is not as it should be, the check that judges it says so, and
the one that needs it is not verified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import requests

from emulator.contract.answers import asked
from emulator.contract.findings import NotVerified
from emulator.contract.target import NoAnswer, Target
from emulator.routes import Route

UNKNOWN = 2_000_000_000
"""An id that no record has: near the end of what the column holds."""
MARK = re.compile(r"<\w+>")
CANDIDATES = 20
PAGES = 10
NO_COMMANDS = "no record of the newest pages lists a command"
SAMPLE = 5

Row = dict[str, Any]


def sample(target: Target, route: Route, size: int = SAMPLE) -> list[str]:
    """Give some paths of the route with ids that exist, of different states first."""
    if found := list(islice(paths(target, route.path), size)):
        return found
    raise NotVerified(f"none of the {CANDIDATES} newest records has what {route.path} names")


def unknown(path: str) -> str:
    """Put an id that no record has in the place of every id."""
    return MARK.sub(str(UNKNOWN), path)


def paths(target: Target, template: str) -> Iterator[str]:
    """Yield the template with ids: each is looked up in the list at the path before it."""
    head, mark, rest = template.partition("<")
    if not mark:
        yield template
        return
    tail = rest.partition(">")[2]
    for row in candidates(target, head):
        yield from paths(target, f"{head}{row['id']}{tail}")


def candidates(target: Target, path: str) -> Sequence[Row]:
    """Give rows of a list, those of different states first; what was found once is kept."""
    if path not in target.known:
        target.known[path] = [{"id": row["id"]} for row in mixed(rows(target, path, limit=CANDIDATES))]
    found: Sequence[Row] = target.known[path]
    return found


def mixed(found: Sequence[Row]) -> list[Row]:
    """Put the first row of each state before all others."""
    firsts = {str(row.get("state")): row for row in reversed(found)}
    return [*firsts.values(), *(row for row in found if firsts[str(row.get("state"))] is not row)]


def rows(target: Target, path: str, **params: object) -> list[Row]:
    """Give the rows of a page, each of which has an id; `NotVerified` otherwise."""
    found: list[Row] = page(target, path, **params)["results"]
    if not all(type(row.get("id")) is int for row in found):
        raise NotVerified(f"rows at {path} have no ids")
    return found


def needed(target: Target, path: str, **params: object) -> requests.Response:
    """Ask for what the check needs; `NotVerified` if no 200 comes."""
    try:
        answer = target.get(path, **params)
    except NoAnswer as silence:
        raise NotVerified(f"GET {path} is not answered: {silence}") from None
    if answer.status_code != 200:
        raise NotVerified(f"{asked(answer)} answers {answer.status_code}, and the check needs it")
    return answer


def record(target: Target, path: str) -> tuple[requests.Response, Row]:
    """Give a document that the check needs, with its answer; `NotVerified` if it is none."""
    answer = needed(target, path)
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotVerified(f"{asked(answer)} answers with no document")
    return answer, found


def page(target: Target, path: str, **params: object) -> Row:
    """Give a page that the check only needs; `NotVerified` if it is none."""
    answer = needed(target, path, **params)
    try:
        found = answer.json()
    except ValueError:
        found = None
    results = found.get("results") if isinstance(found, dict) else None
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise NotVerified(f"{asked(answer)} answers without rows, so no ids are known")
    return dict(found or {})


def first(target: Target, path: str, suits: Callable[[Row], bool], reason: str) -> Row:
    """Give the first row of a list that suits, from its newest pages; `NotVerified` with the reason if none does."""
    return next(suiting(target, path, suits, reason))


def suiting(target: Target, path: str, suits: Callable[[Row], bool], reason: str) -> Iterator[Row]:
    """Yield the rows that suit, from the newest pages; `NotVerified` with the reason when no more do."""
    for number in range(1, PAGES + 1):
        found = page(target, path, limit=CANDIDATES, page=number)
        yield from (dict(row) for row in found["results"] if fits(row, suits))
        if not found.get("next"):
            break
    raise NotVerified(reason)


def fits(row: Row, suits: Callable[[Row], bool]) -> bool:
    """Whether the row suits; one that lacks what is looked at does not."""
    try:
        return "id" in row and suits(row)
    except (LookupError, TypeError, AttributeError):
        return False


def owner_path(route: Route) -> str:
    """Give the path of the list that the route's first id is looked up in."""
    return route.path.partition("<")[0]
