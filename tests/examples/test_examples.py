"""The example projects pass, as a user runs them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_serve import environment
from tests.support.browsers import CHROMIUM

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
TIMEOUT = 300

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="node or npm is not installed"
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def done(folder: str, *words: str, **extra: str) -> str:
    """Run a command in an example's folder to its good end; give what it printed."""
    plain = {key: value for key, value in environment(extra).items() if not key.startswith(("PYTEST_", "OMS_"))}
    plain.pop("PYTHONWARNINGS")  # theirs to decide
    process = subprocess.run(
        words, cwd=EXAMPLES / folder, env=plain, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    told = process.stdout + process.stderr
    assert process.returncode == 0, told
    return told


def beside_an_emulator(folder: str, *words: str, **extra: str) -> str:
    return done(folder, sys.executable, "-m", "emulator.cli", "exec", "--", *words, **extra)


def in_pytest(*arguments: str) -> str:
    plugin = ("-p", "pytest_oms_emulator", "-p", "no:cacheprovider")
    return done("pytest", sys.executable, "-m", "pytest", *plugin, *arguments)


def test_the_pytest_example_passes() -> None:
    assert "9 passed" in in_pytest("-n", "2")


def test_the_pytest_example_speaks_to_another_server() -> None:
    """Tests that need a separate world are skipped with a reason. The others pass."""
    again = (sys.executable, "-m", "pytest", "-p", "emulator.pytest_plugin", "-p", "no:cacheprovider", "-rs")
    told = beside_an_emulator("pytest", "sh", "-c", 'exec "$@" --oms-target "$OMS_URL"', "sh", *again)
    assert "2 passed, 7 skipped" in told
    assert "`oms` is an emulator of this process" in told


@needs_node
def test_the_node_example_passes() -> None:
    told = beside_an_emulator("node", "npm", "test")
    assert re.search(r"(#|ℹ) pass 4\b", told), told


@needs_node
@needs_chromium
def test_the_playwright_example_passes_with_workers_side_by_side() -> None:
    """One emulator, two workers, a world for each; the browser is the one that is installed."""
    install(EXAMPLES / "playwright")
    told = beside_an_emulator("playwright", "npm", "test", CHROMIUM=str(CHROMIUM), WORKERS="2")
    assert "using 2 workers" in told
    assert "6 passed" in told


def install(folder: Path) -> None:
    """Install what the lock file says, unless it is there; no browser is downloaded."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
        stamp = folder / "node_modules" / ".installed-from"
        if stamp.is_file() and stamp.read_text("utf-8") == wanted:
            return
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        settings = os.environ | {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
        process = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout + process.stderr
        stamp.write_text(wanted, "utf-8")


@pytest.mark.parametrize("folder", sorted(each.name for each in EXAMPLES.iterdir() if each.is_dir()))
def test_every_example_is_listed_and_explained(folder: str) -> None:
    assert f"({folder})" in (EXAMPLES / "README.md").read_text("utf-8")
    assert (EXAMPLES / folder / "README.md").is_file()
