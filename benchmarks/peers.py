"""`make bench-peers`: the emulator beside other servers and mocks, with the same bytes, in rotating rounds.

Each round starts each peer in a fresh process, one after the other, and sends load with `wrk` and 16 connections. The
order rotates from round to round. A figure is the median of its rounds, a ratio the median of the ratios per round.
The peers from npm are installed into `build/peers`. A peer whose program is missing is named and left out.
"""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from benchmarks import report
from benchmarks.bars import AUTH, FIRST_PAGE, first_package
from benchmarks.baseline import Answer, dump
from benchmarks.servers import (
    ROOT,
    Server,
    cpu_seconds,
    end,
    environment,
    fetch,
    free_port,
    ours,
    resident_megabytes,
    running,
)

FOLDER = ROOT / "build" / "peers"
NPM_PACKAGES = ("wiremock@3.13.2", "@labdigital/commercetools-mock@4.4.0")
CONNECTIONS = 16
MARKER = "<!-- peers -->"
TABLE_FILE = ROOT / "docs" / "performance.md"
COMMERCETOOLS_PATH = "/project/custom-objects/c/k"
LATENCY = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
NUMBER = re.compile(r"(\d+) requests in")
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Bytes(NamedTuple):
    """The responses that all peers give: of a package, and of a list page."""

    detail: Answer
    page: Answer


class Figures(NamedTuple):
    """The figures of one load: responses per second, 99th percentile in milliseconds, CPU time of the server."""

    rate: float
    p99: float
    cpu: float
    """Microseconds per response. Other load on the machine changes it less than the rate."""


class Peer(NamedTuple):
    """A server under test."""

    name: str
    start: Callable[[Bytes], AbstractContextManager[Server]]
    needs: tuple[str, ...] = ()
    """Programs that must be installed."""
    has_list: bool = True
    warm_up: int = 1
    """Seconds of load before the measurement. Java compiles during this time."""


# The peers ------------------------------------------------------------------------------------------------


def emulator(server: str, _: Bytes) -> AbstractContextManager[Server]:
    return running(ours("--server", server))


def python_peer(module: str, arguments: tuple[str, ...], bytes_: Bytes) -> AbstractContextManager[Server]:
    return running([sys.executable, "-m", f"benchmarks.{module}", *arguments], stdin=dump(list(bytes_)))


@contextmanager
def nginx(bytes_: Bytes) -> Iterator[Server]:
    """Start nginx with the bytes as static files."""
    with tempfile.TemporaryDirectory() as folder:
        root, port = Path(folder), free_port()
        for answer in bytes_:
            file = root / "files" / answer.path.strip("/") / "index.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(answer.body)
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        (root / "nginx.conf").write_text(
            f"daemon off; pid {root}/pid; error_log stderr crit; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; default_type application/json; keepalive_requests 100000000;\n"
            f"server {{ listen 127.0.0.1:{port}; root {root}/files; index index.json; }} }}\n"
        )
        command = ["nginx", "-p", folder, "-c", str(root / "nginx.conf"), "-e", "stderr"]
        with listening(command, port) as server:
            yield server


