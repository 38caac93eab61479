"""`oms-emulator verify`: whether a server keeps the contract."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from emulator.contract import Report, Result

FINDINGS, DRIFT = 1, 3
"""Exit codes: nothing could be verified; something drifted."""


@click.command()
@click.argument("url")
@click.option("--token", default="full-access", show_default=True, help="Sent as `Authorization: Token ...`.")
@click.option("--allow-writes", is_flag=True, help="Also run the checks that change records.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(*, url: str, token: str, allow_writes: bool, as_json: bool) -> None:
    """Ask the server at URL whether it keeps the contract.

    Reads only, unless writes are allowed. Exit code 0: it does; 1: nothing could be verified; 3: something drifted.
    """
    from emulator.contract import Target, Unreachable, as_document, as_text, run  # noqa: PLC0415 - slow to import

    if not url.startswith(("http://", "https://")):
        raise click.ClickException(f"{url!r} is no address of a server; try http://127.0.0.1:8080")
    try:
        with Target(url, token, allow_writes=allow_writes) as target:
            report = run(target, tell=progress)
    except Unreachable as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(as_document(report), indent=2) if as_json else as_text(report))
    sys.exit(exit_code(report))


def progress(result: Result) -> None:
    click.echo(f"{result.outcome:12} {result.check.name}", err=True)


def exit_code(report: Report) -> int:
    if report.findings:
        return DRIFT
    return FINDINGS if report.verified_nothing else 0
