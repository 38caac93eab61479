"""`exec --provenance` prints what the tests of any runner rest on, and writes it as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_serve import command, environment

pytestmark = pytest.mark.slow

PROGRAM = """
import os, requests
session = requests.Session()
session.headers["Authorization"] = "Token " + os.environ["OMS_TOKEN"]
names = [None, None] if len(os.environ.get("UNNAMED", "")) else ["list", "ranges"]
for name, path in zip(names, ("?state=35", "delivery-ranges/")):
    url = os.environ["OMS_URL"] + "/api/v1/oms/packages/" + path
    assert session.get(url, headers={"X-Emulator-Test": name} if name else {}, timeout=10).ok
"""


def run(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("exec", *options, "--", sys.executable, "-c", PROGRAM),
        cwd=folder,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_summary_is_printed_after_the_command(tmp_path: Path) -> None:
    done = run(tmp_path, "--provenance")
    assert (done.returncode, done.stdout) == (0, "")
    assert (
        "oms-emulator: 1 of 2 tests rest on 1 assumptions:\n  1 test: filter package.state: assumed, " in done.stderr
    )


def test_without_names_the_requests_are_counted(tmp_path: Path) -> None:
    done = run(tmp_path, "--provenance", UNNAMED="1")
    assert "oms-emulator: 1 of 2 requests rest on 1 assumptions:\n  1 request: filter package.state" in done.stderr


def test_the_report_is_json(tmp_path: Path) -> None:
    """The option turns provenance on."""
    assert run(tmp_path, "--provenance-report", "report.json").returncode == 0
    (assumption,) = json.loads((tmp_path / "report.json").read_bytes())["tests"]["assumptions"]
    assert (assumption["name"], assumption["count"], assumption["tests"]) == ("package.state", 1, ["list"])


def test_nothing_is_printed_without_the_option(tmp_path: Path) -> None:
    assert "assumption" not in run(tmp_path).stderr


def test_a_report_that_cannot_be_written_stops_the_command_early(tmp_path: Path) -> None:
    done = run(tmp_path, "--provenance-report", "missing/report.json")
    assert done.returncode == 2
    assert "the folder missing does not exist" in done.stderr
