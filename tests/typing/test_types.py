"""The wheel is typed: mypy and pyright find each planted mistake of a client, and none in its correct twin."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.node import NodeTools, missing_tools
from tools.make_types import TARGET, generate

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE = NodeTools(HERE / "node")
MISTAKES = [
    number
    for number, line in enumerate((HERE / "mistakes.py").read_text("utf-8").splitlines(), 1)
    if line.endswith("  # mistake")
]


def run(*command: str | Path, within: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=within, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the client's files, and in `.venv` the wheel beside the dependencies of this run."""
    folder = tmp_path_factory.mktemp("client")
    wheel = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, within=folder)
    assert wheel.returncode == 0, wheel.stderr
    venv = run(sys.executable, "-m", "venv", "--without-pip", ".venv", within=folder)
    assert venv.returncode == 0, venv.stderr
    (packages,) = (folder / ".venv").glob("lib/python*/site-packages")
    shutil.unpack_archive(str(next(folder.glob("*.whl"))), packages, "zip")
    for name in ("correct.py", "mistakes.py"):
        shutil.copy(HERE / name, folder)
    (packages / "dependencies.pth").write_text(str(Path(pytest.__file__).parent.parent))
    return folder


def mypy_lines(folder: Path, name: str) -> set[int]:
    """Return the lines of the errors that mypy reports."""
    done = run(
        *(sys.executable, "-m", "mypy", "--strict", "--python-executable", folder / ".venv/bin/python", name),
        within=folder,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return {int(line) for line in re.findall(rf"^{name}:(\d+): error", done.stdout, re.MULTILINE)}


def pyright_lines(folder: Path, name: str) -> set[int]:
    """Return the lines of the errors that pyright reports."""
    if reason := missing_tools():
        pytest.skip(reason)
    NODE.install()
    done = NODE.run("pyright", "--outputjson", "--pythonpath", folder / ".venv/bin/python", name, within=folder)
    assert done.code in (0, 1), done.text
    diagnostics = json.loads(done.text)["generalDiagnostics"]
    return {each["range"]["start"]["line"] + 1 for each in diagnostics if each["severity"] == "error"}


@pytest.mark.gate
@pytest.mark.parametrize("check", [mypy_lines, pyright_lines])
def test_each_mistake_is_reported_and_nothing_else(check: Callable[[Path, str], set[int]], installed: Path) -> None:
    assert len(MISTAKES) == 25
    assert check(installed, "mistakes.py") == set(MISTAKES)
    assert check(installed, "correct.py") == set()


@pytest.mark.slow
def test_the_generated_types_are_up_to_date() -> None:
    """Run `make types` if this fails."""
    assert TARGET.read_text("utf-8") == generate()
