"""`oms-emulator openapi`: the OpenAPI document, for generators and linters."""

from __future__ import annotations

import json
from pathlib import Path

import click

from emulator.openapi import openapi_document


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--server", default="/", show_default=True, help="Address of the server that the document names.")
def openapi(*, output: Path | None, server: str) -> None:
    """Print the OpenAPI 3.1 document of the emulated API."""
    text = json.dumps(openapi_document(server), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
