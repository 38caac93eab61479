"""`oms-emulator coverage`: how much of the emulated behaviour the runs of a suite met together."""

from __future__ import annotations

import sys
from math import isnan
from pathlib import Path

import click

FORMATS = ("text", "json", "junit", "html")
SHORT = 1
"""Exit code: less was met than `--fail-under` asks for."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report here, over what is there.")
@click.option("--fail-under", "least", type=click.FloatRange(0, 100), metavar="PERCENT",
              help="Exit with 1 if less was met.")  # fmt: skip
@click.option("--only", metavar="NAMES", help="Dimensions, separated by commas: operations,transitions")
@click.option("--operations", metavar="PATTERNS",
              help="Operations, and what they can meet: 'list_*,get_*' or '!reference_*'")  # fmt: skip
def coverage(  # noqa: PLR0913 - one argument per option
    *,
    files: tuple[Path, ...],
    form: str,
    output: Path | None,
    least: float | None,
    only: str | None,
    operations: str | None,
) -> None:
    """Add up the coverage FILES that runs wrote (of a folder, its coverage*.json), and say how much was met.

    What can be met: operations, their statuses, transitions to be taken and to be refused, filters, webhook events,
    credentials. Exit code 1: less than --fail-under.
    """
    if least is not None and isnan(least):
        raise click.UsageError("--fail-under is a percentage, not nan")
    from emulator.coverage import CoverageProblem, read_counts, rendered, report  # noqa: PLC0415 - `--help` needs none
    from emulator.coverage.counts import write_text  # noqa: PLC0415
    from emulator.coverage.rendering import shortfall  # noqa: PLC0415

    try:
        found = report(read_counts(files), listed(only), listed(operations))
        text = rendered(found, form, least)
        if output is not None:
            write_text(output, text.encode())
    except CoverageProblem as error:
        raise click.ClickException(str(error)) from None
    said = text if output is None else f"{found.met} of {found.total} are met: {found.percent} %; see {output}\n"
    click.echo(said, nl=False)
    if least is not None and not found.reaches(least):
        click.echo(f"oms-emulator: {shortfall(found, least)}", err=True)
        sys.exit(SHORT)


def listed(names: str | None) -> list[str]:
    """Give the names that an option lists."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]
