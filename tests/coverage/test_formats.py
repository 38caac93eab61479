"""A report as text, JSON, JUnit and HTML says the same, fits its reader, and shows nothing that harms."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import junitparser
import pytest

from emulator.api.routes import ROUTES
from emulator.core import schemas
from emulator.coverage import Report
from emulator.coverage.counts import Counts, command_transitions, default_graph, merge_counts
from emulator.coverage.report import FORMATS, build_report, render

TAKEN, REFUSED = "package__complete_packaging__waiting__packed-all-items", "renew_transfer"
OPERATIONS = len({route.operation for route in ROUTES})
STRANGE = "\x1b[31m<b>&\ud7ff\x00"


def met(**names: list[str]) -> Report:
    return build_report(
        merge_counts([Counts({dimension: dict.fromkeys(found, 2) for dimension, found in names.items()})])
    )


@pytest.fixture
def some() -> Report:
    return met(
        operations=["list_packages", "get_package"],
        statuses=["list_packages 200", "get_package 404", "get_package 401", "* 405"],
        transitions=[TAKEN],
        refusals=[REFUSED],
    )


@pytest.mark.medium
def test_text_has_a_bar_for_each_dimension_and_the_uncovered_rows(some: Report) -> None:
    text = render(some, "text")
    assert re.search(rf"^operations called +2 of +{OPERATIONS} +\d\.\d %  #\.+$", text, re.MULTILINE)
    assert re.search(rf"^all +{some.covered} of +{some.total} ", text, re.MULTILINE)
    assert f"operations called: {OPERATIONS - 2} of {OPERATIONS} not covered\n" in text
    assert "get_package 200," in text
    assert "list_packages_short 200 400," in text
    for name in some.missing["operations"] + some.missing["transitions"] + some.missing["filters"]:
        assert re.search(rf"(^|\s){re.escape(name)}(,|$)", text, re.MULTILINE), name
    assert not re.search(r"^ +list_packages,", text, re.MULTILINE)


def test_text_fits_a_hundred_columns_and_any_terminal(some: Report) -> None:
    lines = render(some, "text").splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isascii() and line.rstrip() == line for line in lines)


def test_text_of_everything_has_bars_alone() -> None:
    everything = met(**met().missing)
    lines = render(everything, "text").splitlines()
    assert len(lines) == len(everything.dimensions) + 1
    assert all(line.endswith(f"100.0 %  {'#' * 30}") for line in lines)


def test_json_is_valid_by_its_schema_and_can_be_read(some: Report) -> None:
    document = json.loads(render(some, "json"))
    assert schemas.find_problem("coverage", document) is None
    assert (document["met"], document["total"]) == (some.covered, some.total)
    assert document["dimensions"]["statuses"]["counts"]["* 405"] == 2
    assert "* 401" not in document["dimensions"]["statuses"]["counts"]


def test_junit_has_a_case_for_each_name(some: Report) -> None:
    """Names that are not covered are skipped, because missing coverage is not a failure."""
    suites = junitparser.JUnitXml.fromstring(render(some, "junit").encode())
    assert [suite.name for suite in suites] == [each.title for each in some.dimensions]
    for suite, dimension in zip(suites, some.dimensions, strict=True):
        cases = list(suite)
        assert (suite.tests, suite.skipped, suite.failures) == (dimension.total, len(dimension.missing), 0)
        assert [case.name for case in cases] == [row.name for row in dimension.rows]
        assert {case.name for case in cases if case.is_skipped} == set(dimension.missing)


@pytest.mark.parametrize(("least", "failed"), [(0.0, False), (1.0, False), (99.5, True)])
def test_junits_last_case_is_the_bar(some: Report, least: float, failed: bool) -> None:
    (*_, last) = junitparser.JUnitXml.fromstring(render(some, "junit", least).encode())
    (case,) = last
    assert (last.failures, case.name) == (int(failed), f"at least {least:g} % are covered")
    assert bool(case.result) is failed
    if failed:
        assert f"{some.covered} of {some.total} covered" in case.result[0].message


class Page(HTMLParser):
    """The content of a page: its open tags, the addresses that it refers to, its text, and its table rows."""

    EMPTY = frozenset(("meta", "link", "img", "br", "hr", "input"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in {"src", "href", "action", "srcset"}]
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "tr" in self.open:
            self.rows[-1].append(data)


@pytest.mark.medium
def test_the_page_is_complete_and_refers_to_no_other_file(some: Report) -> None:
    """The page is one file without scripts. Its only addresses are its own sections."""
    text = render(some, "html")
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & {*page.tags}
    assert page.addresses == [f"#{each.name}" for each in some.dimensions]
    assert "url(http" not in text
    assert "@import" not in text
    for dimension in some.dimensions:
        assert f'id="{dimension.name}"' in text
        assert {row.name for row in dimension.rows} <= {*page.text}


@pytest.mark.medium
def test_the_page_shows_each_transition_below_its_state(some: Report) -> None:
    """Each command's transition is one row: its status, ids, destination, and how often it was taken and refused."""
    graph = default_graph()
    rows = [row for row in Page(render(some, "html")).rows if row]
    shown: dict[str, tuple[str, ...]] = {}
    source = ""
    for row in rows:
        if row[0].startswith("from "):
            source = row[0].removeprefix("from ")
        elif row[0] in {"✓ taken", "✗ only refused", "– not reached"}:
            status, title, name, destination, taken, refused = row
            shown[name] = (status, title, source, destination, taken, refused)
    for part in ("packages", "transfers"):
        states = {state["id"]: state["name"] for state in graph[part]["states"]}
        for each in command_transitions(graph, part):
            title = f"{each['id']} {each['label'] or each['command']}"
            found = shown.pop(each["name"])
            assert found[1:4] == (title, states[each["source"]], states[each["destination"]])
            hits = {TAKEN: ("✓ taken", "2", "0"), REFUSED: ("✗ only refused", "0", "2")}
            assert (found[0], *found[4:]) == hits.get(each["name"], ("– not reached", "0", "0"))
    assert shown == {}


@pytest.mark.medium
def test_only_requested_parts_are_shown(some: Report) -> None:
    """Without the dimensions of transitions there is no graph. One operation shows its own graph only."""
    assert ", installation default" not in render(some.narrowed(only=["operations"]), "html")
    transfers = render(some.narrowed(operations=["command_transfer"]), "html")
    assert transfers.count(", installation default") == 1
    assert "Transfers, installation default" in transfers


@pytest.mark.parametrize("form", FORMATS)
def test_names_that_somebody_made_up_do_no_harm(form: str) -> None:
    """Neither a terminal nor an XML reader nor a browser gets them as they are."""
    graph = default_graph()
    graph["installation"] = STRANGE
    graph["packages"]["states"][0]["name"] = STRANGE
    graph["packages"]["transitions"][0] |= {"name": STRANGE, "label": STRANGE, "destination": 4711}
    found = build_report(merge_counts([Counts({"operations": {STRANGE: 1}}, (graph,))]))
    text = render(found, form, 50)
    assert "\x1b" not in text
    assert "\x00" not in text
    if form == "html":
        assert "<b>" not in text
        assert Page(text).open == []
    if form == "junit":
        assert len(junitparser.JUnitXml.fromstring(text.encode())) == len(found.dimensions) + 1
