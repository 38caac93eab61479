"""`oms-emulator coverage`: report how much of the emulated behaviour the runs of a suite cover together."""

from __future__ import annotations

import sys
from math import isnan
from pathlib import Path

import click

FORMATS = ("text", "json", "junit", "html")
BELOW_MINIMUM = 1
"""Exit code: the coverage is below `--fail-under`."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report to this file.")
@click.option("--fail-under", "minimum", type=click.FloatRange(0, 100), metavar="PERCENT",
              help="Exit with 1 if the coverage is lower.")  # fmt: skip
@click.option("--only", metavar="NAMES", help="Dimensions, separated by commas: operations,transitions")
@click.option("--operations", metavar="PATTERNS",
              help="Operations and what they can cover: 'list_*,get_*' or '!reference_*'")  # fmt: skip
def coverage(  # noqa: PLR0913 - one argument per option
    *,
    files: tuple[Path, ...],
    form: str,
    output: Path | None,
    minimum: float | None,
    only: str | None,
    operations: str | None,
) -> None:
    """Merge the coverage FILES of several runs (of a folder, its coverage*.json) and print a report.

    The report covers operations, their statuses, transitions taken and refused, filters, webhook events and
    credentials. Exit code 1: the coverage is below --fail-under.
    """
    if minimum is not None and isnan(minimum):
        raise click.UsageError("--fail-under is a percentage, not nan")
    from emulator.coverage import CoverageError, build_report, read_counts, render  # noqa: PLC0415 - `--help` is quick
    from emulator.coverage.counts import write_text  # noqa: PLC0415
    from emulator.coverage.formats import shortfall, summary  # noqa: PLC0415

    try:
        report = build_report(read_counts(files), split_names(only), split_names(operations))
        text = render(report, form, minimum)
        if output is not None:
            write_text(output, text.encode())
    except CoverageError as error:
        raise click.ClickException(str(error)) from None
    click.echo(text if output is None else f"{summary(report)}; see {output}\n", nl=False)
    if minimum is not None and not report.reaches(minimum):
        click.echo(f"oms-emulator: {shortfall(report, minimum)}", err=True)
        sys.exit(BELOW_MINIMUM)


def split_names(names: str | None) -> list[str]:
    """Split the value of an option at its commas."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]
