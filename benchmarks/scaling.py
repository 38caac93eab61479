"""The memory of a process after many requests, and two processes behind the nginx of `examples/scale-out`."""

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep

from benchmarks import servers
from benchmarks.commands import AUTH, BLOCK, PACKAGES, UNBLOCK, command_request, run_job, waiting_packages
from benchmarks.load import Job, Request
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from benchmarks.servers import ROOT, Server, StartFailedError, fetch, running

REQUESTS = 100_000
MEMORY_LIMIT = 60.0
"""Limit in MB for the memory of a server that answered this number of requests."""
WORLDS = [f"world-{number}" for number in range(32)]
"""Enough worlds that each process gets about half of the requests."""
PATIENCE = 30.0
CREATED = 201
JSON = {"Content-Type": "application/json"}


# Memory ---------------------------------------------------------------------------------------------------


def memory(choose: Callable[[Server], list[Request]], plan: Plan) -> Iterator[Round]:
    """Measure the megabytes of a server after reads of the demo, beside the limit."""
    number = REQUESTS if plan.groups > 1 else REQUESTS // 10
    for _ in range(min(plan.groups, 2)):
        with running(servers.ours()) as server:
            run_job(Job(server.port, choose(server), seconds=600, connections=plan.connections, limit=number))
            yield Round(resident_megabytes(server.pid), MEMORY_LIMIT)


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


# Two processes --------------------------------------------------------------------------------------------


def two_processes(plan: Plan) -> Iterator[Round]:
    """Compare two processes with one, each behind the same nginx. Each connection sends requests to many worlds."""
    for _ in range(plan.groups):
        with ExitStack() as stack:
            first, second = (stack.enter_context(running(servers.ours())) for _ in range(2))
            both, one = (stack.enter_context(proxy(*shards)) for shards in ((first, second), (first,)))
            sides = [partial(mixed_rate, each, waiting_packages(first), plan) for each in (both, one)]
            for side in sides:
                side()
            yield from interleave(plan.rounds, *sides)


def mixed_rate(server: Server, packages: list[int], plan: Plan) -> float:
    """Return the requests per second of one slice of mixed traffic. The worlds are new in each slice."""
    for name in WORLDS:
        fetch(server, f"/__admin/worlds/{name}", "DELETE")
        created = fetch(server, f"/__admin/worlds/{name}", "PUT", JSON, '{"scenario": "demo"}')
        if created.status != CREATED:
            raise MeasurementFailedError(f"world {name}: status {created.status}")
    return rate(server, mixed_requests(packages, plan.connections), plan, shares=True)


def mixed_requests(packages: list[int], connections: int) -> list[Request]:
    """Return the requests of all connections: list, two packages and a command, in one world after the other.

    Each connection has its own package in each of its worlds, so that its commands stay in order.
    """
    parts = []
    for number in range(connections):
        position, package = divmod(number, len(packages))
        names = WORLDS[position :: -(-connections // len(packages))]
        parts.append(
            [
                replace(request, path=f"/w/{name}{request.path}")
                for transition in (BLOCK, UNBLOCK)
                for name in names
                for request in visit(packages[package], packages[package - 1], transition)
            ]
        )
    return [request for step in zip(*parts, strict=True) for request in step]


def visit(package: int, other: int, transition: int) -> list[Request]:
    """Return a typical sequence of requests in a world."""
    paths = f"{PACKAGES}?limit=20", f"{PACKAGES}{package}/", f"{PACKAGES}{other}/"
    return [*(Request(path, headers=AUTH) for path in paths), command_request(package, transition)]


def rate(server: Server, requests: list[Request], plan: Plan, *, shares: bool = False) -> float:
    """Return the requests per second of one slice of load."""
    job = Job(server.port, requests, plan.seconds, warm_up=plan.warm_up, connections=plan.connections, shares=shares)
    return run_job(job).rps


@contextmanager
def proxy(*shards: Server) -> Iterator[Server]:
    """Run nginx with the configuration of the example in front of these servers."""
    if (program := shutil.which("nginx")) is None:
        raise StartFailedError("nginx is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "temp").mkdir()
        shutil.copy(ROOT / "examples" / "scale-out" / "nginx.conf", folder)
        Path(folder, "listen.conf").write_text(f"listen 127.0.0.1:{port};\n")
        lines = [f"server 127.0.0.1:{shard.port} max_fails=0;\n" for shard in shards]
        Path(folder, "shards.conf").write_text("".join(lines))
        command = [program, "-p", f"{folder}/", "-c", "nginx.conf"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until_open(port, process)
                yield Server(port, 0.0, process.pid)
            finally:
                process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until nginx accepts connections, which it does not announce."""
    end = monotonic() + PATIENCE
    while monotonic() < end and process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        sleep(0.02)
    raise StartFailedError("nginx does not accept connections")
