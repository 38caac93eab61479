"""Measures what `oms-emulator record` adds to a request: directly and through the proxy, in turn."""

import http.client
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import servers
from benchmarks.rounds import MeasurementFailedError, Plan, Round
from benchmarks.servers import running

LIMIT = 5.0
"""Milliseconds that recording may add to the median of a request on one connection."""
REQUESTS = 300
PATH = "/api/v1/oms/packages/?limit=10"
AUTH = {"Authorization": "Token full-access"}


def recorded_request(plan: Plan) -> Iterator[Round]:
    """Compare the median time of a recorded request with that of the same request without the proxy."""
    for recorded, direct in pairs(plan):
        yield Round(median(recorded), median(direct))


def added_by_recording(plan: Plan) -> Iterator[Round]:
    """Compare the difference between the two medians with the limit."""
    for recorded, direct in pairs(plan):
        yield Round(max(median(recorded) - median(direct), 0.001), LIMIT)


def pairs(plan: Plan) -> Iterator[tuple[list[float], list[float]]]:
    """Yield the times of requests through the proxy and of direct requests, in milliseconds. Both alternate."""
    for _ in range(plan.groups):
        with running(servers.ours()) as real, tempfile.TemporaryDirectory() as folder:
            target, output = f"http://127.0.0.1:{real.port}", str(Path(folder) / "recorded.json")
            command = ["record", "--target", target, "-o", output, "--port", "0"]
            with running([sys.executable, "-m", "emulator.cli", *command]) as proxy:
                connections = [http.client.HTTPConnection("127.0.0.1", port) for port in (proxy.port, real.port)]
                times = [tuple(map(milliseconds, connections)) for _ in range(REQUESTS)]
                for connection in connections:
                    connection.close()
        recorded, direct = zip(*times, strict=True)
        yield list(recorded), list(direct)


def milliseconds(connection: http.client.HTTPConnection) -> float:
    """Return how long a request takes on an open connection."""
    began = perf_counter()
    connection.request("GET", PATH, headers=AUTH)
    response = connection.getresponse()
    response.read()
    if response.status != http.client.OK:
        raise MeasurementFailedError(f"GET {PATH}: status {response.status}")
    return (perf_counter() - began) * 1000
