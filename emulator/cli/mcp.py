"""`oms-emulator mcp`: serve the control API to coding agents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from emulator.cli.serve import DEFAULT_SCENARIO, listen_errors
from emulator.cli.terminal import Integer, configure_logging, errors_as_messages, require_python_package
from emulator.client.emulator import Emulator
from emulator.core.hosts import is_server_address
from emulator.worlds.registry import validated_name

MCP_EXTRA = "oms-emulator mcp needs the extra `mcp`: pip install 'oms-emulator[mcp]'"


@click.command()
@click.option("--url", help="Address of a running server.  [default: start an emulator]")
@click.option("--scenario", help=f"Scenario of the emulator to start.  [default: {DEFAULT_SCENARIO}]")
@click.option("--world", default="default", show_default=True, help="World of the calls that name none.")
@click.option("--admin-token", envvar="OMS_EMULATOR_ADMIN_TOKEN", help="Admin token of the server at --url.")
@click.option("--read-only", is_flag=True, help="Offer only tools that change nothing.")
@click.option("--transport", type=click.Choice(["stdio", "http"]), default="stdio", show_default=True)
@click.option(
    "--port",
    type=Integer(0, 65535),
    default=8090,
    show_default=True,
    help="Port of --transport http on 127.0.0.1; 0 selects a free one.",
)
def mcp(*, url: str | None, scenario: str | None, transport: str, port: int, read_only: bool, **target: Any) -> None:
    """Serve the control API to coding agents (Model Context Protocol).

    The tools call the server at --url, or an emulator that the command starts.
    """
    require_python_package("the MCP server")
    if url is not None and scenario is not None:
        raise click.UsageError("--url and --scenario cannot be used together")
    if url is not None and not is_server_address(url):
        raise click.UsageError(f"{url!r} is not the address of a server; use one such as http://127.0.0.1:8080")
    with errors_as_messages():
        validated_name(target["world"])
    configure_logging("text", quiet=False, verbose=False, access=False)
    try:
        from emulator.client import mcp_server  # noqa: PLC0415 - needs the extra `mcp`
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{MCP_EXTRA} ({error})") from None
    with server_address(url, scenario or DEFAULT_SCENARIO) as address:
        tools = mcp_server.AgentTools(mcp_server.ApiClient(address, **target), read_only=read_only)
        server = mcp_server.create_server(tools)
        if transport == "stdio":
            mcp_server.run_stdio(server)
            return
        with listen_errors(f"127.0.0.1:{port}"):
            mcp_server.run_http(server, port, lambda ready: click.echo(f"ready: {ready}"))


@contextmanager
def server_address(url: str | None, scenario: str) -> Iterator[str]:
    """Return the address of a running server, or of an emulator that runs until the end of the block."""
    if url is not None:
        yield url
        return
    with errors_as_messages():
        emulator = Emulator(scenario, clock="ticking")
    with emulator:
        yield emulator.start()
