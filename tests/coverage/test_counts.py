"""Counts of several runs add up, whatever their order; files that hold none are refused in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from emulator.coverage.counts import (
    Counts,
    CoverageError,
    clear_counts,
    counts_of,
    default_graph,
    merge_counts,
    read_counts,
)
from emulator.coverage.report import build_report, write_counts
from emulator.domain.scenario_files import FOLDER
from emulator.state.journal import DIMENSIONS, Coverage
from tests.cli.test_serve import environment

pytestmark = pytest.mark.slow

LIST = "/api/v1/oms/packages/"

names = st.sampled_from(["list_packages", "a", "b c", "ç"])
graphs = st.sampled_from([default_graph(), default_graph() | {"installation": "mine.json"}])
some_counts = st.builds(
    Counts,
    st.dictionaries(st.sampled_from(list(DIMENSIONS)), st.dictionaries(names, st.integers(1, 9))),
    st.lists(graphs, max_size=2).map(tuple),
)


@given(some_counts, some_counts, some_counts)
def test_runs_add_up_in_any_order_and_grouping(one: Counts, two: Counts, three: Counts) -> None:
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert merge_counts([one, two, three]) == merge_counts([three, one, two])


@given(some_counts)
def test_nothing_changes_nothing(one: Counts) -> None:
    assert one + merge_counts([]) == merge_counts([one]) == merge_counts([merge_counts([one])])


@given(st.lists(some_counts, max_size=3))
def test_a_sum_has_every_count_and_each_graph_once(parts: list[Counts]) -> None:
    total = merge_counts(parts)
    for dimension in DIMENSIONS:
        hits = [part.hits.get(dimension, {}) for part in parts]
        assert total.hits[dimension] == {
            name: sum(one.get(name, 0) for one in hits) for name in {name for one in hits for name in one}
        }
    installations = [graph["installation"] for graph in total.graphs]
    assert sorted(installations) == sorted({graph["installation"] for part in parts for graph in part.graphs})


def used(*paths: str) -> Coverage:
    oms = Emulator("empty")
    for path in paths:
        oms.session().get(path)
    return oms.world.coverage


def test_file_contains_the_counts(tmp_path: Path) -> None:
    coverage = used(LIST, f"{LIST}?state=35", "/nowhere/")
    file = write_counts(tmp_path / "counts.json", coverage)
    assert file == tmp_path / "counts.json"
    assert read_counts([file]) == counts_of(coverage)
    write_counts(file, coverage)  # over an earlier one
    assert read_counts([file, file]).hits["operations"] == {"list_packages": 4}


def test_threads_count_every_time() -> None:
    """Eight at once lose nothing."""
    coverage = Coverage()
    met = (("operations", "list_packages"), ("statuses", "list_packages 200"))
    threads = [Thread(target=lambda: [coverage.add(met) for _ in range(2000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = coverage.counts()
    assert (counts["operations"], counts["statuses"]) == ({"list_packages": 16000}, {"list_packages 200": 16000})


SCENARIOS = ("demo", "empty", "documented/package-detail", "documented/transfer-order-list")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_of_an_installation_has_its_one_graph(scenario: str) -> None:
    """Runs of different scenarios add up to one graph. Documented scenarios add no graph."""
    oms = Emulator(scenario)
    oms.session().get(LIST)
    assert counts_of(oms.world.coverage).graphs == (default_graph(),)


PROCESS = f"""
from emulator import Emulator
from emulator.coverage.report import write_counts
oms = Emulator("empty")
for _ in range({{times}}):
    oms.session().get("{LIST}")
write_counts("{{folder}}", oms.world.coverage)
"""


def test_processes_write_into_one_folder_at_once(tmp_path: Path) -> None:
    """Each process writes a file that is named by its id or its xdist worker. Read together, they are the sum."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS.format(times=times, folder=tmp_path)],
            env={key: value for key, value in environment(extra).items() if extra or key != "PYTEST_XDIST_WORKER"},
        )
        for times, extra in ((2, {}), (3, {"PYTEST_XDIST_WORKER": "gw7"}))
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    assert {file.name for file in tmp_path.iterdir()} == {f"coverage-{started[0].pid}.json", "coverage-gw7.json"}
    assert read_counts([tmp_path]).hits["operations"] == {"list_packages": 5}


