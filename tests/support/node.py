"""Tools of Node and of Python, installed once for all processes of a test run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

QUIET_ENVIRONMENT = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


class CommandResult(NamedTuple):
    code: int
    text: str


class NodeTools(NamedTuple):
    """The tools in the lock file of a folder."""

    folder: Path

    @property
    def installed(self) -> Path:
        return self.folder / "node_modules"

    def install(self) -> None:
        """Install the tools of the lock file unless they are installed. Other processes wait."""
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        install_once(self.folder, "package-lock.json", self.installed, [command])

    def run(self, name: str, *arguments: str | Path, within: Path | None = None) -> CommandResult:
        """Run an installed tool."""
        return run_command([str(self.installed / ".bin" / name), *map(str, arguments)], within or self.folder)


class PythonTools(NamedTuple):
    """The tools in the file `requirements.txt` of a folder, in a separate virtual environment."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / ".venv" / "bin"

    def install(self) -> None:
        """Install the tools unless they are installed. Other processes wait."""
        environment = self.folder / ".venv"
        pip = [str(self.programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        commands = [
            [sys.executable, "-m", "venv", "--clear", str(environment)],
            [*pip, "--no-deps", "--requirement", "requirements.txt"],
        ]
        install_once(self.folder, "requirements.txt", environment, commands)

    def run(self, name: str, *arguments: str | Path, within: Path) -> CommandResult:
        """Run an installed tool. It finds the other tools in its path."""
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return run_command([str(self.programs / name), *map(str, arguments)], within, {"PATH": path})


def install_once(folder: Path, lock_file: str, installed: Path, commands: list[list[str]]) -> None:
    """Run the commands that install a lock file, unless they have run for this file. Other processes wait."""
    stamp = installed / ".installed-from"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256((folder / lock_file).read_bytes()).hexdigest()
        if stamp.is_file() and stamp.read_text("utf-8") == wanted:
            return
        for command in commands:
            done = run_command(command, folder)
            assert done.code == 0, done.text
        stamp.write_text(wanted, "utf-8")


def missing_tools() -> str | None:
    """Return the reason why the tools cannot run, or None."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


def run_command(command: list[str], within: Path, environment: dict[str, str] | None = None) -> CommandResult:
    done = subprocess.run(
        command,
        cwd=within,
        env=os.environ | QUIET_ENVIRONMENT | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout + done.stderr)
