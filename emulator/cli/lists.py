"""`oms-emulator routes` and `oms-emulator scenarios`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from emulator.core.schemas import schema as schema_named
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
@click.option("--schema", is_flag=True, help="Print the JSON Schema of scenario files, for editors to complete from.")
def scenarios(*, as_json: bool, schema: bool) -> None:
    """List the scenarios that come with the emulator."""
    if schema:
        click.echo(json.dumps(self_contained("scenario"), indent=2, ensure_ascii=False))
        return
    found = bundled().values()
    if as_json:
        rows = [{"name": one.name, "description": one.description, "request": one.request} for one in found]
        click.echo(json.dumps(rows, indent=2))
        return
    for one in found:
        click.echo(f"{one.name:60} {one.description}" + (f"  GET {one.request}" if one.request else ""))


def self_contained(name: str) -> dict[str, Any]:
    """Give a schema of ours with all that it refers to in itself."""
    parts = {part: definition(schema_named(part)) for part in PARTS}
    return definition(schema_named(name)) | {"$defs": schema_named("formats")["$defs"] | parts}


PARTS = ("fault",)
"""Schemas of ours that others have as a part."""


def definition(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Give a schema whose references stay in the document that has it as a part."""
    text = json.dumps(schema).replace('"formats.json#/$defs/', '"#/$defs/')
    for part in PARTS:
        text = text.replace(f'"$ref": "{part}.json"', f'"$ref": "#/$defs/{part}"').replace(
            f'"$id": "{part}.json", ', ""
        )
    found: dict[str, Any] = json.loads(text)
    return found
