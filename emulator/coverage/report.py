"""Coverage reports: built from counts, and written as text, JSON, JUnit XML or HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from os import PathLike
from pathlib import Path
from textwrap import TextWrapper
from typing import NamedTuple

import orjson

from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES, Route
from emulator.core.credentials import CREDENTIALS
from emulator.core.errors import did_you_mean
from emulator.core.event_types import EVENT_TYPES
from emulator.core.files import fill_template
from emulator.core.json_text import JsonObject, escape_unprintable
from emulator.coverage.counts import (
    RUN_KEY,
    Counts,
    CoverageError,
    Graph,
    check_target,
    command_transitions,
    counts_of,
    counts_path,
    default_graph,
    write_text,
)
from emulator.domain.state_graph import GRAPH_SUBJECTS, STATE_GRAPHS
from emulator.state.journal import DIMENSIONS, Coverage

FORMATS = ("text", "json", "junit", "html")
SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".html": "html"}
"""Suffix of a file -> its format."""
ANY_OPERATION = "*"
"""A name for any operation."""
SHARED_STATUSES = (401, 403, 429)
"""Statuses that every operation can answer to a correct client. One hit at any operation is enough.

Statuses of incorrect clients (301, 405, 406, 415) and of faults (500) are counted but not required."""
INVALID_CALLERS = {"Token": ("none", "invalid"), "Bearer": ("none", "invalid", "expired")}
"""Scheme -> the credentials that belong to no role."""


class NameHits(NamedTuple):
    """A name and its number of hits."""

    name: str
    hits: int


@dataclass(frozen=True)
class Dimension:
    """One dimension. `rows` are the names that are required, `extra` are other names that were hit."""

    name: str
    rows: tuple[NameHits, ...]
    extra: tuple[NameHits, ...] = ()

    @property
    def title(self) -> str:
        return DIMENSIONS[self.name]

    @property
    def has_transitions(self) -> bool:
        """Whether the names are transitions. Text has one name per line, HTML has tables by source state."""
        return self.name in ("transitions", "refusals")

    @property
    def total(self) -> int:
        return len(self.rows)

    @property
    def missing(self) -> list[str]:
        return [row.name for row in self.rows if not row.hits]

    @property
    def covered(self) -> int:
        return self.total - len(self.missing)

    @property
    def percent(self) -> float:
        return percent(self.covered, self.total)


@dataclass(frozen=True)
class Report:
    """A coverage report: the counts, the state graphs that they refer to, and the dimensions."""

    counts: Counts
    graphs: tuple[Graph, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def covered(self) -> int:
        return sum(dimension.covered for dimension in self.dimensions)

    @property
    def total(self) -> int:
        return sum(dimension.total for dimension in self.dimensions)

    @property
    def percent(self) -> float:
        """The covered share of all dimensions together. It is 100.0 only if everything is covered."""
        return percent(self.covered, self.total)

    @property
    def missing(self) -> dict[str, list[str]]:
        """Dimension -> the names that are not covered."""
        return {dimension.name: dimension.missing for dimension in self.dimensions if dimension.missing}

    def reaches(self, minimum: float) -> bool:
        """Return whether at least this percentage is covered. The comparison is exact."""
        return self.covered * 100 >= minimum * self.total

    def narrowed(self, *, only: Sequence[str] = (), operations: Sequence[str] = ()) -> Report:
        """Return the report of some dimensions or operations.

        - `only`: names of dimensions, such as `["operations"]`.
        - `operations`: patterns of operations, such as `["list_*", "!reference_*"]`.

        Raise `CoverageError`, a `ValueError`, for an unknown name.
        """
        return build_report(self.counts, only, operations)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the report in the format of the file's suffix: `.json`, `.txt`, `.html`, or `.xml` for JUnit.

        `oms-emulator coverage` reads and merges `.json` files. Raise `CoverageError` if the file cannot be written.
        """
        suffix = Path(path).suffix
        if suffix not in SUFFIXES:
            raise CoverageError(f"the suffix of {path} is unknown; known suffixes: {', '.join(SUFFIXES)}")
        if suffix == ".json":
            check_target(path)
        write_text(path, render(self, SUFFIXES[suffix]).encode())


def percent(covered: int, total: int) -> float:
    """Return a percentage with one decimal, rounded down."""
    return covered * 1000 // total / 10 if total else 100.0


def build_report(counts: Counts, only: Sequence[str] = (), operations: Sequence[str] = ()) -> Report:
    """Build the report of counts. `Report.narrowed` describes `only` and `operations`."""
    graphs = counts.graphs or (default_graph(),)
    required, known = inventory(graphs, operations), inventory(graphs)
    dimensions = (
        build_dimension(name, required[name], known[name], counts.hits[name]) for name in select_dimensions(only)
    )
    return Report(counts, graphs, tuple(dimension for dimension in dimensions if dimension.total))


def build_dimension(name: str, required: Sequence[str], known: Sequence[str], hits: Mapping[str, int]) -> Dimension:
    """Return the hits of the required names, and of the names that are not known at all."""
    counts, expected = hits, {*known}
    if name == "statuses":
        counts, expected = with_shared_statuses(required, hits), {*known, *shared_statuses(hits)}
    extra = tuple(NameHits(each, count) for each, count in hits.items() if each not in expected)
    return Dimension(name, tuple(NameHits(each, counts.get(each, 0)) for each in required), extra)


def shared_statuses(names: Iterable[str]) -> Iterator[str]:
    """Yield the names of statuses that every operation can answer."""
    return (name for name in names if int(name.split()[-1]) in SHARED_STATUSES)


