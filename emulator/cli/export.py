"""`oms-emulator export`: a world as a scenario file, from a server that runs or from a state file."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import quote, urlsplit

import click

from emulator.core.files import write_own
from emulator.exporting import as_file, document_with
from emulator.rules.installation import embedded
from emulator.rules.scenarios import with_installation
from emulator.worlds import DEFAULT_WORLD

SECONDS = 60
USUAL_URL = "http://127.0.0.1:8080"


@click.command()
@click.option("--url", help=f"Address of the server.  [default: {USUAL_URL}]")
@click.option("--state", type=click.Path(path_type=Path), help="Read this state file, which no server has open.")
@click.option("--world", default=DEFAULT_WORLD, show_default=True, help="Which of its worlds.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.  [default: print it]")
@click.option("--force", is_flag=True, help="Replace a file that is no scenario.")
def export(*, url: str | None, state: Path | None, world: str, output: Path | None, force: bool) -> None:
    """Write a world as a scenario file: `serve --import FILE` makes the same world of it, byte for byte."""
    if url is not None and state is not None:
        raise click.UsageError("--url and --state both say where the world is; give one of them")
    try:
        text = from_server(url or USUAL_URL, world) if state is None else from_file(state, world)
        if output is not None:
            write_own(output, text, force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if output is None:
        click.echo(text, nl=False)


def from_file(state: Path, world: str) -> bytes:
    from emulator.durable.opening import export_data  # noqa: PLC0415 - a server's worlds need no database here

    found = export_data(state, world)
    start = with_installation(found.start.lively(*found.state.rate), embedded(found.start.installation))
    return as_file(document_with(start, found.lines, found.state.now, found.faults, found.state.calls))


def from_server(url: str, world: str) -> bytes:
    """Ask a server for the export of one of its worlds. `ValueError` in one line if it gives none."""
    where = urlsplit(url)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise ValueError(f"{url!r} is no address; one is {USUAL_URL}")
    prefix = "" if world == DEFAULT_WORLD else f"/w/{quote(world, safe='')}"
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname, where.port, timeout=SECONDS)
    try:
        connection.request("GET", f"{where.path.rstrip('/')}{prefix}/__admin/export")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"no oms-emulator answers at {url}: {error}") from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise ValueError(f"{url} gives no export: {reason(body) or answer.status}")
    return body


def reason(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, LookupError, TypeError):
        return None
