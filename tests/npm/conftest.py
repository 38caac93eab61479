"""The npm package, built once for each test run and installed in an empty folder, and servers of static files."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

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


class WebServer(NamedTuple):
    """A server of static files. It records its requests."""

    url: str
    requests: list[str]
    bodies: list[Any]

    @property
    def calls(self) -> list[str]:
        """The requests that are not for files of the package, which a browser may check for a new version."""
        return [each for each in self.requests if "/assets/" not in each and "-sw.mjs" not in each]


class StaticFiles(SimpleHTTPRequestHandler):
    """Serves a folder, and accepts webhooks."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.bodies.append((json.loads(body), self.headers["X-Whisperer-Signature"]))
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b"accepted")

    def log_message(self, *_: object) -> None:
        server: Any = self.server
        server.requests.append(self.requestline)


@contextmanager
def serve_folder(folder: Path) -> Iterator[WebServer]:
    """Serve the files of a folder on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(StaticFiles, directory=str(folder))) as server:
        recorder: Any = server
        recorder.requests, recorder.bodies = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield WebServer(f"http://127.0.0.1:{server.server_port}", recorder.requests, recorder.bodies)
        server.shutdown()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the package is installed, with the versions of the lock file.

    The first process of a test run builds and installs it. The others wait.
    """
    if reason := missing_tools():
        pytest.skip(reason)
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = root / "npm-installed"
    with (root / "npm-installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            install(folder)
    return folder


def install(folder: Path) -> None:
    """Build the package and the playground, and install the package in a folder."""
    build = [sys.executable, "-m", "tools.make_npm", "--playground"]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = (ROOT / "dist").glob("oms-emulator-*.tgz")
    (folder / "package.json").write_text(json.dumps({"private": True}), "utf-8")
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", str(archive)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def npm_command(installed: Path) -> Command:
    return Command((str(installed / "node_modules" / ".bin" / "oms-emulator"),), installed)
