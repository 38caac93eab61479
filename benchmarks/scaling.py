"""The memory of a process after many requests, and two processes behind the nginx of `examples/scale-out`."""

import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from benchmarks import servers
from benchmarks.commands import AUTH, BLOCK, PACKAGES, UNBLOCK, command_request, run_job, waiting_packages
from benchmarks.load import Job, Outcome, Request
from benchmarks.rounds import MeasurementFailedError, Plan, Round, alternate
from benchmarks.servers import (
    ROOT,
    Server,
    StartFailedError,
    cpu_seconds,
    fetch,
    free_port,
    resident_megabytes,
    running,
)

REQUESTS = 100_000
MEMORY_LIMIT = 60.0
"""Limit in MB for the memory of a server that answered this number of requests."""
WORLD_COUNT = 32
CANDIDATES = [f"world-{number}" for number in range(96)]
"""Names of worlds. The hash of nginx gives one of two processes up to 81 % of them, depending on the random ports."""
SLICE_FACTOR = 2
"""Slices are this many times longer than others, because five processes share two processors."""
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


# Two processes --------------------------------------------------------------------------------------------


class Slice(NamedTuple):
    """The figures of one slice of load: responses per second, and the CPU time per request in microseconds."""

    rate: float
    servers: float
    nginx: float
    load_generator: float

    @property
    def details(self) -> dict[str, float]:
        """The figures besides the rate. Other load takes what remains of the processors."""
        parts = {"servers": self.servers, "nginx": self.nginx, "load generator": self.load_generator}
        details = {f"CPU µs per request, {name}": value for name, value in parts.items()}
        return details | {"processors in use": self.rate * sum(parts.values()) / 1e6}


def two_processes(plan: Plan) -> Iterator[Round]:
    """Compare two processes with one, each behind the same nginx. Each connection sends requests to its own worlds.

    The rounds have the CPU time of each part, because all parts share the processors.
    """
    longer = replace(plan, seconds=SLICE_FACTOR * plan.seconds)
    for _ in range(plan.groups):
        with ExitStack() as stack:
            first, second = (stack.enter_context(running(servers.ours())) for _ in range(2))
            both, one = (stack.enter_context(proxy(*shards)) for shards in ((first, second), (first,)))
            worlds = balanced_worlds(both, (first, second))
            requests = mixed_requests(waiting_packages(first), worlds, plan.connections)
            sides = [
                partial(mixed_slice, each, shards, worlds, requests, longer)
                for each, shards in ((both, (first, second)), (one, (first,)))
            ]
            for side in sides:
                side()
            for ours, theirs in alternate(plan.rounds, *sides):
                yield Round(ours.rate, theirs.rate, details(ours, theirs))


def details(ours: Slice, theirs: Slice) -> dict[str, tuple[float, float]]:
    return {name: (value, theirs.details[name]) for name, value in ours.details.items()}


def balanced_worlds(nginx: Server, shards: Sequence[Server]) -> list[str]:
    """Return the names of worlds, in turn of the one and the other server to which nginx gives them."""
    create_worlds(nginx, CANDIDATES)
    parts = []
    for shard in shards:
        found = {world["name"] for world in json.loads(fetch(shard, "/__admin/worlds").body)["results"]}
        parts.append([name for name in CANDIDATES if name in found][: WORLD_COUNT // len(shards)])
    for name in CANDIDATES:
        fetch(nginx, f"/__admin/worlds/{name}", "DELETE")
    worlds = [name for names in zip(*parts, strict=False) for name in names]
    if len(worlds) != WORLD_COUNT:
        raise MeasurementFailedError(f"{len(worlds)} balanced worlds instead of {WORLD_COUNT}")
    return worlds


def mixed_slice(
    nginx: Server, shards: Sequence[Server], worlds: list[str], requests: list[Request], plan: Plan
) -> Slice:
    """Send mixed traffic to the servers behind nginx. The worlds are new in each slice."""
    create_worlds(nginx, worlds)
    before = [cpu_of(shards), cpu_of([nginx])]
    outcome = run_slice(nginx, requests, plan, shares=True)
    after = [cpu_of(shards), cpu_of([nginx])]
    seconds = [end - start for start, end in zip(before, after, strict=True)]
    return Slice(outcome.rps, *(each / outcome.sent * 1e6 for each in (*seconds, outcome.cpu_seconds)))


def cpu_of(processes: Iterable[Server]) -> float:
    return sum(cpu_seconds(each.pid) for each in processes)


def create_worlds(server: Server, names: list[str]) -> None:
    for name in names:
        fetch(server, f"/__admin/worlds/{name}", "DELETE")
        created = fetch(server, f"/__admin/worlds/{name}", "PUT", JSON, '{"scenario": "demo"}')
        if created.status != CREATED:
            raise MeasurementFailedError(f"world {name}: status {created.status}")


def mixed_requests(packages: list[int], worlds: list[str], connections: int) -> list[Request]:
    """Return the requests of all connections: list, two packages and a command, for one package after the other.

    Each connection has its own worlds, as a tester or a worker of a test suite has.
    """
    parts = [
        [
            replace(request, path=f"/w/{name}{request.path}")
            for transition in (BLOCK, UNBLOCK)
            for package, other in zip(packages, [*packages[1:], packages[0]], strict=True)
            for name in worlds[number::connections]
            for request in visit(package, other, transition)
        ]
        for number in range(connections)
    ]
    return [request for step in zip(*parts, strict=True) for request in step]


def visit(package: int, other: int, transition: int) -> list[Request]:
    """Return a typical sequence of requests in a world."""
    paths = f"{PACKAGES}?limit=20", f"{PACKAGES}{package}/", f"{PACKAGES}{other}/"
    return [*(Request(path, headers=AUTH) for path in paths), command_request(package, transition)]


def rate(server: Server, requests: list[Request], plan: Plan) -> float:
    """Return the requests per second of one slice of load."""
    return run_slice(server, requests, plan).rps


def run_slice(server: Server, requests: list[Request], plan: Plan, *, shares: bool = False) -> Outcome:
    job = Job(server.port, requests, plan.seconds, warm_up=plan.warm_up, connections=plan.connections, shares=shares)
    return run_job(job)


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


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until nginx accepts connections, which it does not announce."""
    end = monotonic() + PATIENCE
    while monotonic() < end and process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        sleep(0.02)
    raise StartFailedError("nginx does not accept connections")
