"""The results file of `mutate`, and the report of its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from emulator.client.suite_mutation import (
    FORMATS,
    MutationReport,
    Outcome,
    Result,
    ResultsFile,
    RunInfo,
    Settings,
    check_patterns,
    read_baseline,
    render,
    summary,
)
from emulator.core.errors import InvalidDocument
from emulator.web.mutations import Mutation

NEXT = Mutation("next-missing", "list_packages")
FILTER = Mutation("filter-ignored", "list_packages", "state__enum_value")
NULL = Mutation("key-null", "get_package", "shipment.<b>")
RESULTS = (
    Result(NEXT, "survived", 3, 2, "tests/test_a.py::test_list"),
    Result(FILTER, "killed", 1, 1, "tests/test_a.py::test_filter"),
    Result(NULL, "survived", 1, 1, "tests/test_b.py::test_detail"),
    Result(Mutation("page-halved", "list_packages"), "handled", 2),
    Result(Mutation("event-lost", "package.created"), "no effect", 0),
    Result(Mutation("id-swapped", "get_package", "id"), "unstable", 0, 1, "tests/test_b.py::test_random"),
)
SETTINGS = Settings(["pytest"], ["next-*"])


@pytest.fixture
def file(tmp_path: Path) -> ResultsFile:
    """Return a new results file."""
    results = ResultsFile(tmp_path / "new" / "results.jsonl")
    results.start(SETTINGS, resume=False)
    return results


def report(known: tuple[str, ...] = ()) -> MutationReport:
    return MutationReport(RESULTS, known, RunInfo(2, 3, 1.5, 6, ["tests/test_c.py::test_once"]))


@pytest.mark.parametrize(
    ("only", "selected"),
    [
        ((), True),
        (("next-missing",), True),
        (("next-*",), True),
        (("*:list_packages",), True),
        (("next-missing:list_packages",), True),
        (("filter-ignored",), False),
        (("filter-ignored", "next-missing"), True),
        (("*:list_transfers",), False),
        (("next",), False),
    ],
)
def test_patterns_select_by_kind_or_name(only: tuple[str, ...], selected: bool) -> None:
    assert Settings([], only).selects(NEXT) is selected


def test_an_unknown_kind_is_refused() -> None:
    check_patterns(["*:list_packages", "key-*", "next-missing"])
    with pytest.raises(InvalidDocument, match=r"unknown kind of mutation 'next-mising'.*Did you mean next-missing"):
        check_patterns(["next-mising:list_packages"])


def test_results_are_read_as_they_were_written(file: ResultsFile) -> None:
    for result in RESULTS:
        file.add(result)
    assert file.run_info() is None
    assert file.results() == list(RESULTS)
    file.finish(RunInfo(1, 2, 3, 4, ["a"]))
    assert file.run_info() == RunInfo(1, 2, 3, 4, ["a"])
    assert file.settings() == SETTINGS


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_continues_with_its_results(file: ResultsFile, finished: bool) -> None:
    file.add(RESULTS[0])
    if finished:
        file.finish(RunInfo())
    file.start(SETTINGS, resume=True)
    assert file.results() == [RESULTS[0]]
    assert file.run_info() is None


@pytest.mark.medium
def test_a_run_that_was_killed_continues_without_its_torn_line(file: ResultsFile) -> None:
    """Whichever part of the last line was written."""
    file.add(RESULTS[0])
    complete = file.path.read_bytes()
    file.add(RESULTS[1])
    torn = file.path.read_bytes()[:-1]
    for end in range(len(complete), len(torn) + 1):
        file.path.write_bytes(torn[:end])
        file.start(SETTINGS, resume=True)
        file.add(RESULTS[1])
        assert file.results() == [*RESULTS[:2]]


def test_a_new_run_starts_without_results(file: ResultsFile) -> None:
    file.add(RESULTS[0])
    file.start(SETTINGS, resume=False)
    assert file.results() == []


@pytest.mark.parametrize("other", [Settings(["npm", "test"], SETTINGS.only), Settings(SETTINGS.command)])
def test_a_run_of_another_command_does_not_continue(file: ResultsFile, other: Settings) -> None:
    with pytest.raises(InvalidDocument, match="is of another command: pytest"):
        file.start(other, resume=True)


@pytest.mark.parametrize("text", [b"", b"no JSON", b'{"a": 1}'])
def test_another_file_does_not_continue(file: ResultsFile, text: bytes) -> None:
    file.path.write_bytes(text)
    with pytest.raises(InvalidDocument, match="is not a results file"):
        file.start(SETTINGS, resume=True)


def test_only_changes_with_an_effect_are_counted() -> None:
    assert [result.mutation for result in report().survivors] == [NULL, NEXT]
    assert len(report().counted) == 3
    assert report().percent == 33.3
    assert summary(report()) == "2 of 3 changes were noticed by no test; 33.3 % were noticed"


@pytest.mark.parametrize(("minimum", "reached"), [(0, True), (33.3, True), (33.4, False), (100, False)])
def test_the_minimum_is_compared_exactly(minimum: float, reached: bool) -> None:
    assert report().reaches(minimum) is reached


def test_a_baseline_hides_what_was_known(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(render(report(), "json"), "utf-8")
    assert read_baseline(tmp_path / "old.json") == {NEXT.name, NULL.name}
    assert report((NEXT.name,)).findings == [RESULTS[2]]
    assert "2 of 3 changes were noticed by no test, 1 of them are new" in summary(report((NEXT.name,)))


@pytest.mark.parametrize("text", ["", "[]", '{"mutations": [{}]}'])
def test_another_file_is_refused_as_a_baseline(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.json").write_text(text, "utf-8")
    with pytest.raises(InvalidDocument, match="is not a JSON report of `mutate`"):
        read_baseline(tmp_path / "old.json")


def test_a_device_is_refused_as_a_baseline() -> None:
    """It may be endless."""
    with pytest.raises(InvalidDocument, match="cannot read /dev/zero: it is a device or a pipe"):
        read_baseline("/dev/zero")


@pytest.mark.parametrize("text", ["my notes", '{"name": "mine"}\n'])
def test_a_file_without_results_is_not_replaced(tmp_path: Path, text: str) -> None:
    (other := tmp_path / "other").write_text(text, "utf-8")
    with pytest.raises(InvalidDocument, match="is not a results file"):
        ResultsFile(other).start(SETTINGS, resume=False)
    assert other.read_text("utf-8") == text


def test_results_of_an_earlier_run_are_replaced(file: ResultsFile) -> None:
    file.add(RESULTS[0])
    file.start(SETTINGS, resume=False)
    assert file.results() == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_the_survivors_and_what_users_suffer(form: str) -> None:
    text = render(report(), form)
    for expected in (NEXT.name, "Records beyond the first page are never processed.", "tests/test_a.py::test_list"):
        assert expected in text
    assert ("shipment.<b>" in text) is (form in ("text", "json")), "HTML and XML escape it"


def test_text_names_what_was_not_counted() -> None:
    text = render(report(), "text")
    assert "left out, because they fail when they run again: tests/test_c.py::test_once" in text
    assert "1 changes are not counted" in text
    assert (
        "3.0 s for reruns, 2.0 times the own time of tests (1.5 s); 2.0 s for the suite, 1.0 s for the start" in text
    )


def rows(document: Any) -> dict[str, Outcome]:
    return {row["name"]: row["outcome"] for row in document["mutations"]}


def test_json_has_all_results() -> None:
    document = orjson.loads(render(report((NEXT.name,)), "json"))
    assert rows(document) == {result.mutation.name: result.outcome for result in RESULTS}
    assert [row["name"] for row in document["mutations"] if row["is_new"]] == [NULL.name]
    assert document["mutations"][0]["test"] == "tests/test_a.py::test_list"


def test_junit_has_a_failure_for_each_new_survivor() -> None:
    root = ElementTree.fromstring(render(report((NEXT.name,)), "junit"))  # noqa: S314 - our own text
    assert {(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root} == {
        ("get_package", "1", "1"),
        ("list_packages", "2", "0"),
    }
    assert [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None] == [NULL.name]
