"""`oms-emulator export`: write a world of a running server or of a state file as a scenario file."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import quote, urlsplit

import click

from emulator.core.files import write_own
from emulator.exporting import as_file, document_with
from emulator.rules.installation import portable_form
from emulator.rules.scenarios import with_installation
from emulator.worlds import DEFAULT_WORLD

TIMEOUT = 60
DEFAULT_URL = "http://127.0.0.1:8080"


@click.command()
@click.option("--url", help=f"Address of the server.  [default: {DEFAULT_URL}]")
@click.option("--state", type=click.Path(path_type=Path), help="Read this state file. No server may have it open.")
@click.option("--world", default=DEFAULT_WORLD, show_default=True, help="Name of the world.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.  [default: print it]")
@click.option("--force", is_flag=True, help="Replace a file that is not a scenario.")
def export(*, url: str | None, state: Path | None, world: str, output: Path | None, force: bool) -> None:
    """Write a world as a scenario file. `serve --import FILE` restores exactly the same world."""
    if url is not None and state is not None:
        raise click.UsageError("--url and --state cannot be used together")
    try:
        text = from_server(url or DEFAULT_URL, world) if state is None else from_file(state, world)
        if output is not None:
            write_own(output, text, force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if output is None:
        click.echo(text, nl=False)


def from_file(state: Path, world: str) -> bytes:
    from emulator.durable.opening import export_data  # noqa: PLC0415 - a server's worlds need no database here

    found = export_data(state, world)
    start = with_installation(found.start.with_traffic(*found.state.rate), portable_form(found.start.installation))
    return as_file(document_with(start, found.lines, found.state.now, found.faults, found.state.calls))


def from_server(url: str, world: str) -> bytes:
    """Return the export of a world of a server. Raise `ValueError` if the server does not return one."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{url!r} is not an address; use an address such as {DEFAULT_URL}")
    prefix = "" if world == DEFAULT_WORLD else f"/w/{quote(world, safe='')}"
    connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = connect(address.hostname, address.port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"{address.path.rstrip('/')}{prefix}/__admin/export")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"cannot reach an oms-emulator at {url}: {error}") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ValueError(f"{url} returned no export: {error_of(body) or response.status}")
    return body


def error_of(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, LookupError, TypeError):
        return None
