"""A report as text for people, as a document to be merged, as JUnit for CI, as a page with the state graphs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap
from xml.etree import ElementTree

import orjson

from emulator.core.printing import plain
from emulator.coverage.page import as_page
from emulator.coverage.report import Dimension, Report, as_document

FORMATS = ("text", "json", "junit", "html")
SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".html": "html"}
"""How a file is named -> the form that it has."""
WIDTH, BAR = 100, 30
ONE_A_LINE = ("transitions", "refusals")
"""Dimensions whose names are long."""
HARD_SPACE = "\N{NO-BREAK SPACE}"


def rendered(report: Report, form: str, least: float | None = None) -> str:
    """Give a report in one of `FORMATS`; `least` is the percentage that JUnit's last case asks for."""
    if form == "json":
        return orjson.dumps(as_document(report), option=orjson.OPT_INDENT_2).decode() + "\n"
    if form == "junit":
        return as_junit(report, least)
    return as_page(report) if form == "html" else as_text(report)


def as_text(report: Report) -> str:
    """Give a bar for each dimension, then what was not met."""
    lines = [bar(each.title, each.met, each.total, each.percent) for each in report.dimensions]
    lines.append(bar("all", report.met, report.total, report.percent))
    lines += (line for each in report.dimensions for line in missing(each))
    return "".join(f"{line}\n" for line in lines)


def bar(title: str, met: int, total: int, percent: float) -> str:
    filled = max(met * BAR // total, met > 0) if total else BAR
    return f"{title:27} {met:4} of {total:4} {percent:6} %  {'#' * filled}{'.' * (BAR - filled)}"


def missing(dimension: Dimension) -> Iterator[str]:
    names = [plain(name) for name in dimension.missing]
    if not names:
        return
    yield ""
    yield f"{dimension.title}: {len(names)} of {dimension.total} not met"
    if dimension.name in ONE_A_LINE:
        yield from (f"  {name}" for name in names)
        return
    text = ", ".join(gathered(names))
    kept = {"break_long_words": False, "break_on_hyphens": False}
    found = wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", **kept)  # type: ignore[arg-type]  # bools
    yield from (line.replace(HARD_SPACE, " ") for line in found)


def gathered(names: Iterable[str]) -> Iterator[str]:
    """Give names, those that share their first word as one: `get_package 200 404`; none of them is broken."""
    for first, found in groupby(names, key=lambda name: name.partition(" ")[0]):
        yield HARD_SPACE.join([first, *(name.partition(" ")[2] for name in found)]).strip(HARD_SPACE)


def as_junit(report: Report, least: float | None) -> str:
    """Give the report as JUnit's XML: a suite for each dimension, a case for each name; what was not met is skipped.
    One more case fails if less than `least` percent were met.
    """
    suites = ElementTree.Element("testsuites", name="oms-emulator coverage")
    for dimension in report.dimensions:
        suites.append(suite_of(dimension))
    if least is not None:
        suites.append(bar_case(report, least))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def suite_of(dimension: Dimension) -> ElementTree.Element:
    suite = suite_element(dimension.title, dimension.total, skipped=len(dimension.missing))
    for row in dimension.rows:
        case = ElementTree.SubElement(suite, "testcase", classname=f"coverage.{dimension.name}", name=plain(row.name))
        if not row.times:
            ElementTree.SubElement(case, "skipped", message="not met")
    return suite


def bar_case(report: Report, least: float) -> ElementTree.Element:
    suite = suite_element("coverage", 1, failures=not report.reaches(least))
    case = ElementTree.SubElement(suite, "testcase", classname="coverage", name=f"at least {least:g} % are met")
    if not report.reaches(least):
        ElementTree.SubElement(case, "failure", type="fail-under", message=shortfall(report, least))
    return suite


def suite_element(name: str, tests: int, *, skipped: int = 0, failures: int = 0) -> ElementTree.Element:
    numbers = {"tests": tests, "failures": int(failures), "errors": 0, "skipped": skipped}
    return ElementTree.Element("testsuite", {"name": name, **{key: str(value) for key, value in numbers.items()}})


def shortfall(report: Report, least: float) -> str:
    """Say by how much a report misses its bar."""
    return f"{report.met} of {report.total} are met: {report.percent} %, less than {least:g} %"
