"""`oms-emulator coverage`: report how much of the emulated behaviour the runs of a test suite used."""

from __future__ import annotations

import sys
from math import isnan
from pathlib import Path

import click

FORMATS = ("text", "json", "junit", "html")
BELOW_MINIMUM = 1
"""Exit code when the coverage is below `--fail-under`."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the report to this file.",
)
@click.option("--fail-under", "minimum", type=click.FloatRange(0, 100), metavar="PERCENT",
              help="Exit with code 1 if the coverage is below PERCENT.")  # fmt: skip
@click.option("--only", metavar="NAMES", help="Dimensions to report, comma-separated: operations,transitions")
@click.option("--operations", metavar="PATTERNS",
              help="Operations to report, comma-separated patterns: 'list_*,get_*' or '!reference_*'")  # fmt: skip
def coverage(  # noqa: PLR0913 - one argument per option
    *,
    files: tuple[Path, ...],
    form: str,
    output: Path | None,
    minimum: float | None,
    only: str | None,
    operations: str | None,
) -> None:
    """Merge coverage FILES and report the coverage. For a folder, its coverage*.json files are merged.

    Coverage counts operations, statuses, executed and refused transitions, filters, webhook events and credentials.
    Exit code 1: below --fail-under.
    """
    if minimum is not None and isnan(minimum):
        raise click.UsageError("--fail-under must be a percentage (got nan)")
    from emulator.coverage import CoverageError, build_report, read_counts, render  # noqa: PLC0415 - slow to import
    from emulator.coverage.counts import write_text  # noqa: PLC0415
    from emulator.coverage.formats import shortfall, summary  # noqa: PLC0415

    try:
        merged = build_report(read_counts(files), names_of(only), names_of(operations))
        text = render(merged, form, minimum)
        if output is not None:
            write_text(output, text.encode())
    except CoverageError as error:
        raise click.ClickException(str(error)) from None
    if output is not None:
        text = f"{summary(merged)}; report written to {output}\n"
    click.echo(text, nl=False)
    if minimum is not None and not merged.reaches(minimum):
        click.echo(f"oms-emulator: {shortfall(merged, minimum)}", err=True)
        sys.exit(BELOW_MINIMUM)


def names_of(option: str | None) -> list[str]:
    """Split a comma-separated option."""
    return [name.strip() for name in (option or "").split(",") if name.strip()]
