"""Measures what `oms-emulator mcp` adds to an HTTP call: the round trip of a tool that reads."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from statistics import median
from time import perf_counter

import anyio
import requests
from mcp import Client, StdioServerParameters

from benchmarks import servers
from benchmarks.rounds import Plan, Round
from benchmarks.servers import running

LIMIT = 5.0
"""Milliseconds beyond the HTTP call."""
CALLS = 200
TOOL, PATH = "control_clock", "/__admin/clock"


def read_tool(plan: Plan) -> Iterator[Round]:
    """Compare the median time that a tool takes beyond the same HTTP call with the limit, over stdio."""
    for _ in range(plan.groups):
        with running(servers.ours()) as server:
            url = f"http://127.0.0.1:{server.port}"
            yield Round(anyio.run(added_time, url), LIMIT)


async def added_time(url: str) -> float:
    """Return the median of the differences in milliseconds. Both calls alternate."""
    command = StdioServerParameters(command=sys.executable, args=["-m", "emulator.cli", "mcp", "--url", url])
    with requests.Session() as session:
        call = partial(anyio.to_thread.run_sync, partial(session.get, url + PATH))
        async with Client(command) as client:
            tool = partial(client.call_tool, TOOL, {})
            return median([await seconds(tool) - await seconds(call) for _ in range(CALLS)]) * 1000


async def seconds(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long a call takes."""
    began = perf_counter()
    await call()
    return perf_counter() - began
