"""What can be met: every name of every dimension, from the tables that the emulator itself runs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from emulator.core.coverage import DIMENSIONS
from emulator.core.credentials import CREDENTIALS
from emulator.core.events import EVENT_TYPES
from emulator.coverage.counts import CoverageProblem
from emulator.coverage.graphs import Graph, commanded
from emulator.routes import ROUTES, Route
from emulator.rules.filters import FILTER_SETS
from emulator.rules.graph import KINDS

ANY = "*"
"""Stands for whichever operation."""
EVERYWHERE = (401, 403, 429)
"""Statuses that any operation may answer to a client that speaks the protocol properly: met once is enough. What only
a wrong client meets (301, 405, 406, 415) or only a fault makes (500) is counted, and not asked for."""
NO_ROLE = {"Token": ("none", "invalid"), "Bearer": ("none", "invalid", "expired")}
"""What callers bear that speaks for no role."""
SUBJECTS = {"packages": "package", "transfers": "transfer_order"}
"""Graph -> the kind of record that events call it."""


def universe(graphs: Iterable[Graph], operations: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """Give the names of each dimension, as far as the operations that the patterns choose can meet them."""
    routes = chosen(operations)
    parts = [part for part in KINDS if any(route.graph == part for route in routes)]
    return {
        "operations": once(route.operation for route in routes),
        "statuses": once(statuses(routes)),
        "transitions": (taken := once(name for graph in graphs for part in parts for name in names_in(graph, part))),
        "refusals": taken,
        "filters": once(name for route in routes for name in filters_of(route)),
        "events": tuple(events(parts, whole=len(routes) == len(ROUTES))),
        "credentials": tuple(credentials(routes)),
    }


def chosen(patterns: Sequence[str]) -> list[Route]:
    """Give the operations whose names fit one of the patterns (`list_*`) and none of those that leave out
    (`!reference_*`). `CoverageProblem` for a pattern that fits none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(route.operation, pattern.removeprefix("!")) for route in ROUTES):
            raise CoverageProblem(f"no operation is named like {pattern!r}; `oms-emulator routes` lists them")
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or [ANY]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    found = [route for route in ROUTES if fits(route, wanted) and not fits(route, unwanted)]
    if not found:
        raise CoverageProblem(f"{', '.join(patterns)} leaves no operation; `oms-emulator routes` lists them")
    return found


def fits(route: Route, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(route.operation, pattern) for pattern in patterns)


def once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def statuses(routes: Sequence[Route]) -> Iterable[str]:
    for route in routes:
        yield from (f"{route.operation} {status}" for status in sorted(route.replies))
    if any(route.scheme is not None for route in routes):
        yield from (f"{ANY} {status}" for status in EVERYWHERE)


def names_in(graph: Graph, part: str) -> Iterable[str]:
    return (each["name"] for each in commanded(graph, part))


def filters_of(route: Route) -> Iterable[str]:
    """Give the filters of a list, and its order, by the name that lists with the same filters share."""
    if route.filters is None:
        return
    table = FILTER_SETS[route.filters]
    yield from (f"{route.filters}.{one.name}" for one in table.filters)
    if table.sortable:
        yield f"{route.filters}.sort"


def events(parts: Iterable[str], *, whole: bool) -> Iterable[str]:
    """Give the types of events that tell of what the chosen operations move; all types, if all are chosen."""
    subjects = {SUBJECTS[part] for part in parts}
    return (each.name for each in EVENT_TYPES if whole or subjects & {*each.subjects})


def credentials(routes: Sequence[Route]) -> Iterable[str]:
    for scheme, others in NO_ROLE.items():
        if any(route.scheme == scheme for route in routes):
            yield from (f"{scheme} {caller}" for caller in (*CREDENTIALS, *others))


def dimensions_named(names: Sequence[str]) -> list[str]:
    """Give the dimensions of these names, or all; `CoverageProblem` names the known ones."""
    for name in names:
        if name not in DIMENSIONS:
            raise CoverageProblem(f"unknown dimension {name!r}; known: {', '.join(DIMENSIONS)}")
    return [name for name in DIMENSIONS if not names or name in names]
