"""Compare the npm package with the Python package: speed, processor time, memory and time to the first response.

`python -m tools.npm_ratios COMMAND` measures both in turns, so that other load of the machine affects both. COMMAND
is the command of an installed npm package, such as `node_modules/.bin/oms-emulator`.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

AUTH = {"Authorization": "Token full-access"}
API = "/api/v1/oms/packages/"
PACK = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
ROUNDS = 15
WARM_CALLS = 200
Call = Callable[[], object]


class Measured:
    """A running server, with the calls that are measured."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.headers.update(AUTH)
        self.package = self.session.get(f"{url}{API}?limit=1", timeout=60).json()["results"][0]["id"]

    def read(self) -> None:
        self.session.get(f"{self.url}{API}{self.package}/", timeout=60).raise_for_status()

    def list(self) -> None:
        self.session.get(f"{self.url}{API}?limit=20&sort=-id", timeout=60).raise_for_status()

    def command(self) -> None:
        """Create a package and pack it."""
        made = self.session.post(f"{self.url}/__admin/packages", json={"state": "Waiting"}, timeout=60).json()
        self.session.post(f"{self.url}{API}{made['id']}/command/", json=PACK, timeout=60).raise_for_status()


@contextmanager
def serving(*command: str) -> Iterator[tuple[Measured, float, int]]:
    """Run a server. Yield it with the seconds to its first response, and its process id."""
    began = time.perf_counter()
    with subprocess.Popen([*command, "serve", "--port", "0", "-q"], stdout=subprocess.PIPE, text=True) as process:
        try:
            output = process.stdout
            line = output.readline() if output else ""
            server = Measured(line.strip().partition(" ")[2])
            yield server, time.perf_counter() - began, process.pid
        finally:
            process.terminate()


def seconds_of(call: Call, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - began) / count


def megabytes(pid: int) -> int:
    """Return the resident memory of a process on Linux."""
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(match[1]) // 1000 if match else 0


def processor_milliseconds(pid: int, call: Call) -> float:
    """Return the processor time of a call in a process on Linux. Make as many calls before, as a warm-up."""
    seconds_of(call, WARM_CALLS)
    began = processor_seconds(pid)
    seconds_of(call, WARM_CALLS)
    return (processor_seconds(pid) - began) / WARM_CALLS * 1000


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


COUNTS: Mapping[str, int] = {"read": 20, "list": 5, "command": 1}
"""Name of a call -> how often a round repeats it."""


def main(npm_command: str) -> None:
    """Print the figures of both packages."""
    python_command = str(Path(sys.executable).with_name("oms-emulator"))
    with serving(python_command) as (cpython, first, pid), serving(npm_command) as (npm, npm_first, npm_pid):
        print(f"first response: {first:.2f} s, npm {npm_first:.2f} s")
        for name, count in COUNTS.items():
            calls = getattr(cpython, name), getattr(npm, name)
            times = [tuple(seconds_of(call, count) for call in calls) for _ in range(ROUNDS)]
            ratio = statistics.median(one / other for one, other in times)
            medians = [1 / statistics.median(column) for column in zip(*times, strict=True)]
            print(f"{name}: {medians[0]:.0f}/s, npm {medians[1]:.0f}/s, ratio {ratio:.2f}")
        for name in COUNTS:
            first_time = processor_milliseconds(pid, getattr(cpython, name))
            time_of_npm = processor_milliseconds(npm_pid, getattr(npm, name))
            ratio = first_time / time_of_npm
            print(f"processor time of {name}: {first_time:.1f} ms, npm {time_of_npm:.1f} ms, ratio {ratio:.2f}")
        print(f"memory: {megabytes(pid)} MB, npm {megabytes(npm_pid)} MB")


if __name__ == "__main__":
    main(sys.argv[1])
