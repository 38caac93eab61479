"""`oms-emulator mutate` and `sweep`: with pytest, and with a program that gets only the URL of the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_serve import command, environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = """
import os, sys, requests
session = requests.Session()
session.headers["Authorization"] = "Token " + os.environ["OMS_TOKEN"]
url = os.environ["OMS_URL"] + "/api/v1/oms/packages/"
{}
"""
BLIND = PROGRAM.format("""
rows = session.get(url, params={"state": 42, "limit": 5}, timeout=10).json()["results"]
assert len(rows) == 5
""")
SEEING = PROGRAM.format("""
page = session.get(url, params={"state": 42, "limit": 5}, timeout=10).json()
assert {row["state"]["name"] for row in page["results"]} == {"Shipped"}
assert len(page["results"]) == 5 and page["next"]
""")
RETRIES = PROGRAM.format("""
for _ in range(2):
    try:
        response = session.post(url + "6501/set_remote_id/", json={"remote_id": "A"}, timeout=10)
    except requests.ConnectionError:
        continue
    sys.exit(not response.ok)
""")
PATIENT = PROGRAM.format("""
sys.exit(not session.get(url + "6501/").ok)
""")
IN_PYTEST = """
import pytest

def test_list(oms):
    rows = oms.session().get("/api/v1/oms/packages/", params={"limit": 5}).json()["results"]
    assert rows[0].get("number") != ""
"""
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "pytest_oms_emulator", "-p", "no:cacheprovider")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command of `oms-emulator` in an empty folder."""

    def go(*arguments: str) -> subprocess.CompletedProcess[str]:
        variables = environment({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        return subprocess.run(
            command(*arguments), cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=300, check=False
        )

    return go


def python(program: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", program)


def outcomes(path: Path) -> dict[str, str]:
    return {row["name"]: row["outcome"] for row in json.loads(path.read_text("utf-8"))["mutations"]}


def test_any_program_runs_again_for_each_change(run: Run, tmp_path: Path) -> None:
    only = ("--only", "page-halved", "--only", "next-missing", "--only", "filter-ignored")
    done = run("mutate", *only, "--format", "json", "-o", "blind.json", *python(BLIND))
    assert done.returncode == 1, done.stderr
    assert outcomes(tmp_path / "blind.json") == {
        "page-halved:list_packages": "killed",
        "next-missing:list_packages": "survived",
        "filter-ignored:list_packages:state": "survived",
    }
    assert "2 of 3 changes were noticed by no test" in done.stderr
    assert (tmp_path / ".oms-emulator" / ".gitignore").read_text() == "*\n"

    assert run("mutate", *only, *python(SEEING)).returncode == 0


def test_a_baseline_and_a_minimum_decide_what_is_a_finding(run: Run) -> None:
    only = ("--only", "next-missing", "--only", "page-halved")
    assert run("mutate", *only, "--format", "json", "-o", "old.json", *python(BLIND)).returncode == 1
    assert run("mutate", *only, "--since", "old.json", *python(BLIND)).returncode == 0
    assert run("mutate", *only, "--fail-under", "50", *python(BLIND)).returncode == 0
    assert run("mutate", *only, "--fail-under", "51", *python(BLIND)).returncode == 1


def test_a_run_continues(run: Run, tmp_path: Path) -> None:
    arguments = ("mutate", "--only", "next-missing", "--results", "results.jsonl")
    run(*arguments, *python(BLIND))
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    changed = lines[1].replace("survived", "killed")
    (tmp_path / "results.jsonl").write_text("\n".join([lines[0], changed]) + "\n")
    assert run(*arguments, "--resume", *python(BLIND)).returncode == 0, "the result of the file is used"
    done = run(*arguments, "--resume", *python(SEEING))
    assert done.returncode == 2
    assert "is of another command" in done.stderr


def test_pytest_runs_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "test_list.py").write_text(IN_PYTEST)
    done = run("mutate", "--format", "json", "-o", "report.json", "--", *PYTEST)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("1 passed") == 1
    assert outcomes(tmp_path / "report.json") == {
        "key-missing:list_packages:results.number": "survived",
        "page-halved:list_packages": "survived",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mutate", "--only", "next", "--", "true"), "unknown kind of mutation 'next'"),
        (("mutate", "--", "true"), "makes no request to the emulator"),
        (("mutate", "--", "false"), "the command fails as it is (exit code 1)"),
        (("mutate", "--", "./missing"), "./missing: command not found"),
        (("mutate", "--since", "missing.json", "--", "true"), "missing.json"),
        (("mutate",), "Missing argument"),
        (("sweep", "--kind", "rest", "--", "true"), "unknown kind of fault 'rest'"),
        (("sweep", "--", "true"), "makes no request to the emulator"),
        (("sweep", "--", "false"), "the command fails as it is (exit code 1)"),
    ],
)
def test_command_that_cannot_run_gives_a_one_line_error(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def grid(text: str) -> dict[str, Any]:
    (only,) = json.loads(text)["grids"]
    (row,) = only["rows"]
    return dict(zip(only["kinds"], row["outcomes"], strict=True))


def test_any_program_is_swept(run: Run) -> None:
    arguments = ("--kind", "lost_response", "--kind", "reset", "--kind", "status-503", "--format", "json")
    done = run("sweep", *arguments, *python(RETRIES))
    assert done.returncode == 1, done.stderr
    assert grid(done.stdout) == {"status-503": "failed cleanly", "reset": "survived", "lost_response": "wrote twice"}
    assert run("sweep", *arguments, *python(RETRIES)).stdout == done.stdout, "the same grid twice"


def test_a_program_without_a_timeout_hangs(run: Run) -> None:
    done = run("sweep", "--kind", "delay", "--hang-after", "0.5", *python(PATIENT))
    assert done.returncode == 1
    assert "1 hung, 0 wrote twice, 0 lost a write" in done.stderr


def test_a_program_with_a_timeout_does_not_hang(run: Run) -> None:
    program = PATIENT.replace('6501/")', '6501/", timeout=3)')
    done = run("sweep", "--kind", "delay", "--hang-after", "30", "--format", "json", *python(program))
    assert grid(done.stdout) == {"delay": "failed cleanly"}
    assert done.returncode == 0


def test_all_tests_of_pytest_are_swept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "test_list.py").write_text(IN_PYTEST)
    done = run("sweep", "--kind", "reset", "--", *PYTEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GET /api/v1/oms/packages/  fails" in done.stdout
