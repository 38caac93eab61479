"""The inventory: every name that each dimension can have, read from the tables that the emulator runs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES, Route
from emulator.core.credentials import CREDENTIALS
from emulator.core.errors import did_you_mean
from emulator.core.event_types import EVENT_TYPES
from emulator.coverage.counts import CoverageError, Graph, command_transitions
from emulator.domain.state_graph import STATE_GRAPHS
from emulator.state.journal import DIMENSIONS

ANY_OPERATION = "*"
"""A name for any operation."""
SHARED_STATUSES = (401, 403, 429)
"""Statuses that every operation can answer to a correct client. One hit at any operation is enough.

Statuses of incorrect clients (301, 405, 406, 415) and of faults (500) are counted but not required."""
INVALID_CALLERS = {"Token": ("none", "invalid"), "Bearer": ("none", "invalid", "expired")}
"""Scheme -> the credentials that belong to no role."""
SUBJECTS = {"packages": "package", "transfers": "transfer_order"}
"""Graph -> the kind of record, as events name it."""


def inventory(graphs: Iterable[Graph], operations: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return the names of each dimension that the operations matching the patterns can hit."""
    routes = select_routes(operations)
    parts = [part for part in STATE_GRAPHS if any(route.state_graph == part for route in routes)]
    transitions = unique(
        each["name"] for graph in graphs for part in parts for each in command_transitions(graph, part)
    )
    return {
        "operations": unique(route.operation for route in routes),
        "statuses": unique(statuses(routes)),
        "transitions": transitions,
        "refusals": transitions,
        "filters": unique(name for route in routes for name in filters_of(route)),
        "events": tuple(events(parts, all_types=len(routes) == len(ROUTES))),
        "credentials": tuple(credentials(routes)),
    }


def select_routes(patterns: Sequence[str]) -> list[Route]:
    """Return the routes whose operation matches a pattern (`list_*`) and no excluding pattern (`!reference_*`).

    Raise `CoverageError` if a pattern matches no operation, or if no route is left.
    """
    for pattern in patterns:
        if not any(fnmatchcase(route.operation, pattern.removeprefix("!")) for route in ROUTES):
            raise CoverageError(f"no operation matches {pattern!r}; `oms-emulator routes` lists them")
    included = [pattern for pattern in patterns if not pattern.startswith("!")] or [ANY_OPERATION]
    excluded = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    routes = [route for route in ROUTES if matches(route, included) and not matches(route, excluded)]
    if not routes:
        raise CoverageError(f"{', '.join(patterns)} leaves no operation; `oms-emulator routes` lists them")
    return routes


def matches(route: Route, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(route.operation, pattern) for pattern in patterns)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def statuses(routes: Sequence[Route]) -> Iterator[str]:
    for route in routes:
        yield from (f"{route.operation} {status}" for status in sorted(route.responses))
    if any(route.auth_scheme is not None for route in routes):
        yield from (f"{ANY_OPERATION} {status}" for status in SHARED_STATUSES)


def filters_of(route: Route) -> Iterator[str]:
    """Yield the filters of a list and its sort parameter. Lists that share a filter set share these names."""
    if route.filter_set is None:
        return
    table = FILTER_SETS[route.filter_set]
    yield from (f"{route.filter_set}.{row.name}" for row in table.filters)
    if table.sortable:
        yield f"{route.filter_set}.sort"


def events(parts: Iterable[str], *, all_types: bool) -> Iterator[str]:
    """Yield the event types about the records of these graphs, or all event types."""
    subjects = {SUBJECTS[part] for part in parts}
    return (event.name for event in EVENT_TYPES if all_types or subjects & {*event.subjects})


def credentials(routes: Sequence[Route]) -> Iterator[str]:
    for scheme, invalid in INVALID_CALLERS.items():
        if any(route.auth_scheme == scheme for route in routes):
            yield from (f"{scheme} {caller}" for caller in (*CREDENTIALS, *invalid))


def select_dimensions(names: Sequence[str]) -> list[str]:
    """Return the dimensions of these names, or all dimensions. Raise `CoverageError` for an unknown name."""
    for name in names:
        if name not in DIMENSIONS:
            meant = did_you_mean(name, DIMENSIONS)
            raise CoverageError(f"unknown dimension {name!r}; known: {', '.join(DIMENSIONS)}{meant}")
    return [name for name in DIMENSIONS if not names or name in names]
