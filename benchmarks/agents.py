"""Measures what `oms-emulator mcp` adds to an HTTP call: the round trip of a tool that reads."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
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
MCP = ["-m", "emulator.cli", "mcp"]


def read_tool(transport: str, plan: Plan) -> Iterator[Round]:
    """Compare the median time that a tool takes beyond the same HTTP call with the limit."""
    for _ in range(plan.groups):
        with running(servers.ours()) as server:
            url = f"http://127.0.0.1:{server.port}"
            with mcp_server(transport, url) as target:
                yield Round(anyio.run(added_time, target, url), LIMIT)


@contextmanager
def mcp_server(transport: str, url: str) -> Iterator[StdioServerParameters | str]:
    """Yield what a client connects to: the command for stdio, or the address of a started server."""
    if transport == "stdio":
        yield StdioServerParameters(command=sys.executable, args=[*MCP, "--url", url])
        return
    with running([sys.executable, *MCP, "--url", url, "--transport", transport, "--port", "0"]) as server:
        yield f"http://127.0.0.1:{server.port}/mcp"


async def added_time(target: StdioServerParameters | str, url: str) -> float:
    """Return the median of the differences in milliseconds. Both calls alternate."""
    with requests.Session() as session:
        call = partial(anyio.to_thread.run_sync, partial(session.get, url + PATH))
        async with Client(target) as client:
            tool = partial(client.call_tool, TOOL, {})
            return median([await seconds(tool) - await seconds(call) for _ in range(CALLS)]) * 1000


async def seconds(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long a call takes."""
    began = perf_counter()
    await call()
    return perf_counter() - began
