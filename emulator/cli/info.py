"""`oms-emulator routes`, `scenarios`, `openapi` and `token`: commands that print something and exit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from emulator.api.openapi import PARTS, VERSIONS, arazzo_document, asyncapi_document, openapi_document
from emulator.api.routes import ROUTES
from emulator.cli.data import DEFAULT_URL, call_server, errors_as_messages
from emulator.cli.terminal import NamedChoice
from emulator.core.credentials import CREDENTIALS, issue_token
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import load_schema
from emulator.domain.scenario_files import bundled_scenarios
from emulator.state.clock import machine_now
from emulator.worlds.registry import DEFAULT_WORLD

JWT_LIFETIME = 3600
EMBEDDED = ("fault",)
"""Schemas that other schemas refer to by file name."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def routes(*, as_json: bool) -> None:
    """List all operations: name, method, path, statuses and the page that documents them."""
    rows = [
        {
            "operation": route.operation,
            "method": route.method,
            "path": route.path.replace("<...rest>", "<path>"),
            "statuses": sorted(route.responses),
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
@click.option("--schema", is_flag=True, help="Print the JSON Schema of scenario files, for completion in editors.")
def scenarios(*, as_json: bool, schema: bool) -> None:
    """List the bundled scenarios."""
    if schema:
        click.echo(json.dumps(self_contained_schema("scenario"), indent=2, ensure_ascii=False))
        return
    bundled = bundled_scenarios().values()
    if as_json:
        rows = [{"name": each.name, "description": each.description, "request": each.request} for each in bundled]
        click.echo(json.dumps(rows, indent=2))
        return
    for each in bundled:
        click.echo(f"{each.name:60} {each.description}" + (f"  GET {each.request}" if each.request else ""))


def self_contained_schema(name: str) -> JsonObject:
    """Return a schema with all schemas that it refers to in its `$defs`."""
    embedded = {each: with_local_references(load_schema(each)) for each in EMBEDDED}
    definitions = load_schema("formats")["$defs"] | embedded
    return with_local_references(load_schema(name)) | {"$defs": definitions}


def with_local_references(schema: Mapping[str, JsonValue]) -> JsonObject:
    """Return a schema whose references to other files point into its own `$defs`."""
    text = json.dumps(schema).replace('"formats.json#/$defs/', '"#/$defs/')
    for name in EMBEDDED:
        text = text.replace(f'"$ref": "{name}.json"', f'"$ref": "#/$defs/{name}"')
        text = text.replace(f'"$id": "{name}.json", ', "")
    changed: JsonObject = json.loads(text)
    return changed


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--server", default="/", show_default=True, help="Server address in the document.")
@click.option("--openapi-version", type=click.Choice(VERSIONS), help="OpenAPI version.  [default: 3.1]")
@click.option("--part", type=click.Choice(PARTS), help="Operations: of the OMS, of the control API, or all.")
@click.option(
    "--document",
    type=click.Choice(["openapi", "asyncapi", "arazzo"]),
    default="openapi",
    show_default=True,
    help="AsyncAPI describes the webhooks, Arazzo describes workflows.",
)
def openapi(
    *, output: Path | None, server: str, openapi_version: str | None, part: str | None, document: str
) -> None:
    """Print the OpenAPI 3.1 document of the emulated API, or another description of it."""
    if document != "openapi" and (openapi_version or part):
        raise click.UsageError(f"--openapi-version and --part do not apply to --document {document}")
    description = {
        "openapi": lambda: openapi_document(server, version=openapi_version or VERSIONS[0], part=part or PARTS[0]),
        "asyncapi": asyncapi_document,
        "arazzo": arazzo_document,
    }[document]()
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None


@click.command()
@click.argument("role", metavar="ROLE", type=NamedChoice(list(CREDENTIALS)))
@click.option(
    "--expires-in",
    type=int,
    help=f"Lifetime in seconds, by the clock of the server at --url.  [default: {JWT_LIFETIME}]",
)
@click.option("--kind", type=NamedChoice(["jwt", "token"]), default="jwt", show_default=True)
@click.option("--url", help=f"Address of the server.  [default with --expires-in: {DEFAULT_URL}]")
@click.option("--world", default=DEFAULT_WORLD, show_default=True, help="Name of the world, with --url.")
def token(*, role: str, expires_in: int | None, kind: str, url: str | None, world: str) -> None:
    """Print a credential with the role ROLE.

    Use a jwt on the reference surface (`Authorization: Bearer ...`) and a token on the guide surface (`Token ...`).
    A jwt expires by the clock of the server that creates it. Without --url and --expires-in no server is asked, and
    the jwt expires after an hour of the machine's clock.
    """
    if kind == "token":
        if expires_in is not None or url is not None:
            raise click.UsageError("a token does not expire; --expires-in and --url require --kind jwt")
        click.echo(role)
    elif url is not None or expires_in is not None:
        document = {"role": role, "kind": kind, "expires_in": JWT_LIFETIME if expires_in is None else expires_in}
        with errors_as_messages():
            click.echo(json.loads(call_server(url or DEFAULT_URL, world, "tokens", document))["token"])
    else:
        click.echo(issue_token(role, machine_now(), JWT_LIFETIME).token)
