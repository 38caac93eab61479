"""Measures what `oms-emulator record` adds to a request: directly and through the proxy, in turn."""

import http.client
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import servers
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from benchmarks.servers import Server, cpu_seconds, running

LIMIT = 5.0
"""Milliseconds that recording may add to the median of a request on one connection."""
REQUESTS = 300
DETAIL, PAGE_OF_20, PAGE_OF_100 = "{id}/", "?limit=20", "?limit=100"
"""What is requested below the path of the packages."""
PACKAGES = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}


def recorded_request(request: str, plan: Plan, *, compares: bool = False) -> Iterator[Round]:
    """Compare the median time of a recorded request with that of the same request without the proxy."""
    for times in samples(request, plan, compares=compares):
        recorded, direct = zip(*times, strict=True)
        yield Round(median(recorded), median(direct))


def added_by_recording(request: str, plan: Plan, *, compares: bool = False) -> Iterator[Round]:
    """Compare the difference between the two medians with the limit."""
    for both in recorded_request(request, plan, compares=compares):
        yield Round(max(both.ours - both.theirs, 0.001), LIMIT)


def processor_time(request: str, plan: Plan) -> Iterator[Round]:
    """Compare the CPU time of the proxy for a request with the limit."""
    for _ in range(plan.groups):
        with proxied() as (proxy, real):
            client = http.client.HTTPConnection("127.0.0.1", proxy.port)
            path = path_of(request, real)
            milliseconds(client, path)
            before = cpu_seconds(proxy.pid)
            for _ in range(REQUESTS):
                milliseconds(client, path)
            yield Round((cpu_seconds(proxy.pid) - before) * 1000 / REQUESTS, LIMIT)
            client.close()


def samples(request: str, plan: Plan, *, compares: bool) -> Iterator[list[tuple[float, float]]]:
    """Yield pairs of times in milliseconds: through the proxy, and directly. The first of a pair alternates."""
    for _ in range(plan.groups):
        with proxied(compares=compares) as (proxy, real):
            clients = [http.client.HTTPConnection("127.0.0.1", each.port) for each in (proxy, real)]
            path = path_of(request, real)
            rounds = interleave(REQUESTS, *(partial(milliseconds, client, path) for client in clients))
            times = [(each.ours, each.theirs) for each in rounds]
            for client in clients:
                client.close()
        yield times


@contextmanager
def proxied(*, compares: bool = False) -> Iterator[tuple[Server, Server]]:
    """Start an emulator and a recording proxy in front of it, which may also compare each response."""
    with running(servers.ours()) as real, tempfile.TemporaryDirectory() as folder:
        target, output = f"http://127.0.0.1:{real.port}", str(Path(folder) / "recorded.json")
        command = ["record", "--target", target, "-o", output, "--port", "0"]
        command += ["--shadow", "--evidence", str(Path(folder) / "evidence.json")] if compares else []
        with running([sys.executable, "-m", "emulator.cli", *command]) as proxy:
            yield proxy, real


def path_of(request: str, real: Server) -> str:
    """Return the path and query of a request, with the id of the first package."""
    page = json.loads(servers.fetch(real, f"{PACKAGES}?limit=1", headers=AUTH).body)
    return PACKAGES + request.format(id=page["results"][0]["id"])


def milliseconds(connection: http.client.HTTPConnection, path: str) -> float:
    """Return how long a request takes on an open connection."""
    began = perf_counter()
    connection.request("GET", path, headers=AUTH)
    response = connection.getresponse()
    response.read()
    if response.status != http.client.OK:
        raise MeasurementFailedError(f"GET {path}: status {response.status}")
    return (perf_counter() - began) * 1000
