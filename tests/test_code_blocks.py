"""Each code block of README and of the documentation works, in the order of its page, in an empty folder."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from emulator.cli import COMMANDS
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
BLOCK = re.compile(r"^(`{3,})([\w-]+)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^ *(?:`{3,}|~{3,}).*$", re.MULTILINE)
DIRECTIVE = re.compile(r"^(`{3,})\{([\w-]+)\}.*?^\1$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"[Ss]ave\s+this\s+as\s+`([\w./-]+)`:\n\n\Z")
"""The end of the text before a block whose content is a file."""
PORTS = ("8080", "8081", "8082", "9000", "5000")
"""Ports in the documentation. The tests use free ones."""
PORT = re.compile(rf"\b(?:{'|'.join(PORTS)})\b")
SERVER = re.compile(r"(?:SECRET_KEY=\w+ )?(?:oms-emulator (?:serve|record)|flask |nginx |python \S*receiver\.py)")
"""Commands that run until they are stopped. A new server for a port replaces the earlier one."""
SERVER_PORT = re.compile(r"(?:--port|receiver\.py) (\d+)")
END = "end-of-command:"
SECONDS = 60
SITE_PACKAGES = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
CURL = 'curl() { command curl --fail "$@"; }'


class Block(NamedTuple):
    """A code block, and the file that it is saved as, if any."""

    page: str
    line: int
    language: str
    text: str
    file: str | None

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


FIRST_PAGES = ("README.md", "docs/tutorial/index.md")
"""The pages that `make test` runs. `make test-all` runs the others."""
TARGET_OF_MAKE = "a target of make, which installs packages"
NODE = "needs npm packages; tests/examples runs these commands"
NPM = "needs the npm package; tests/npm runs it"
NOT_RUN = {
    ("README.md", 'import { setupEmulator } from "oms-emulator"; // after `npx oms-emulator init public`'): NPM,
    ("docs/how-to/without-python.md", "$ npx oms-emulator serve"): NPM,
    ("docs/how-to/without-python.md", "$ npx oms-emulator init public"): NPM,
    ("docs/how-to/without-python.md", 'import { setupEmulator } from "oms-emulator";'): NPM,
    ("docs/how-to/without-python.md", 'const order = await oms.makePackage({ state: "Waiting", items: 2 });'): NPM,
    ("examples/front-end/README.md", "$ make -C ../.. npm"): NPM,
    ("examples/stories/README.md", "$ make -C ../.. npm"): NPM,
    ("README.md", "$ make run"): TARGET_OF_MAKE,
    ("CONTRIBUTING.md", "$ make check"): TARGET_OF_MAKE,
    ("docs/how-to/install.md", "$ make run"): TARGET_OF_MAKE,
    ("docs/how-to/development.md", "$ make check"): TARGET_OF_MAKE,
    ("docs/how-to/development.md", "# Run some tests"): "runs tests of the repository",
    ("docs/how-to/browser-tests.md", "$ npm ci"): NODE,
    ("docs/how-to/provenance.md", 'import { beforeEach } from "node:test";'): "a part of tests/cli/node_project",
    (
        "docs/how-to/browser-tests.md",
        "// cypress/e2e/packing.cy.js",
    ): "needs Cypress; tests/examples sends its requests",
    (
        "examples/scale-out/README.md",
        'PATH="$PWD/../../.venv/bin:$PATH" ./start.sh 2 8080 /tmp/oms-state',
    ): "runs until it is stopped",
    (
        "examples/scale-out/README.md",
        "kubectl create configmap oms-nginx --from-file=nginx.conf",
    ): "needs a cluster; tests/examples runs the emulator of the manifests",
    ("docs/how-to/proxy.md", "location /oms/ {"): "a part of a configuration; tests/web runs the forwarded headers",
    ("docs/how-to/proxy.md", "// vite.config.js"): "needs npm packages",
    ("docs/how-to/proxy.md", "// next.config.mjs"): "needs npm packages; tests/web/test_next.py runs it",
    ("docs/how-to/proxy.md", "// middleware.js"): "needs npm packages; tests/web/test_next.py runs it",
    ("examples/playwright/README.md", "$ npm ci"): NODE,
}
"""Page and first line of a block that is not run -> the reason."""


NEEDED_PROGRAMS = {
    "docs/how-to/scale-out.md": ("nginx",),
    "examples/node/README.md": ("node", "npm"),
    "examples/receiver-node/README.md": ("node",),
}
"""Page -> the programs that its blocks call, besides curl."""


def pages() -> Iterator[Path]:
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    yield from (page for page in sorted(EXAMPLES.rglob("README.md")) if "node_modules" not in page.parts)
    yield from (page for page in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in page.parts)


def blocks(path: Path) -> Iterator[Block]:
    page, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    for match in BLOCK.finditer(text):
        name = FILE.search(text[: match.start()])
        yield Block(page, text.count("\n", 0, match.start()) + 2, match[2], match[3], name and name[1])


PAGES = list(pages())
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
BLOCKS = {page: list(rows) for page, rows in groupby((b for path in PAGES for b in blocks(path)), lambda b: b.page)}


class Shell:
    """A bash process for the commands of a page. It keeps its folder and its variables from command to command."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        first = free_port(len(PORTS))
        self.ports = {shown: str(first + at) for at, shown in enumerate(PORTS)}
        self.servers: dict[str, str] = {}
        self.process = subprocess.Popen(
            [shutil.which("bash") or "", "--noprofile", "--norc"],
            cwd=folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMS_", "PYTEST_", "COV_"))}
        return kept | {
            "COLUMNS": "100",
            "FLASK_RUN_PORT": self.ports["5000"],
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # the build back end is installed; a test has no package index
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": SITE_PACKAGES,  # also for the environments that a page creates
        }

    def with_ports(self, text: str) -> str:
        return PORT.sub(lambda match: self.ports[match[0]], text)

    def run(self, command: str) -> tuple[int, str]:
        """Run a command, and return its exit code and its output."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f'{{ {command}\n}} </dev/null\necho "{END}$?"\n')
        self.process.stdin.flush()
        output = ""
        for line in self.process.stdout:
            text, end, code = line.rpartition(END)
            output += text or ("" if end else line)
            if end:
                return int(code), output
        raise AssertionError(f"the shell ended: {output}")

    def serve(self, command: str, expected: str = "") -> None:
        """Start a server, and wait until it listens and has printed what the page shows."""
        named = SERVER_PORT.search(command)
        port = named[1] if named else self.ports["5000" if command.startswith("flask") else "8080"]
        self.stop(port)
        log = self.home / f"{port}.log"
        _, pid = self.run(f"OMS_EMULATOR_PORT={port} {command} >{log} 2>&1 &\necho $!")
        self.servers[port] = pid.strip()
        until = time.monotonic() + SECONDS
        while not (listens(int(port)) and shows(expected, log.read_text("utf-8"))):
            assert time.monotonic() < until, f"{command}: {log.read_text('utf-8')}"
            time.sleep(0.02)

    def stop(self, port: str) -> None:
        if pid := self.servers.pop(port, None):
            self.run(f"kill {pid}; wait {pid}")

    def close(self) -> None:
        for port in list(self.servers):
            self.stop(port)
        self.process.communicate()


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def shows(expected: str, output: str) -> bool:
    """Return whether the output is as printed on the page, where `...` stands for anything."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, output, options) or not expected


def run_shell_script(shell: Shell, text: str) -> None:
    """Run the commands of a block. All succeed."""
    code, output = shell.run(f"( set -e\n{CURL}\n{text}\n)")
    assert code == 0, output


def run_console(shell: Shell, text: str) -> None:
    """Run the commands after each prompt. A command prints what the block shows.

    A command without output, or with any output (`...`), must succeed.
    """
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, expected = split_command(part)
        if SERVER.match(command):
            shell.serve(command, expected)
            continue
        code, output = shell.run(command)
        is_right = shows(expected, output) and (code == 0 or bool(expected.strip(".")))
        assert is_right, f"$ {command}\n{output}"


def split_command(text: str) -> tuple[str, str]:
    """Return a command, with its continuation lines, and the output that the block shows."""
    lines = text.splitlines(keepends=True)
    count = next(number for number, line in enumerate(lines, 1) if not line.rstrip("\n").endswith("\\"))
    return "".join(lines[:count]).strip(), "".join(lines[count:]).strip()


def run_program(shell: Shell, text: str) -> None:
    """Run a Python program. Its assertions hold."""
    program = shell.home / "program.py"
    program.write_text(text, "utf-8")
    code, output = shell.run(f'python -c "$(cat {program})"')
    assert code == 0, output


RUNNERS: dict[str, Callable[[Shell, str], object]] = {
    "bash": run_shell_script,
    "console": run_console,
    "json": lambda _, text: json.loads(text),
    "python": run_program,
    "toml": lambda _, text: tomllib.loads(text),
    "yaml": lambda _, text: yaml.safe_load(text),
}


def run_block(shell: Shell, block: Block) -> None:
    text = shell.with_ports(block.text)
    if block.file:
        path = shell.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return
    if "127.0.0.1:8080" in block.text and shell.ports["8080"] not in shell.servers and not SERVER.search(block.text):
        shell.serve("oms-emulator serve")
    RUNNERS[block.language](shell, text)


@contextmanager
def opened_shell(page: str, folder: Path) -> Iterator[Shell]:
    """Open a shell in an empty folder. Pages of examples have a copy of their folder."""
    home, work = folder / "home", folder / "work"
    home.mkdir()
    (home / ".curlrc").write_text("silent\nshow-error\n")
    (home / "oms-emulator").symlink_to(ROOT)
    if page.startswith("examples/"):
        shutil.copytree((ROOT / page).parent, work, ignore=shutil.ignore_patterns("node_modules"))
    else:
        work.mkdir()
    shell = Shell(work, home)
    try:
        yield shell
    finally:
        shell.close()


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=() if page in FIRST_PAGES else pytest.mark.gate) for page in BLOCKS]
)
def test_the_blocks_of_a_page_work_in_their_order(page: str, tmp_path: Path) -> None:
    for program in ("bash", "curl", *NEEDED_PROGRAMS.get(page, ())):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with opened_shell(page, tmp_path) as shell:
        for block in BLOCKS[page]:
            if (page, block.first_line) not in NOT_RUN:
                try:
                    run_block(shell, block)
                except Exception as error:
                    error.add_note(f"{page}:{block.line}")
                    raise


