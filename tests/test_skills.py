"""The commands and programs of the skill files work, and their front matter is complete."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.test_serve import environment

SKILLS = sorted((Path(__file__).parent.parent / "skills").glob("*/SKILL.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"^`(\w+\.py)`:\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROGRAMS = {"oms-emulator": ("-m", "emulator.cli"), "pytest": ("-m", "pytest", "-p", "pytest_oms_emulator")}
"""Program in the skill files -> arguments of Python that run it from the source."""
MAX_DESCRIPTION = 1024
COMMANDS = [
    (path, line)
    for path in SKILLS
    for language, text in BLOCK.findall(path.read_text("utf-8"))
    if language == "bash"
    for line in text.splitlines()
]


@pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
def test_the_front_matter_is_complete(path: Path) -> None:
    """The name is the folder's, and the description fits into the limit of the format."""
    _, front, _ = path.read_text("utf-8").split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["name"] == path.parent.name
    assert 0 < len(matter["description"]) <= MAX_DESCRIPTION


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("path", "line"), COMMANDS, ids=[line[:60] for _, line in COMMANDS])
def test_a_command_works(path: Path, line: str, tmp_path: Path) -> None:
    """It ends with code 0 and prints something, in a folder with the files that the skill writes."""
    for name, text in FILE.findall(path.read_text("utf-8")):
        (tmp_path / name).write_text(text, "utf-8")
    add_programs(tmp_path / "bin")
    extra = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, env=environment(extra), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout != "") == (0, True), done.stdout + done.stderr


def add_programs(folder: Path) -> None:
    folder.mkdir()
    for name, arguments in PROGRAMS.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *arguments])} "$@"\n')
        program.chmod(0o755)
