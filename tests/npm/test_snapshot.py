"""The snapshot of the imports contains nothing of the machine that made it, and the package works without it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.gate


def start_twice(installed: Path, *options: str) -> tuple[Any, str]:
    command = ["node", str(Path(__file__).with_name("start.mjs")), str(installed), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_environment_and_random_numbers_are_fresh(installed: Path) -> None:
    result, warnings = start_twice(installed)
    (names, number, is_imported), (other_names, other_number, _) = result["starts"]
    assert warnings == ""
    assert is_imported
    assert number != other_number
    assert "ONE" in names
    assert "TWO" not in names
    assert set(names) ^ set(other_names) == {"ONE", "TWO"}


def test_version_of_pyodide_is_that_of_the_snapshot(installed: Path) -> None:
    result, _ = start_twice(installed)
    assert result["isPinned"]


def test_broken_snapshot_is_replaced_by_a_normal_start(installed: Path) -> None:
    result, warnings = start_twice(installed, "broken")
    assert not any(is_imported for _, _, is_imported in result["starts"])
    assert "starts without its snapshot" in warnings