def with_shared_statuses(required: Iterable[str], hits: Mapping[str, int]) -> Mapping[str, int]:
    """Add the hits of shared statuses at the required operations to the entry for any operation."""
    operations = {name.split()[0] for name in required} - {ANY_OPERATION}
    counts = Counter(hits)
    for name in shared_statuses(hits):
        operation, status = name.split()
        if operation in operations:
            counts[f"{ANY_OPERATION} {status}"] += hits[name]
    return counts


def write_counts(path: str | PathLike[str], coverage: Coverage) -> Path:
    """Write what an emulator counted to a coverage file, and return its path. See `counts_path`."""
    target = counts_path(path)
    write_text(target, json_lines(as_document(build_report(counts_of(coverage))) | {RUN_KEY: True}))
    return target


def json_lines(document: JsonObject) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def render(report: Report, form: str, minimum: float | None = None) -> str:
    """Return the report in one of `FORMATS`. With a `minimum` percentage, JUnit has a test case for it."""
    if form == "json":
        return json_lines(as_document(report)).decode()
    if form == "junit":
        return as_junit(report, minimum)
    return as_page(report) if form == "html" else as_text(report)


def summary(report: Report) -> str:
    """Return the result in one line, without a full stop."""
    return f"{report.covered} of {report.total} covered: {report.percent} %"


def shortfall(report: Report, minimum: float) -> str:
    """Return the line that says that the report misses the minimum."""
    return f"{summary(report)}, less than {minimum:g} %"


# The inventory: every name that each dimension can have, from the tables that the emulator runs on


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
    subjects = {GRAPH_SUBJECTS[part] for part in parts}
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


# JSON


def as_document(report: Report) -> JsonObject:
    """Return the report as JSON values. `schemas/own/coverage.json` describes them."""
    return {
        "percent": report.percent,
        "met": report.covered,
        "total": report.total,
        "dimensions": {each.name: as_value(each, report.counts.hits[each.name]) for each in report.dimensions},
        "graphs": list(report.graphs),
    }


def as_value(dimension: Dimension, hits: Mapping[str, int]) -> JsonObject:
    return {
        "title": dimension.title,
        "percent": dimension.percent,
        "met": dimension.covered,
        "total": dimension.total,
        "missing": dimension.missing,
        "counts": dict(hits),
    }


# Text

BAR_WIDTH = 30
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
WRAPPER = TextWrapper(
    100, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)


def as_text(report: Report) -> str:
    """Return a bar for each dimension, followed by the names that are not covered."""
    lines = [bar(each.title, each) for each in report.dimensions]
    lines.append(bar("all", report))
    lines += (line for each in report.dimensions for line in missing_lines(each))
    return "".join(f"{line}\n" for line in lines)


def bar(title: str, part: Dimension | Report) -> str:
    filled = max(part.covered * BAR_WIDTH // part.total, part.covered > 0) if part.total else BAR_WIDTH
    numbers = f"{title:27} {part.covered:4} of {part.total:4} {part.percent:6} %"
    return f"{numbers}  {'#' * filled}{'.' * (BAR_WIDTH - filled)}"


def missing_lines(dimension: Dimension) -> Iterator[str]:
    names = [escape_unprintable(name) for name in dimension.missing]
    if not names:
        return
    yield ""
    yield f"{dimension.title}: {len(names)} of {dimension.total} not covered"
    if dimension.has_transitions:
        yield from (f"  {name}" for name in names)
        return
    groups = groupby(names, key=lambda name: name.partition(" ")[0])  # in one word: `get_package 200 404`
    words = (NO_BREAK_SPACE.join([first, *(name.partition(" ")[2] for name in group)]) for first, group in groups)
    lines = WRAPPER.wrap(", ".join(word.strip(NO_BREAK_SPACE) for word in words))
    yield from (line.replace(NO_BREAK_SPACE, " ") for line in lines)


# JUnit XML


def as_junit(report: Report, minimum: float | None) -> str:
    """Return a test suite for each dimension and a case for each name. A name that is not covered is skipped."""
    missed = None if minimum is None or report.reaches(minimum) else shortfall(report, minimum)
    return fill_template("coverage", "junit.xml", report=report, minimum=minimum, missed=missed)


# HTML


def as_page(report: Report) -> str:
    """Return the HTML page."""
    return fill_template("coverage", "page.html", report=report, tables=list(transition_tables(report)))


class TransitionTable(NamedTuple):
    """The transitions of a state graph, by source state."""

    part: str
    installation: str
    states: Mapping[int, str]
    """Id -> name."""
    groups: Mapping[int, Sequence[JsonObject]]
    """Id of a source state -> its transitions."""


def transition_tables(report: Report) -> Iterator[TransitionTable]:
    """Yield a table for each state graph with required transitions. Installations with equal graphs share a table."""
    required = {row.name for each in report.dimensions if each.has_transitions for row in each.rows}
    shown: list[JsonObject] = []
    for graph in report.graphs:
        for part in ("packages", "transfers"):
            rows = [each for each in command_transitions(graph, part) if each["name"] in required]
            if rows and graph[part] not in shown:
                shown.append(graph[part])
                states = {state["id"]: state["name"] for state in graph[part]["states"]}
                groups: dict[int, list[JsonObject]] = {}
                for row in rows:
                    groups.setdefault(row["source"], []).append(row)
                yield TransitionTable(part, graph["installation"], states, groups)
