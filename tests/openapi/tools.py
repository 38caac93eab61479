"""Tools of Node that judge the document, installed once for all processes of a test run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "node"
INSTALLED = HERE / "node_modules"
STAMP = INSTALLED / ".installed-from"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


class Done(NamedTuple):
    code: int
    text: str


def missing() -> str | None:
    """Name what keeps the tools from running here, if something does."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


def install() -> None:
    """Install what the lock file says, unless it is there; other processes wait for it."""
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
        if STAMP.is_file() and STAMP.read_text("utf-8") == wanted:
            return
        done = call(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        assert done.code == 0, done.text
        STAMP.write_text(wanted, "utf-8")


def tool(name: str, *arguments: str | Path) -> Done:
    """Run one of the installed tools."""
    return call([str(INSTALLED / ".bin" / name), *map(str, arguments)])


def call(command: list[str]) -> Done:
    done = subprocess.run(command, cwd=HERE, env=os.environ | QUIET, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout + done.stderr)