def test_a_folder_is_made_ready_for_a_new_run(tmp_path: Path) -> None:
    """Earlier counts go; what is somebody else's stays."""
    folder = tmp_path / "new" / "run"
    clear_counts(folder)
    write_counts(folder, used(LIST))
    (folder / "coverage-mine.json").write_text('{"mine": 1}')
    (folder / "notes.txt").write_text("mine")
    clear_counts(folder)
    assert {file.name for file in folder.iterdir()} == {"coverage-mine.json", "notes.txt"}


def test_installations_are_counted_separately(tmp_path: Path) -> None:
    """A run on one's own installation brings its transitions with it, readable where the installation is not."""
    oms = Emulator("demo", installation="second")
    oms.session().get(LIST)
    found = build_report(read_counts([write_counts(tmp_path / "a.json", oms.world.coverage)]))
    assert [graph["installation"] for graph in found.graphs] == ["second"]
    slugs = {each["name"] for part in ("packages", "transfers") for each in found.graphs[0][part]["transitions"]}
    assert set(found.missing["transitions"]) <= slugs
    both = build_report(merge_counts([found.counts, counts_of(used(LIST))]))
    assert {graph["installation"] for graph in both.graphs} == {"default", "second"}
    assert set(both.missing["transitions"]) > set(found.missing["transitions"])


def test_recorded_answers_bring_the_transitions_that_they_show(tmp_path: Path) -> None:
    """A scenario of recorded responses has a separate graph."""
    document = json.loads((FOLDER / "documented" / "package-detail.json").read_bytes()) | {"name": "mine"}
    (tmp_path / "mine.json").write_text(json.dumps(document))
    oms = Emulator(tmp_path / "mine.json")
    oms.session().get(LIST)
    (graph,) = counts_of(oms.world.coverage).graphs
    shown = [each["slug"] for each in document["answers"][0]["body"]["commands"]]
    assert graph["installation"] == "mine"
    assert [each["slug"] for each in graph["packages"]["transitions"]] == shown != []


GOOD = {"percent": 0, "met": 0, "total": 0, "dimensions": {}, "graphs": []}
BROKEN: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "is not JSON"),
    "empty": ("", "is not JSON"),
    "a list": ("[]", "is not a coverage file"),
    "a scenario": ('{"name": "x"}', "is not a coverage file"),
    "an unknown dimension": (json.dumps(GOOD | {"dimensions": {"speed": {}}}), "/dimensions/speed"),
    "a count that is none": (
        json.dumps(
            GOOD
            | {
                "dimensions": {
                    "operations": {
                        "title": "",
                        "percent": 0,
                        "met": 0,
                        "total": 0,
                        "missing": [],
                        "counts": {"list_packages": -1},
                    }
                }
            }
        ),
        "/dimensions/operations/counts/list_packages",
    ),
    "bytes": ("\x00\x01", "is not JSON"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "coverage.json"
    file.write_text(text)
    with pytest.raises(CoverageError) as raised:
        read_counts([file])
    assert str(file) in str(raised.value)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def foreign(path: Path) -> Path:
    path.write_text('{"precious": 1}')
    return path


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file that is not there": (lambda path: read_counts([path / "none.json"]), "cannot read"),
    "a folder without any": (lambda path: read_counts([folder(path / "f")]), "there is no coverage*.json in"),
    "over a file of somebody else": (
        lambda path: write_counts(foreign(path / "mine.json"), Coverage()),
        "is not a coverage file",
    ),
    "into no folder": (lambda path: write_counts(path / "no" / "a.json", Coverage()), "there is no folder"),
    "a folder that is a file": (lambda path: clear_counts(foreign(path / "mine")), "cannot create the folder"),
}


@pytest.mark.parametrize(("act", "said"), WRONG.values(), ids=WRONG)
def test_unreadable_or_unwritable_file_gives_a_one_line_error(
    tmp_path: Path, act: Callable[[Path], object], said: str
) -> None:
    with pytest.raises(CoverageError, match=said.replace("*", r"\*")) as raised:
        act(tmp_path)
    assert str(tmp_path) in str(raised.value)
    assert [file.read_text() for file in tmp_path.glob("mine*")] in ([], ['{"precious": 1}'])
