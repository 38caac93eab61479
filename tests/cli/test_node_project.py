"""A project with the test runner of Node is mutated, swept, and asked for its assumptions, as one with pytest."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_serve import command, environment
from tests.examples.test_examples import needs_node

pytestmark = [pytest.mark.gate, needs_node]

PROJECT = Path(__file__).with_name("node_project")
NPM_TEST = ("--", "npm", "test")
SHIPPED, NUMBER = "shipped packages have numbers", "a number is set"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(PROJECT, tmp_path / "shop")


@pytest.fixture
def run(folder: Path) -> Run:
    """Return a function that runs a command of `oms-emulator` in a copy of the project."""

    def go(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            cwd=folder,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    return go


def mutations(folder: Path) -> dict[str, tuple[str, str]]:
    """Return name -> outcome and nearest test of the mutations in a report."""
    rows = json.loads((folder / "report.json").read_bytes())["mutations"]
    return {row["name"]: (row["outcome"], row["test"]) for row in rows}


def test_mutate_finds_the_blind_spot_and_nothing_else(run: Run, folder: Path) -> None:
    """No test looks at the states of the list. Missing and smaller pages, missing keys and refusals are noticed."""
    patterns = ("filter-ignored", "next-missing", "page-halved", "key-null:list_packages_short:results.number")
    only = [word for pattern in patterns for word in ("--only", pattern)]
    done = run("mutate", *only, "--format", "json", "-o", "report.json", *NPM_TEST)
    assert done.returncode == 1, done.stdout + done.stderr
    assert mutations(folder) == {
        "filter-ignored:list_packages_short:state": ("survived", SHIPPED),
        "next-missing:list_packages_short": ("killed", SHIPPED),
        "page-halved:list_packages_short": ("handled", SHIPPED),
    }
    assert "1 of 2 changes were noticed by no test; 50.0 % were noticed" in done.stderr


def test_mutate_is_quiet_if_the_tests_look_at_the_states(run: Run, folder: Path) -> None:
    tests = folder / "shop.test.js"
    text = tests.read_text("utf-8").replace("assert.ok(row.number);", 'assert.equal(row.state.name, "Shipped");')
    tests.write_text(text, "utf-8")
    done = run("mutate", "--only", "filter-ignored", *NPM_TEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 1 changes were noticed by no test; 100.0 % were noticed" in done.stdout


def test_sweep_shows_the_write_that_is_made_twice(run: Run) -> None:
    """The client repeats a write after a lost response. The grid is the same in each run."""
    arguments = ("sweep", "--kind", "lost_response", "--kind", "reset", "--kind", "status-503", "--format", "json")
    done = run(*arguments, *NPM_TEST)
    assert done.returncode == 1, done.stdout + done.stderr
    assert outcomes(done.stdout) == {
        ("GET /api/v1/oms/packages/short/", 1): ["failed cleanly", "failed cleanly", "failed cleanly"],
        ("GET /api/v1/oms/packages/short/", 2): ["failed cleanly", "failed cleanly", "failed cleanly"],
        ("POST /api/v1/oms/packages/6501/set_remote_id/", 1): ["failed cleanly", "survived", "wrote twice"],
    }
    assert outcomes(run(*arguments, *NPM_TEST).stdout) == outcomes(done.stdout)


def outcomes(output: str) -> dict[tuple[str, int], list[str]]:
    """Return the rows of the only grid in the output, after that of npm."""
    (grid,) = json.loads(output[output.index("\n{\n") :])["grids"]
    calls: list[tuple[Any, list[str]]] = [(row["call"], row["outcomes"]) for row in grid["rows"]]
    return {(f"{method} {path}", number): found for (method, path, number), found in calls}


def test_exec_names_the_tests_that_rest_on_assumptions(run: Run, folder: Path) -> None:
    done = run("exec", "--provenance-report", "report.json", *NPM_TEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "oms-emulator: 2 of 2 tests rest on " in done.stderr
    rows = json.loads((folder / "report.json").read_bytes())["tests"]["assumptions"]
    tests = {row["name"]: row["tests"] for row in rows}
    assert (tests["package.state"], tests["body fields: set-remote-id.remote_id"]) == ([SHIPPED], [NUMBER])
