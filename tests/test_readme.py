"""All commands and programs of the README work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.cli import main

pytestmark = pytest.mark.slow

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text("utf-8")
PRINTED_URL = "http://127.0.0.1:8080"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines() if line]
PROGRAMS = blocks("python")
SCRIPTS = blocks("sh")


@pytest.fixture
def url() -> Iterator[str]:
    with Emulator("demo") as oms:
        yield oms.url


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_works(line: str, url: str) -> None:
    """The response of curl is not an error."""
    words = shlex.split(line.replace(PRINTED_URL, url))
    done = subprocess.run(
        [words[0], "--fail", "--silent", "--show-error", *words[1:]], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_works(program: str, url: str) -> None:
    """It ends without an error, and its assertions hold."""
    text = program.replace(PRINTED_URL, url)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_a_shell_script_works(script: str, url: str, tmp_path: Path) -> None:
    """It ends without an error, and writes a valid scenario."""
    text = script.replace(PRINTED_URL, url).replace("oms-emulator", f"{sys.executable} -m emulator.cli")
    environment = os.environ | {"PYTHONPATH": str(README.parent)}
    done = subprocess.run(
        ["/bin/sh", "-ec", text], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (scenario,) = tmp_path.glob("*.json")
    assert Emulator(str(scenario)).session().get("/api/v1/oms/packages/").json()["count"] >= 20


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`oms-emulator ([a-z]+)", TEXT))))
def test_a_named_command_exists(command: str) -> None:
    assert command in main.commands


def test_examples_were_found() -> None:
    """The patterns of this module match."""
    assert len(COMMANDS) >= 5
    assert len(PROGRAMS) >= 2
    assert len(SCRIPTS) >= 1
