"""Starts the servers under test on free ports, measures their start, and stops them."""

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO
from urllib.parse import urlsplit

from benchmarks.baseline import Answer, dump

ROOT = Path(__file__).resolve().parent.parent
THREADS = 32  # as many as `serve` gives waitress
START_LIMIT = 120.0
READY = "ready: "
USER_TIME = 11
"""Position of the user time among the fields of `/proc/PID/stat` after the name. The system time follows."""


class StartFailedError(Exception):
    """A server did not start. The message has the command and its last line of output."""


@dataclass(frozen=True)
class Server:
    """A server that accepts connections, with the seconds from its start to its `ready` line."""

    port: int
    ready_after: float
    pid: int


def ours(*options: str) -> list[str]:
    """Return the command that starts the emulator on a free port."""
    return [sys.executable, "-m", "emulator.cli", "serve", "--port", "0", *options]


def bare() -> list[str]:
    return [sys.executable, str(ROOT / "benchmarks" / "bare.py")]


@contextmanager
def baseline(answers: list[Answer], threads: int = THREADS) -> Iterator[Server]:
    """Start the peer that returns these responses."""
    command = [sys.executable, "-m", "benchmarks.baseline", str(threads)]
    with running(command, stdin=dump(answers)) as server:
        yield server


@contextmanager
def running(command: Sequence[str], *, stdin: bytes = b"", limit: float = START_LIMIT) -> Iterator[Server]:
    """Start the command and wait until it is ready. Stop its process at the end of the context."""
    with tempfile.TemporaryFile() as errors:
        began = perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env=environment(),
        )
        try:
            feed(process, stdin)
            watch = Watch(process, began)
            try:
                yield watch.server(command, errors, limit)
            finally:
                end(process)
                watch.join()
        finally:
            end(process)
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()


class Watch:
    """Reads the stdout of a process to its end, so that it never blocks, and stores the time of the `ready` line."""

    def __init__(self, process: subprocess.Popen[bytes], began: float) -> None:
        self.process, self.began = process, began
        self.url, self.ready_after = "", 0.0
        self.is_ready = threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if not self.url and line.startswith(READY.encode()):
                self.ready_after = perf_counter() - self.began
                self.url = line.decode().removeprefix(READY).strip()
                self.is_ready.set()
        self.is_ready.set()

    def server(self, command: Sequence[str], errors: IO[bytes], limit: float) -> Server:
        self.is_ready.wait(limit)
        port = urlsplit(self.url).port
        if port is None:
            raise StartFailedError(f"{' '.join(command)}: not ready ({last_line(errors)})")
        return Server(port, self.ready_after, self.process.pid)

    def join(self) -> None:
        self.thread.join()


def environment() -> dict[str, str]:
    """Return the environment without the emulator's variables, which could change a measurement.

    `PYTHONDONTWRITEBYTECODE` is removed too, so that a second start finds the byte code.
    """
    strange = ("OMS_EMULATOR_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def feed(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stdin
    try:
        process.stdin.write(text)
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended without reading: `Watch` reports its last line


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate this process, and kill it after ten seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"


def fetch(
    server: Server, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: str = ""
) -> Answer:
    """Send a request and return the response as an `Answer`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        response = connection.getresponse()
        content_type = response.getheader("Content-Type")
        return Answer(method, path.partition("?")[0], response.status, content_type, response.read())
    finally:
        connection.close()


def processes(pid: int) -> list[str]:
    """Return the ids of a process and its children."""
    return [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its children have used."""
    fields = [Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in processes(pid)]
    return sum(int(each[USER_TIME]) + int(each[USER_TIME + 1]) for each in fields) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process and its children."""
    texts = [Path(f"/proc/{number}/status").read_text() for number in processes(pid)]
    return sum(int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) for text in texts) / 1024


def seconds_of(command: Sequence[str]) -> float:
    """Return the seconds that a command takes."""
    began = perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=False)
    took = perf_counter() - began
    if done.returncode:
        raise StartFailedError(f"{' '.join(command)}: exit {done.returncode}")
    return took
