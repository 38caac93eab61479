"""The example suite has twenty blind spots. `mutate` finds each of them, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.test_serve import command, environment
from tests.examples.test_examples import EXAMPLES, TIMEOUT

FOLDER = EXAMPLES / "mutation"
PLANTED = re.compile(r"^\| `([\w-]+:[^`]+)` \|", re.MULTILINE)
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "pytest_oms_emulator", "-p", "no:cacheprovider", "-n", "0")


def planted() -> list[str]:
    """Return the names in the table of the example's README."""
    return PLANTED.findall((FOLDER / "README.md").read_text("utf-8"))


def test_all_planted_blind_spots_are_found_and_none_is_invented(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ("--results", str(tmp_path / "results.jsonl"), "--format", "json", "-o", str(report))
    variables = {key: value for key, value in environment({}).items() if not key.startswith(("PYTEST_", "OMS_"))}
    variables.pop("PYTHONWARNINGS")
    done = subprocess.run(
        command("mutate", *options, "--", *PYTEST),
        cwd=FOLDER,
        env=variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert "40 passed" in done.stdout, done.stdout + done.stderr
    rows = json.loads(report.read_text("utf-8"))["mutations"]
    assert len(planted()) == 20
    assert sorted(row["name"] for row in rows if row["outcome"] == "survived") == sorted(planted())
    assert {row["outcome"] for row in rows} >= {"killed", "handled", "no effect"}
    assert done.returncode == 1