def test_each_block_that_is_not_run_is_in_the_table() -> None:
    """The table has no other entries, and every language has a runner."""
    found = {(page, block.first_line) for page, rows in BLOCKS.items() for block in rows}
    assert NOT_RUN.keys() - found == set()
    run = [block for rows in BLOCKS.values() for block in rows if (block.page, block.first_line) not in NOT_RUN]
    assert [block[:3] for block in run if block.language not in RUNNERS and not block.file] == []


@each_page
def test_the_pattern_finds_all_blocks(path: Path) -> None:
    """A block in a list, or without a language, would not be run."""
    text = DIRECTIVE.sub("", path.read_text("utf-8"))
    assert FENCE.findall(BLOCK.sub("", text)) == []


@each_page
def test_named_commands_exist(path: Path) -> None:
    names = set(re.findall(r"`oms-emulator ([a-z]+)", path.read_text("utf-8")))
    assert names - COMMANDS.keys() == set()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("bash", "curl http://127.0.0.1:8080/nowhere"),
        ("bash", "false\ntrue"),
        ("console", "$ echo one\ntwo"),
        ("console", "$ false"),
        ("console", "$ false\n..."),
        ("python", "assert 1 == 2"),
        ("json", "{"),
    ],
)
def test_a_wrong_block_fails(language: str, text: str, tmp_path: Path) -> None:
    with opened_shell("page.md", tmp_path) as shell, pytest.raises((AssertionError, ValueError)):
        run_block(shell, Block("page.md", 1, language, text, None))
