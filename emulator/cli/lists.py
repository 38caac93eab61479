"""`oms-emulator routes` and `oms-emulator scenarios`."""

from __future__ import annotations

import json

import click

from emulator.routes import ROUTES
from emulator.rules.scenarios import bundled


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def routes(*, as_json: bool) -> None:
    """List every operation: its name, method, path, statuses and the page that describes it."""
    rows = [
        {
            "operation": route.operation,
            "method": route.method,
            "path": route.path.replace("<...rest>", "<path>"),
            "statuses": sorted(route.replies),
            "doc": route.doc,
        }
        for route in ROUTES
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        statuses = " ".join(map(str, row["statuses"]))
        click.echo(f"{row['operation']:30} {row['method']:6} {row['path']:70} {statuses:16} {row['doc']}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def scenarios(*, as_json: bool) -> None:
    """List the scenarios that come with the emulator."""
    found = bundled().values()
    if as_json:
        rows = [{"name": one.name, "description": one.description, "request": one.request} for one in found]
        click.echo(json.dumps(rows, indent=2))
        return
    for one in found:
        click.echo(f"{one.name:60} {one.description}" + (f"  GET {one.request}" if one.request else ""))
