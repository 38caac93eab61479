"""`oms-emulator coverage`: runs added up, four forms, a bar; and `serve --coverage`, which writes what it reads."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import junitparser
import pytest
import requests
from click.testing import CliRunner, Result

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.cli import main
from emulator.core.credentials import CREDENTIALS
from emulator.coverage.counts import read_counts
from emulator.coverage.report import build_report, write_counts
from tests.cli.test_serve import LIST, Serve, ended, ready, refused, serve

__all__ = ["serve"]  # the fixture that starts a process

FULL = {"Authorization": "Token full-access"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["coverage", *map(str, arguments)])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with the counts of two runs: one listed packages, the other transfer orders."""
    for name, path in (("coverage-1.json", LIST), ("coverage-2.json", "/api/v1/oms/transfer_orders/")):
        oms = Emulator("empty")
        oms.session().get(path)
        write_counts(tmp_path / name, oms.world.coverage)
    return tmp_path


def test_files_and_folders_add_up(runs: Path) -> None:
    """One file, both, and their folder."""
    one, two = run(runs / "coverage-1.json"), run(runs / "coverage-1.json", runs / "coverage-2.json")
    assert (one.exit_code, two.exit_code) == (0, 0)
    assert [re.search(r"^operations called +(\d+) of", each.stdout)[1] for each in (one, two)] == ["1", "2"]
    assert run(runs).stdout == two.stdout


def test_every_form_goes_to_stdout_or_to_a_file(runs: Path) -> None:
    for form in ("text", "json", "junit", "html"):
        printed = run(runs, "--format", form)
        written = run(runs, "--format", form, "-o", runs / "report")
        assert (printed.exit_code, written.exit_code) == (0, 0)
        assert (runs / "report").read_text("utf-8") == printed.stdout
        assert written.stdout.startswith("5 of ")
        assert len(written.stdout.splitlines()) == 1


def test_a_report_in_json_can_be_added_up_again(runs: Path) -> None:
    """So jobs can be merged step by step."""
    run(runs, "--format", "json", "-o", runs / "merged.json")
    assert read_counts([runs / "merged.json"]) == read_counts([runs])


def test_a_folder_is_searched_for_the_files_that_runs_wrote(runs: Path) -> None:
    """Any name of `--coverage` is found. Merged reports and other JSON files are not counted."""
    (runs / "coverage-2.json").rename(runs / "e2e.json")
    run(runs, "--format", "json", "-o", runs / "merged.json")
    (runs / "package.json").write_text('{"name": "shop", "run": true}')
    (runs / "empty.json").touch()
    (runs / "folder.json").mkdir()
    assert read_counts([runs]) == read_counts([runs / "coverage-1.json", runs / "e2e.json"])
    assert read_counts([runs]).hits["operations"] == {"list_packages": 1, "list_transfers": 1}


@pytest.mark.parametrize(("beside", "code"), [(-0.001, 0), (0, 0), (0.001, 1), (50, 1)])
def test_missed_bar_gives_exit_code_1_and_one_line(runs: Path, beside: float, code: int) -> None:
    """It is compared exactly, whatever the display rounds; the report is printed all the same."""
    found = build_report(read_counts([runs]))
    least = found.covered * 100 / found.total + beside
    result = run(runs, "--fail-under", repr(least))
    assert result.exit_code == code
    assert result.stdout == run(runs).stdout
    said = f"oms-emulator: 5 of {found.total} covered: {found.percent} %, less than {least:g} %\n"
    assert result.stderr == (said if code else "")


def test_junit_has_a_case_for_the_minimum(runs: Path) -> None:
    result = run(runs, "--format", "junit", "--fail-under", "50")
    suites = junitparser.JUnitXml.fromstring(result.stdout.encode())
    assert (result.exit_code, sum(suite.failures for suite in suites)) == (1, 1)


def test_dimensions_and_operations_can_be_chosen(runs: Path) -> None:
    chosen = run(
        runs, "--only", "operations, credentials", "--operations", "list_*", "--format", "json", "--fail-under", "20"
    )
    document = json.loads(chosen.stdout)
    lists = {route.operation for route in ROUTES if route.operation.startswith("list_")}
    assert {name: (each["met"], each["total"]) for name, each in document["dimensions"].items()} == {
        "operations": (2, len(lists)),
        "credentials": (1, 2 * len(CREDENTIALS) + 5),  # both schemes; one list takes a JWT
    }
    assert chosen.exit_code == 1


def spoiled(folder: Path, text: str) -> Path:
    (folder / "coverage-3.json").write_text(text)
    return folder


WRONG: dict[str, tuple[Any, str]] = {
    "no file": (lambda _: [], "Missing argument 'FILES...'"),
    "a file that is not there": (lambda folder: [folder / "none.json"], "cannot read"),
    "a broken file": (lambda folder: [spoiled(folder, "{")], "is not JSON"),
    "a foreign file": (lambda folder: [spoiled(folder, '{"a": 1}')], "is not a coverage file"),
    "a folder without any": (lambda folder: [folder.parent], "there is no coverage*.json in"),
    "an unknown form": (lambda folder: [folder, "--format", "pdf"], "'pdf' is not one of"),
    "an unknown dimension": (
        lambda folder: [folder, "--only", "speed"],
        "unknown dimension 'speed'; known: operations",
    ),
    "an unknown operation": (lambda folder: [folder, "--operations", "fly"], "no operation matches 'fly'"),
    "a bar beyond all": (lambda folder: [folder, "--fail-under", "101"], "101"),
    "a minimum that is not a number": (lambda folder: [folder, "--fail-under", "nan"], "is not a valid number"),
    "an output in no folder": (lambda folder: [folder, "-o", folder / "no" / "x"], "cannot write"),
    "an output that is a folder": (lambda folder: [folder, "-o", folder], "cannot write"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_invalid_options_give_a_one_line_error(runs: Path, arguments: Any, said: str) -> None:
    folder = runs / "runs"
    folder.mkdir()
    for file in runs.glob("*.json"):
        file.rename(folder / file.name)
    result = run(*arguments(folder))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


# serve -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_server_writes_its_coverage_when_it_stops(serve: Serve, tmp_path: Path, number: Any, code: int) -> None:
    """Counts go to a file, or to a new file in a folder. Counts that are read are added."""
    file, folder = tmp_path / "run.json", tmp_path / "runs"
    folder.mkdir()
    for target in (file, folder):
        process = serve("--port", "0", "--scenario", "empty", "--coverage", str(target))
        url = ready(process)
        for world in ("", "/w/other"):
            if world:
                requests.put(f"{url}/__admin/worlds/other", json={}, timeout=10)
            assert requests.get(f"{url}{world}{LIST}", headers=FULL, timeout=10).status_code == 200
        assert ended(process, number) == (code, "", "")
    assert [each.name for each in folder.iterdir()] == [f"coverage-{process.pid}.json"]
    assert run(file, folder, "--only", "operations", "--format", "json").exit_code == 0
    assert read_counts([file, folder]).hits["operations"] == {"list_packages": 4}


def test_a_server_that_could_not_write_it_does_not_start(tmp_path: Path) -> None:
    """Somebody else's file stays as it is."""
    (tmp_path / "mine.json").write_text('{"mine": 1}')
    line = refused("serve", "--port", "0", "--coverage", str(tmp_path / "mine.json"))
    assert "exists and is not a coverage file" in line
    assert "there is no folder" in refused("serve", "--port", "0", "--coverage", str(tmp_path / "no" / "a.json"))
    assert (tmp_path / "mine.json").read_text() == '{"mine": 1}'
