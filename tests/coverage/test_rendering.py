"""A report as text, JSON, JUnit and HTML says the same, fits its reader, and shows nothing that harms."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import junitparser
import pytest

from emulator.core import schemas
from emulator.coverage import FORMATS, Counts, Report, merged, rendered, report
from emulator.coverage.drawing import MOST_STATES, Met, drawn
from emulator.coverage.graphs import default_graph
from emulator.routes import ROUTES

TAKEN, REFUSED = "package__complete_packaging__waiting__packed-all-items", "renew_transfer"
OPERATIONS = len({route.operation for route in ROUTES})
STRANGE = "\x1b[31m<b>&\ud7ff\x00"


def met(**names: list[str]) -> Report:
    return report(merged([Counts({dimension: dict.fromkeys(found, 2) for dimension, found in names.items()})]))


@pytest.fixture
def some() -> Report:
    return met(
        operations=["list_packages", "get_package"],
        statuses=["list_packages 200", "get_package 404", "get_package 401", "* 405"],
        transitions=[TAKEN],
        refusals=[REFUSED],
    )


def test_text_has_a_bar_for_each_dimension_and_what_was_not_met(some: Report) -> None:
    text = rendered(some, "text")
    assert re.search(rf"^operations called +2 of +{OPERATIONS} +\d\.\d %  #\.+$", text, re.MULTILINE)
    assert re.search(rf"^all +{some.met} of +{some.total} ", text, re.MULTILINE)
    assert f"operations called: {OPERATIONS - 2} of {OPERATIONS} not met\n" in text
    assert "get_package 200," in text
    assert "list_packages_short 200 400," in text
    for name in some.missing["operations"] + some.missing["transitions"] + some.missing["filters"]:
        assert re.search(rf"(^|\s){re.escape(name)}(,|$)", text, re.MULTILINE), name
    assert not re.search(r"^ +list_packages,", text, re.MULTILINE)


def test_text_fits_a_hundred_columns_and_any_terminal(some: Report) -> None:
    lines = rendered(some, "text").splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isascii() and line.rstrip() == line for line in lines)


def test_text_of_everything_has_bars_alone() -> None:
    everything = met(**met().missing)
    lines = rendered(everything, "text").splitlines()
    assert len(lines) == len(everything.dimensions) + 1
    assert all(line.endswith(f"100.0 %  {'#' * 30}") for line in lines)


def test_json_is_what_its_schema_says_and_can_be_read_again(some: Report) -> None:
    document = json.loads(rendered(some, "json"))
    assert schemas.problem("coverage", document) is None
    assert (document["met"], document["total"]) == (some.met, some.total)
    assert document["dimensions"]["statuses"]["counts"]["* 405"] == 2
    assert "* 401" not in document["dimensions"]["statuses"]["counts"]


def test_junit_has_a_case_for_each_name(some: Report) -> None:
    """What was not met is skipped: a report is no failure."""
    suites = junitparser.JUnitXml.fromstring(rendered(some, "junit").encode())
    assert [suite.name for suite in suites] == [each.title for each in some.dimensions]
    for suite, dimension in zip(suites, some.dimensions, strict=True):
        cases = list(suite)
        assert (suite.tests, suite.skipped, suite.failures) == (dimension.total, len(dimension.missing), 0)
        assert [case.name for case in cases] == [row.name for row in dimension.rows]
        assert {case.name for case in cases if case.is_skipped} == set(dimension.missing)


@pytest.mark.parametrize(("least", "failed"), [(0.0, False), (1.0, False), (99.5, True)])
def test_junits_last_case_is_the_bar(some: Report, least: float, failed: bool) -> None:
    (*_, last) = junitparser.JUnitXml.fromstring(rendered(some, "junit", least).encode())
    (case,) = last
    assert (last.failures, case.name) == (int(failed), f"at least {least:g} % are met")
    assert bool(case.result) is failed
    if failed:
        assert f"{some.met} of {some.total} are met" in case.result[0].message


class Page(HTMLParser):
    """What a page consists of: tags that are open, addresses it asks for, its text."""

    EMPTY = frozenset(("meta", "link", "img", "br", "hr", "input"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.asks: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asks += [str(value) for name, value in attrs if name in {"src", "href", "action", "srcset"}]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_and_asks_for_nothing(some: Report) -> None:
    """One file: no script, no address but its own places."""
    text = rendered(some, "html")
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & {*page.tags}
    assert page.asks == [f"#{each.name}" for each in some.dimensions]
    assert "url(http" not in text
    assert "@import" not in text
    for dimension in some.dimensions:
        assert f'id="{dimension.name}"' in text
        assert {row.name for row in dimension.rows} <= {*page.text}


def test_the_graphs_show_every_transition_as_it_was_met(some: Report) -> None:
    """Taken, refused only, not met: each line is of one kind and says which transition it is."""
    graph = default_graph()
    kinds: dict[str, str] = {}
    for part in ("packages", "transfers"):
        picture = ElementTree.fromstring(  # noqa: S314 - our own
            drawn(graph[part], Met(some.counts.met["transitions"], some.counts.met["refusals"]), part)
        )
        for group in picture.iter("g"):
            what, _, kind = str(group.get("class")).partition(" ")
            if what in {"move", "chip"}:
                kinds[re.search(r"\): (\S+)", group.findtext("title") or "")[1]] = kind
        states = [group.findtext("title") for group in picture.iter("g") if group.get("class") == "state"]
        assert states == [f"{state['name']} ({state['id']})" for state in graph[part]["states"]]
        commands = {each["name"] for each in graph[part]["transitions"] if each["actor"] == "command"}
        assert {name for name, kind in kinds.items() if kind != "outside"} >= commands
    assert [name for name, kind in kinds.items() if kind == "taken"] == [TAKEN]
    assert [name for name, kind in kinds.items() if kind == "refused"] == [REFUSED]
    assert "operator" not in rendered(some, "html")


def test_a_picture_of_too_much_is_left_out() -> None:
    states = [{"id": number, "name": "x", "value": "1"} for number in range(MOST_STATES + 1)]
    assert drawn({"states": states, "transitions": []}, Met({}, {}), "x") == ""
    assert "<svg" in drawn({"states": states[1:], "transitions": []}, Met({}, {}), "x")


def test_only_what_is_asked_for_is_shown(some: Report) -> None:
    """Without transitions there are no graphs; with those of transfer orders alone, there is one."""
    assert 'class="graph"' not in rendered(some.narrowed(only=["operations"]), "html")
    transfers = rendered(some.narrowed(operations=["command_transfer"]), "html")
    assert transfers.count('class="graph"') == 1
    assert "Transfers, installation default" in transfers


@pytest.mark.parametrize("form", FORMATS)
def test_names_that_somebody_made_up_do_no_harm(form: str) -> None:
    """Neither a terminal nor an XML reader nor a browser gets them as they are."""
    graph = default_graph()
    graph["installation"] = STRANGE
    graph["packages"]["states"][0]["name"] = STRANGE
    graph["packages"]["transitions"][0] |= {"name": STRANGE, "label": STRANGE, "destination": 4711}
    found = report(merged([Counts({"operations": {STRANGE: 1}}, (graph,))]))
    text = rendered(found, form, 50)
    assert "\x1b" not in text
    assert "\x00" not in text
    if form == "html":
        assert "<b>" not in text
        assert Page(text).open == []
    if form == "junit":
        assert len(junitparser.JUnitXml.fromstring(text.encode())) == len(found.dimensions) + 1
