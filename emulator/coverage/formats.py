"""The formats of a coverage report: text, JSON, JUnit XML and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from string import Template
from textwrap import TextWrapper
from typing import Any
from xml.etree import ElementTree

import orjson

from emulator.core.escaping import escape_unprintable, to_html
from emulator.coverage.counts import Graph, command_transitions
from emulator.coverage.results import Dimension, Results

FORMATS = ("text", "json", "junit", "html")
SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".html": "html"}
"""Suffix of a file -> its format."""
BAR_WIDTH = 30
LONG_NAMES = ("transitions", "refusals")
"""Dimensions whose names are printed one per line."""
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
WRAPPER = TextWrapper(
    100, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)


def render(results: Results, form: str, minimum: float | None = None) -> str:
    """Return the report in one of `FORMATS`. With a `minimum` percentage, JUnit has a test case for it."""
    if form == "json":
        return orjson.dumps(as_document(results), option=orjson.OPT_INDENT_2).decode() + "\n"
    if form == "junit":
        return as_junit(results, minimum)
    return as_page(results) if form == "html" else as_text(results)


def summary(results: Results) -> str:
    """Return the result in one line, without a full stop."""
    return f"{results.covered} of {results.total} covered: {results.percent} %"


def shortfall(results: Results, minimum: float) -> str:
    """Return the line that says that the report misses the minimum."""
    return f"{summary(results)}, less than {minimum:g} %"


def as_document(results: Results) -> dict[str, Any]:
    """Return the report as JSON values. `schemas/own/coverage.json` describes them."""
    return {
        "percent": results.percent,
        "met": results.covered,
        "total": results.total,
        "dimensions": {each.name: as_value(each, results.counts.hits[each.name]) for each in results.dimensions},
        "graphs": list(results.graphs),
    }


def as_value(dimension: Dimension, hits: Mapping[str, int]) -> dict[str, Any]:
    return {
        "title": dimension.title,
        "percent": dimension.percent,
        "met": dimension.covered,
        "total": dimension.total,
        "missing": dimension.missing,
        "counts": dict(hits),
    }


def as_text(results: Results) -> str:
    """Return a bar for each dimension, followed by the names that are not covered."""
    lines = [bar(each.title, each) for each in results.dimensions]
    lines.append(bar("all", results))
    lines += (line for each in results.dimensions for line in missing_lines(each))
    return "".join(f"{line}\n" for line in lines)


def bar(title: str, part: Dimension | Results) -> str:
    filled = max(part.covered * BAR_WIDTH // part.total, part.covered > 0) if part.total else BAR_WIDTH
    numbers = f"{title:27} {part.covered:4} of {part.total:4} {part.percent:6} %"
    return f"{numbers}  {'#' * filled}{'.' * (BAR_WIDTH - filled)}"


def missing_lines(dimension: Dimension) -> Iterator[str]:
    names = [escape_unprintable(name) for name in dimension.missing]
    if not names:
        return
    yield ""
    yield f"{dimension.title}: {len(names)} of {dimension.total} not covered"
    if dimension.name in LONG_NAMES:
        yield from (f"  {name}" for name in names)
        return
    yield from (line.replace(NO_BREAK_SPACE, " ") for line in WRAPPER.wrap(", ".join(group_names(names))))


def group_names(names: Iterable[str]) -> Iterator[str]:
    """Join the names that share their first word: `get_package 200 404`. The result has no breaking spaces."""
    for first, group in groupby(names, key=lambda name: name.partition(" ")[0]):
        yield NO_BREAK_SPACE.join([first, *(name.partition(" ")[2] for name in group)]).strip(NO_BREAK_SPACE)


def as_junit(results: Results, minimum: float | None) -> str:
    """Return JUnit XML: a suite for each dimension and a case for each name, skipped if the name is not covered."""
    suites = ElementTree.Element("testsuites", name="oms-emulator coverage")
    suites.extend(map(dimension_suite, results.dimensions))
    if minimum is not None:
        suites.append(minimum_suite(results, minimum))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def dimension_suite(dimension: Dimension) -> ElementTree.Element:
    suite = suite_element(dimension.title, dimension.total, skipped=len(dimension.missing))
    for row in dimension.rows:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"coverage.{dimension.name}", name=escape_unprintable(row.name)
        )
        if not row.hits:
            ElementTree.SubElement(case, "skipped", message="not covered")
    return suite


def minimum_suite(results: Results, minimum: float) -> ElementTree.Element:
    is_missed = not results.reaches(minimum)
    suite = suite_element("coverage", 1, failures=int(is_missed))
    name = f"at least {minimum:g} % are covered"
    case = ElementTree.SubElement(suite, "testcase", classname="coverage", name=name)
    if is_missed:
        ElementTree.SubElement(case, "failure", type="fail-under", message=shortfall(results, minimum))
    return suite


def suite_element(name: str, tests: int, *, skipped: int = 0, failures: int = 0) -> ElementTree.Element:
    numbers = {"tests": tests, "failures": failures, "errors": 0, "skipped": skipped}
    return ElementTree.Element("testsuite", {"name": name, **{key: str(value) for key, value in numbers.items()}})


COVERED, REFUSED, MISSING = "covered", "refused", "missing"
GRAPH_DIMENSIONS = ("transitions", "refusals")
"""The dimensions that the tables of transitions show."""
TABLE = "<table><thead><tr>{}</tr></thead>{}</table>"
NUMBER = '<td class="number">{}</td>'


def as_page(results: Results) -> str:
    """Return the HTML page."""
    template = Template((files("emulator") / "coverage" / "page.html").read_text("utf-8"))
    names = [dimension for dimension in results.dimensions if dimension.name not in GRAPH_DIMENSIONS]
    return template.substitute(
        percent=results.percent,
        covered=results.covered,
        total=results.total,
        links="".join(f'<a href="#{each.name}">{to_html(each.title)}</a>' for each in results.dimensions),
        summary="\n".join(map(summary_row, results.dimensions)),
        transitions="\n".join(transition_section(results)),
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


def transition_section(results: Results) -> Iterator[str]:
    """Yield a table of transitions for each state graph. Installations with equal graphs share a table."""
    dimensions = [each for each in results.dimensions if each.name in GRAPH_DIMENSIONS]
    required = {row.name for dimension in dimensions for row in dimension.rows}
    yield from (heading(dimension) + extra_names(dimension) for dimension in dimensions)
    shown: list[Any] = []
    for graph in results.graphs:
        for part in ("packages", "transfers"):
            rows = [each for each in command_transitions(graph, part) if each["name"] in required]
            if rows and graph[part] not in shown:
                shown.append(graph[part])
                yield f"<h3>{part.capitalize()}, installation {to_html(graph['installation'])}</h3>"
                yield transition_table(graph, part, rows, results)


def transition_table(graph: Graph, part: str, transitions: list[dict[str, Any]], results: Results) -> str:
    """Return a table with a group of rows for each source state."""
    names = {state["id"]: state["name"] for state in graph[part]["states"]}
    head = '<th scope="col">status</th><th scope="col">transition</th><th scope="col">to</th>'
    head += '<th scope="col" class="number">taken</th><th scope="col" class="number">refused</th>'
    groups = ""
    for source in dict.fromkeys(each["source"] for each in transitions):
        groups += f'<tbody><tr><th scope="rowgroup" colspan="5">from {state_name(names, source)}</th></tr>'
        for each in transitions:
            if each["source"] == source:
                groups += transition_row(each, state_name(names, each["destination"]), results)
        groups += "</tbody>"
    return TABLE.format(head, groups)


def state_name(names: dict[int, str], state: int) -> str:
    return to_html(str(names.get(state, state)))


def transition_row(transition: dict[str, Any], destination: str, results: Results) -> str:
    name = transition["name"]
    taken, refused = (results.counts.hits[dimension].get(name, 0) for dimension in GRAPH_DIMENSIONS)
    title = f"{transition['id']} {transition['label'] or transition['command']}"
    if taken:
        status = status_cell(COVERED, "✓ taken")
    else:
        status = status_cell(REFUSED, "✗ only refused") if refused else status_cell(MISSING, "– not reached")
    what = f"<td>{to_html(title)}<br><code>{to_html(name)}</code></td>"
    return f"<tr>{status}{what}<td>{destination}</td>{NUMBER.format(taken)}{NUMBER.format(refused)}</tr>"


def status_cell(kind: str, text: str) -> str:
    return f'<td class="status {kind}">{text}</td>'


def name_section(dimension: Dimension) -> str:
    """Return a table of the dimension's names, those that are not covered first."""
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
