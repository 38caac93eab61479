"""The npm package, built once for each process of a test run and installed in an empty folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.browser.conftest import chromium  # noqa: F401 - a fixture
from tests.support.node import missing_tools

ROOT = Path(__file__).resolve().parents[2]


class Served(NamedTuple):
    """A running server and its process."""

    url: str
    process: subprocess.Popen[str]


class Command(NamedTuple):
    """A command line of the emulator: that of Python or that of the npm package."""

    words: tuple[str, ...]
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.words, *arguments], cwd=self.folder, capture_output=True, text=True, check=False, timeout=300
        )

    @contextmanager
    def serve(self, *arguments: str) -> Iterator[Served]:
        """Run the server, and stop it with SIGTERM."""
        command = [*self.words, "serve", "--port", "0", *arguments]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                ready, _, url = process.stdout.readline().strip().partition(" ")
                assert ready == "ready:", f"{command} does not serve"
                yield Served(url, process)
            finally:
                process.terminate()


@pytest.fixture(scope="session")
def python_command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command((str(Path(sys.executable).with_name("oms-emulator")),), tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the package is installed, with the versions of the lock file."""
    if reason := missing_tools():
        pytest.skip(reason)
    done = subprocess.run(
        [sys.executable, "-m", "tools.make_npm", "--playground"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = (ROOT / "dist").glob("oms-emulator-*.tgz")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text(json.dumps({"private": True}), "utf-8")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", str(archive)]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def npm_command(installed: Path) -> Command:
    return Command((str(installed / "node_modules" / ".bin" / "oms-emulator"),), installed)
