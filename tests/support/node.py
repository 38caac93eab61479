"""Node tools, installed once for all processes of a test run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
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
        stamp = self.installed / ".installed-from"
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            wanted = hashlib.sha256((self.folder / "package-lock.json").read_bytes()).hexdigest()
            if stamp.is_file() and stamp.read_text("utf-8") == wanted:
                return
            done = run_command(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], self.folder)
            assert done.code == 0, done.text
            stamp.write_text(wanted, "utf-8")

    def run(self, name: str, *arguments: str | Path, within: Path | None = None) -> CommandResult:
        """Run an installed tool."""
        return run_command([str(self.installed / ".bin" / name), *map(str, arguments)], within or self.folder)


def missing_tools() -> str | None:
    """Return the reason why the tools cannot run, or None."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


def run_command(command: list[str], within: Path) -> CommandResult:
    done = subprocess.run(
        command, cwd=within, env=os.environ | QUIET_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return CommandResult(done.returncode, done.stdout + done.stderr)