@contextmanager
def wiremock(options: tuple[str, ...], bytes_: Bytes) -> Iterator[Server]:
    """Start WireMock with a stub for each response."""
    [jar] = FOLDER.glob("node_modules/wiremock/build/*.jar")
    with tempfile.TemporaryDirectory() as folder:
        for part in ("mappings", "__files"):
            Path(folder, part).mkdir()
        for answer in bytes_:
            name = f"{len(answer.body)}.json"
            Path(folder, "__files", name).write_bytes(answer.body)
            headers = {"Content-Type": answer.content_type}
            stub = {
                "request": {"method": "GET", "urlPath": answer.path},
                "response": {"status": 200, "headers": headers, "bodyFileName": name},
            }
            Path(folder, "mappings", name).write_text(json.dumps(stub))
        port = free_port()
        command = ["java", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", folder]
        with listening([*command, *options], port) as server:
            yield server


def commercetools(bytes_: Bytes) -> AbstractContextManager[Server]:
    """Start commercetools-mock with one object of the size of a package."""
    command = ["node", str(ROOT / "benchmarks" / "commercetools.mjs"), str(FOLDER)]
    return running(command, stdin=b"x" * len(bytes_.detail.body))


@contextmanager
def listening(command: list[str], port: int) -> Iterator[Server]:
    """Start a server that prints nothing when it is ready, and wait until it accepts connections."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    try:
        while process.poll() is None and time.perf_counter() - began < 60:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    yield Server(port, time.perf_counter() - began, process.pid)
                    return
            time.sleep(0.01)
        raise click.ClickException(f"{command[0]} is not ready")
    finally:
        end(process)


TUNED = ("--no-request-journal", "--disable-request-logging", "--disable-banner", "--disable-gzip")
OURS = "emulator on granian"
PEERS = (
    Peer("nginx, static files", nginx, ("nginx",)),
    Peer("constant bytes on granian, one thread", partial(python_peer, "constant", ("bare", "1"))),
    Peer("constant bytes on granian", partial(python_peer, "constant", ("bare",))),
    Peer(OURS, partial(emulator, "granian")),
    Peer("Flask with constant bytes on granian", partial(python_peer, "constant", ("flask",))),
    Peer("commercetools-mock", commercetools, ("node", "npm"), has_list=False),
    Peer("WireMock, tuned", partial(wiremock, TUNED), ("java", "npm"), warm_up=4),
    Peer("WireMock, defaults", partial(wiremock, ("--disable-gzip",)), ("java", "npm"), warm_up=4),
    Peer("emulator on waitress", partial(emulator, "waitress")),
    Peer("Flask with constant bytes on waitress", partial(python_peer, "baseline", ("4",))),
)


# Measuring ------------------------------------------------------------------------------------------------


class Measured(NamedTuple):
    """The figures of a peer in one round."""

    detail: Figures
    page: Figures | None
    ready_after: float
    megabytes: float


def measure(peer: Peer, bytes_: Bytes, seconds: int) -> Measured:
    with peer.start(bytes_) as server:
        path = bytes_.detail.path if peer.has_list else COMMERCETOOLS_PATH
        check(peer, server, path, bytes_.detail)
        detail = load(server, path, peer.warm_up, seconds)
        page = None
        if peer.has_list:
            check(peer, server, FIRST_PAGE.path, bytes_.page)
            page = load(server, FIRST_PAGE.path, peer.warm_up, seconds)
        return Measured(detail, page, server.ready_after, resident_megabytes(server.pid))


def check(peer: Peer, server: Server, path: str, expected: Answer) -> None:
    """Raise `ClickException` if a peer does not send the expected bytes, or at least as many."""
    answer = fetch(server, path, headers=AUTH)
    same = answer.body == expected.body if peer.has_list else len(answer.body) >= len(expected.body)
    if answer.status != 200 or not (same or is_ours(answer, expected)):
        raise click.ClickException(f"{peer.name} answers {path} with {answer.status} and {len(answer.body)} bytes")


def is_ours(answer: Answer, expected: Answer) -> bool:
    """Return whether a list page differs in nothing but the port in its links."""
    ports = re.compile(rb"127\.0\.0\.1:\d+")
    return ports.sub(b"", answer.body) == ports.sub(b"", expected.body)


def load(server: Server, path: str, warm_up: int, seconds: int) -> Figures:
    """Send requests with `wrk`. Raise `ClickException` if one is answered with an error."""
    for duration in (warm_up, seconds):
        began = cpu_seconds(server.pid)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}", "--latency"]
        headers = [part for name, value in AUTH.items() for part in ("-H", f"{name}: {value}")]
        url = f"http://127.0.0.1:{server.port}{path}"
        text = subprocess.run([*command, *headers, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise click.ClickException(f"{url}: {text}")
    value, unit = LATENCY.findall(text)[0]
    rate, number = float(text.split("Requests/sec:")[1].split()[0]), int(NUMBER.findall(text)[0])
    return Figures(rate, float(value) * MILLISECONDS[unit], (cpu_seconds(server.pid) - began) / number * 1e6)


def rotating(peers: list[Peer], rounds: int, seconds: int) -> dict[str, list[Measured]]:
    """Measure all peers in each round. The order rotates."""
    bytes_ = expected_bytes()
    results: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    for number in range(rounds):
        shift = number % len(peers)
        for peer in peers[shift:] + peers[:shift]:
            results[peer.name].append(measured := measure(peer, bytes_, seconds))
            click.echo(f"round {number + 1}: {peer.name}: {measured}", err=True)
    return results


def expected_bytes() -> Bytes:
    with running(ours()) as server:
        requests = first_package(server), FIRST_PAGE
        return Bytes(*(fetch(server, request.path, headers=AUTH) for request in requests))


def install_npm_packages() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-fund", "--no-audit", "--silent", "--prefix", str(FOLDER), *NPM_PACKAGES]
    subprocess.run(command, check=True, timeout=500)


# The table ------------------------------------------------------------------------------------------------


def table(results: dict[str, list[Measured]]) -> str:
    """Return the Markdown table."""
    lines = [
        "| | detail /s | p99 ms | CPU µs | list /s | p99 ms | CPU µs | ratio detail | ratio list | start s | MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rounds in results.items():
        details, pages = [each.detail for each in rounds], [each.page for each in rounds if each.page]
        cells = [
            f"**{name}**" if name.startswith("emulator") else name,
            *figures(details),
            *(figures(pages) if pages else ("–",) * 3),
            ratio(results, name, "detail"),
            ratio(results, name, "page") if pages else "–",
            f"{median(each.ready_after for each in rounds):.2f}",
            f"{median(each.megabytes for each in rounds):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def figures(loads: list[Figures]) -> tuple[str, str, str]:
    rate, p99, cpu = (median(values) for values in zip(*loads, strict=True))
    return f"{rate:,.0f}", f"{p99:.1f}", f"{cpu:,.0f}"


def ratio(results: dict[str, list[Measured]], name: str, load_name: str) -> str:
    """Return the median of our rate divided by a peer's rate in the same round."""
    pairs = zip(results[OURS], results[name], strict=True)
    return f"{median(getattr(our, load_name).rate / getattr(their, load_name).rate for our, their in pairs):.2f}"


def write_table(text: str) -> None:
    """Replace the table between the markers in the documentation."""
    before, _, after = TABLE_FILE.read_text("utf-8").split(MARKER)
    TABLE_FILE.write_text(f"{before}{MARKER}\n{text}\n{MARKER}{after}", "utf-8")


@click.command()
@click.option("--rounds", default=8, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--write", is_flag=True, help="Write the table to docs/performance.md.")
@click.option("--only", multiple=True, help="Measure the peers whose name contains this. May be repeated.")
def main(rounds: int, seconds: int, *, write: bool, only: tuple[str, ...]) -> None:
    """Compare the emulator with its peers."""
    if shutil.which("wrk") is None:
        raise click.ClickException("wrk is not installed; Debian's package is `wrk`")
    chosen = [peer for peer in PEERS if not only or peer.name == OURS or any(part in peer.name for part in only)]
    peers = [peer for peer in chosen if all(map(shutil.which, peer.needs))]
    for peer in chosen:
        if peer not in peers:
            click.echo(f"{peer.name}: left out, because it needs {' and '.join(peer.needs)}", err=True)
    if any("npm" in peer.needs for peer in peers):
        install_npm_packages()
    before = report.cpu_ticks()
    text = table(rotating(peers, rounds, seconds))
    click.echo(f"{text}\n\n{report.machine()}\nCPU time stolen by the host: {report.stolen_percent(before):.1f} %")
    if write:
        write_table(text)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped too
    main(prog_name="python -m benchmarks.peers")
