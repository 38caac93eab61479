"""What a release needs: importable on Windows, and valid workflow files. `make release-check` builds and installs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIKE_WINDOWS = """
import os, signal, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty"):
    sys.modules[name] = None
for name in dir(signal):
    if name.startswith("SIG") and name not in "SIGINT SIGTERM SIGABRT SIGFPE SIGILL SIGSEGV SIG_DFL SIG_IGN".split():
        delattr(signal, name)
for name in "fork register_at_fork killpg getpgid getpgrp setsid tcsetpgrp tcgetpgrp getuid geteuid chown".split():
    delattr(os, name)
"""
"""Removes the names that Windows does not have."""
IMPORT_ALL = """
import importlib, pkgutil, emulator
for module in pkgutil.walk_packages(emulator.__path__, "emulator."):
    if not module.name.endswith(("__main__", ".mcp_server")):  # the SDK of mcp chooses by sys.platform itself
        importlib.import_module(module.name)
        print(module.name)
"""
EXECUTE = """
from emulator.cli import main
main(["exec", "--", sys.executable, "-c", "import os; print(os.environ['OMS_URL']); raise SystemExit(3)"])
"""
SCHEMAS = {
    "vendor.github-workflows": [".github/workflows/ci.yml", ".github/workflows/release.yml"],
    "vendor.github-actions": ["action.yml"],
    "vendor.github-issue-forms": [".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/feature.yml"],
    "vendor.dependabot": [".github/dependabot.yml"],
    "vendor.gitlab-ci": ["examples/ci/gitlab-ci.yml"],
}


def run(*command: str, code: int = 0) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_every_module_is_imported_without_names_that_windows_lacks() -> None:
    assert "emulator.cli.serve" in run("-c", LIKE_WINDOWS + IMPORT_ALL).split()


@pytest.mark.slow
def test_exec_returns_the_exit_code_without_names_that_windows_lacks() -> None:
    assert "http://127.0.0.1:" in run("-c", LIKE_WINDOWS + EXECUTE, code=3)


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_files_of_ci_systems_are_valid(schema: str) -> None:
    run("-m", "check_jsonschema", "--builtin-schema", schema, *SCHEMAS[schema])


@pytest.mark.slow
def test_an_audit_of_the_workflows_finds_nothing() -> None:
    program = str(Path(sys.executable).parent / "zizmor")
    command = [program, "--offline", "--config", ".github/zizmor.yml", ".github", "action.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
