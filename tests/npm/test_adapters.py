"""The adapters of the npm package work with the tools that they are for, and the types compile, in the example."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.npm.conftest import ROOT
from tests.support.browsers import CHROMIUM
from tests.support.node import NodeTools

pytestmark = pytest.mark.gate

EXAMPLE = ROOT / "examples" / "front-end"


@pytest.fixture(scope="module")
def project(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example in which the package is installed."""
    tools = NodeTools(EXAMPLE)
    tools.install()
    folder = tmp_path_factory.mktemp("example") / "front-end"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", ".lock"))
    modules = folder / "node_modules"
    modules.mkdir()
    for path in tools.installed.iterdir():
        (modules / path.name).symlink_to(path)
    for name in ("oms-emulator", "pyodide"):
        shutil.copytree(installed / "node_modules" / name, modules / name)
    return folder


@pytest.mark.parametrize("command", [["tsc"], ["vitest", "run"], ["vite", "build"]], ids=" ".join)
def test_command_of_the_example_succeeds(project: Path, command: list[str]) -> None:
    run(project, *command)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_fixture_of_playwright(project: Path) -> None:
    assert "1 passed" in run(project, "playwright", "test")


def run(project: Path, name: str, *arguments: str) -> str:
    command = [str(project / "node_modules" / ".bin" / name), *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def test_wrong_types_are_refused(project: Path) -> None:
    """An unknown mode and an unknown method are errors of the compiler."""
    wrong = project / "src" / "wrong.ts"
    wrong.write_text(
        'import { setupEmulator } from "oms-emulator";\n'
        "const oms = await setupEmulator();\n"
        'await oms.putClock({ mode: "sideways" });\n'
        "await oms.makePackages();\n",
        "utf-8",
    )
    command = [str(project / "node_modules" / ".bin" / "tsc")]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    wrong.unlink()
    assert [line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("src/wrong.ts")] == [
        "src/wrong.ts(3,22)",
        "src/wrong.ts(4,11)",
    ], done.stdout
