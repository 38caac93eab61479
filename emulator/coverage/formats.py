"""The formats of a coverage report: text, JSON, JUnit XML and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from textwrap import TextWrapper
from typing import Any
from xml.etree import ElementTree

import orjson

from emulator.core.printing import plain
from emulator.coverage.html_page import as_page
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
    names = [plain(name) for name in dimension.missing]
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
        case = ElementTree.SubElement(suite, "testcase", classname=f"coverage.{dimension.name}", name=plain(row.name))
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
