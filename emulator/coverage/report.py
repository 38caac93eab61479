"""Coverage reports: built from counts, and written as text, JSON, JUnit XML or HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from os import PathLike
from pathlib import Path
from string import Template
from textwrap import TextWrapper
from typing import NamedTuple
from xml.etree import ElementTree

import orjson

from emulator.core.json_text import JsonObject, escape_unprintable, to_html
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
from emulator.coverage.inventory import ANY_OPERATION, SHARED_STATUSES, inventory, select_dimensions
from emulator.state.journal import DIMENSIONS, Coverage

FORMATS = ("text", "json", "junit", "html")
SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".html": "html"}
"""Suffix of a file -> its format."""
TRANSITION_DIMENSIONS = ("transitions", "refusals")
"""Dimensions whose names are transitions. Text has one name per line, HTML has tables by source state."""


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
    if dimension.name in TRANSITION_DIMENSIONS:
        yield from (f"  {name}" for name in names)
        return
    yield from (line.replace(NO_BREAK_SPACE, " ") for line in WRAPPER.wrap(", ".join(group_names(names))))


def group_names(names: Iterable[str]) -> Iterator[str]:
    """Join the names that share their first word: `get_package 200 404`. The result has no breaking spaces."""
    for first, group in groupby(names, key=lambda name: name.partition(" ")[0]):
        yield NO_BREAK_SPACE.join([first, *(name.partition(" ")[2] for name in group)]).strip(NO_BREAK_SPACE)


# JUnit XML


def as_junit(report: Report, minimum: float | None) -> str:
    """Return a test suite for each dimension and a case for each name. A name that is not covered is skipped."""
    suites = ElementTree.Element("testsuites", name="oms-emulator coverage")
    suites.extend(map(dimension_suite, report.dimensions))
    if minimum is not None:
        suites.append(minimum_suite(report, minimum))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def dimension_suite(dimension: Dimension) -> ElementTree.Element:
    suite = suite_element(dimension.title, dimension.total, skipped=len(dimension.missing))
    for row in dimension.rows:
        case = add_case(suite, f"coverage.{dimension.name}", escape_unprintable(row.name))
        if not row.hits:
            ElementTree.SubElement(case, "skipped", message="not covered")
    return suite


def minimum_suite(report: Report, minimum: float) -> ElementTree.Element:
    is_missed = not report.reaches(minimum)
    suite = suite_element("coverage", 1, failures=int(is_missed))
    case = add_case(suite, "coverage", f"at least {minimum:g} % are covered")
    if is_missed:
        ElementTree.SubElement(case, "failure", type="fail-under", message=shortfall(report, minimum))
    return suite


def suite_element(name: str, tests: int, *, skipped: int = 0, failures: int = 0) -> ElementTree.Element:
    numbers = {"tests": tests, "failures": failures, "errors": 0, "skipped": skipped}
    return ElementTree.Element("testsuite", {"name": name, **{key: str(value) for key, value in numbers.items()}})


def add_case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=classname, name=name)


# HTML

COVERED, REFUSED, MISSING = "covered", "refused", "missing"
"""CSS classes of a status."""
TABLE = "<table><thead><tr>{}</tr></thead>{}</table>"
NUMBER = '<td class="number">{}</td>'


def as_page(report: Report) -> str:
    """Return the HTML page."""
    template = Template((files("emulator") / "coverage" / "page.html").read_text("utf-8"))
    names = [dimension for dimension in report.dimensions if dimension.name not in TRANSITION_DIMENSIONS]
    return template.substitute(
        percent=report.percent,
        covered=report.covered,
        total=report.total,
        links="".join(f'<a href="#{each.name}">{to_html(each.title)}</a>' for each in report.dimensions),
        summary="\n".join(map(summary_row, report.dimensions)),
        transitions="\n".join(transition_section(report)),
        names="\n".join(map(name_section, names)),
    )


def summary_row(dimension: Dimension) -> str:
    return (
        f'<tr><th scope="row">{to_html(dimension.title)}</th>{NUMBER.format(dimension.covered)}'
        f"{NUMBER.format(dimension.total)}{NUMBER.format(f'{dimension.percent} %')}"
        f'<td><meter max="{dimension.total}" value="{dimension.covered}" '
        f'aria-label="{to_html(dimension.title)}">{dimension.percent} %</meter></td></tr>'
    )


def heading(dimension: Dimension) -> str:
    return f'<h2 id="{dimension.name}">{to_html(dimension.title)}: {dimension.covered} of {dimension.total}</h2>'


def transition_section(report: Report) -> Iterator[str]:
    """Yield a table of transitions for each state graph. Installations with equal graphs share a table."""
    dimensions = [each for each in report.dimensions if each.name in TRANSITION_DIMENSIONS]
    required = {row.name for dimension in dimensions for row in dimension.rows}
    yield from (heading(dimension) + extra_names(dimension) for dimension in dimensions)
    shown: list[JsonObject] = []
    for graph in report.graphs:
        for part in ("packages", "transfers"):
            rows = [each for each in command_transitions(graph, part) if each["name"] in required]
            if rows and graph[part] not in shown:
                shown.append(graph[part])
                yield f"<h3>{part.capitalize()}, installation {to_html(graph['installation'])}</h3>"
                yield transition_table(graph, part, rows, report)


def transition_table(graph: Graph, part: str, transitions: list[JsonObject], report: Report) -> str:
    """Return a table with a group of rows for each source state."""
    names = {state["id"]: state["name"] for state in graph[part]["states"]}
    head = '<th scope="col">status</th><th scope="col">transition</th><th scope="col">to</th>'
    head += '<th scope="col" class="number">taken</th><th scope="col" class="number">refused</th>'
    groups = ""
    for source in dict.fromkeys(each["source"] for each in transitions):
        groups += f'<tbody><tr><th scope="rowgroup" colspan="5">from {state_name(names, source)}</th></tr>'
        for each in transitions:
            if each["source"] == source:
                groups += transition_row(each, state_name(names, each["destination"]), report)
        groups += "</tbody>"
    return TABLE.format(head, groups)


def state_name(names: dict[int, str], state: int) -> str:
    return to_html(str(names.get(state, state)))


def transition_row(transition: JsonObject, destination: str, report: Report) -> str:
    name = transition["name"]
    taken, refused = (report.counts.hits[dimension].get(name, 0) for dimension in TRANSITION_DIMENSIONS)
    title = f"{transition['id']} {transition['label'] or transition['command']}"
    if taken:
        status = status_cell(COVERED, "✓ taken")
    else:
        status = status_cell(REFUSED, "✗ only refused") if refused else status_cell(MISSING, "– not reached")
    cell = f"<td>{to_html(title)}<br><code>{to_html(name)}</code></td>"
    return f"<tr>{status}{cell}<td>{destination}</td>{NUMBER.format(taken)}{NUMBER.format(refused)}</tr>"


def status_cell(kind: str, text: str) -> str:
    return f'<td class="status {kind}">{text}</td>'


def name_section(dimension: Dimension) -> str:
    """Return a table of the dimension's names. Names that are not covered come first."""
    rows = ""
    for row in sorted(dimension.rows, key=lambda row: row.hits > 0):
        status = status_cell(COVERED, "✓ covered") if row.hits else status_cell(MISSING, "– not covered")
        rows += f"<tr>{status}<td><code>{to_html(row.name)}</code></td>{NUMBER.format(row.hits)}</tr>"
    head = '<th scope="col">status</th><th scope="col">name</th><th scope="col" class="number">hits</th>'
    return heading(dimension) + TABLE.format(head, f"<tbody>{rows}</tbody>") + extra_names(dimension)


def extra_names(dimension: Dimension) -> str:
    if not dimension.extra:
        return ""
    names = ", ".join(f"{row.name} ({row.hits})" for row in dimension.extra)
    return f"<p>Also counted, but not required: {to_html(names)}.</p>"
