"""Finds ids that a target has, so that checks can ask for real records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from emulator.contract.answers import asked
from emulator.contract.findings import NotVerified
from emulator.contract.target import Target
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
    """Give the rows of a page that the check only needs, not judges."""
    found: list[Row] = page(target, path, **params)["results"]
    return found


def page(target: Target, path: str, **params: object) -> Row:
    """Give a page that the check only needs; `NotVerified` if it is none."""
    answer = target.get(path, **params)
    try:
        found = answer.json() if answer.status_code == 200 else None
    except ValueError:
        found = None
    results = found.get("results") if isinstance(found, dict) else None
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise NotVerified(f"{asked(answer)} answers {answer.status_code} without rows, so no ids are known")
    return dict(found or {})


def first(target: Target, path: str, suits: Callable[[Row], bool], reason: str) -> Row:
    """Give the first row of a list that suits, from its newest pages; `NotVerified` with the reason if none does."""
    for number in range(1, PAGES + 1):
        found = page(target, path, limit=CANDIDATES, page=number)
        for row in found["results"]:
            if suits(row):
                return dict(row)
        if not found.get("next"):
            break
    raise NotVerified(reason)


def owner_path(route: Route) -> str:
    """Give the path of the list that the route's first id is looked up in."""
    return route.path.partition("<")[0]
