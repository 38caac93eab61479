"""`oms-emulator verify` and `coverage`: commands that report how well a server or a test run does."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import click

from emulator.cli import exit_with
from emulator.cli.terminal import DAY, NamedChoice, Number, check_writable, errors_as_messages, write_file
from emulator.contract import CHECKS, Result, Target, Unreachable, render, run, summary
from emulator.core.credentials import TOKEN_FORMAT
from emulator.core.hosts import is_server_address
from emulator.coverage import counts
from emulator.coverage import report as reports

NOT_VERIFIED, DRIFT, INTERRUPTED = 1, 3, 130
"""Exit codes of `verify`: nothing could be verified; the server deviates from the contract; Ctrl-C."""
BELOW_MINIMUM = 1
"""Exit code of `coverage` when the coverage is below `--fail-under`."""

Decorated = TypeVar("Decorated", bound=Callable[..., object])


class ReportOptions(TypedDict):
    """The options of both commands."""

    form: str
    output: Path | None


def report_options(*formats: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds `ReportOptions`. The first format is the default."""
    form = click.option("--format", "form", type=NamedChoice(formats), default=formats[0], show_default=True)
    output = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report to this file.")
    return lambda command: form(output(command))


def minimum_option(text: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds the option `--fail-under` with this help text."""
    return click.option("--fail-under", "minimum", type=Number(0, 100), metavar="PERCENT", help=text)


# verify


@click.command()
@click.argument("url")
@click.option("--token", "tokens", multiple=True, help="Token for the guide surface.  [default: full-access]")
@click.option("--jwt", help="JWT for the reference surface. Without it, the reference surface is not verified.")
@click.option("--allow-writes", is_flag=True, help="Also run the checks that change records.")
@click.option(
    "--timeout",
    type=Number(0, DAY, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Time to wait for a response.",
)
@report_options("text", "json", "junit")
def verify(
    *,
    url: str,
    tokens: tuple[str, ...],
    jwt: str | None,
    allow_writes: bool,
    timeout: float,
    **options: Unpack[ReportOptions],
) -> None:
    """Check whether the server at URL conforms to the contract.

    Only reads, unless --allow-writes is set. Exit code 0: it conforms; 1: nothing could be verified; 3: it deviates.
    """
    if not is_server_address(url):
        raise click.UsageError(
            f"{url!r} is not the address of a server; use an address such as http://127.0.0.1:8080"
        )
    token, jwt = credentials(tokens, jwt)
    output = options["output"]
    if output is not None:
        check_writable(output)
    progress = Progress(Counter(check.operation for check in CHECKS))
    try:
        with Target(url, token, jwt=jwt, allow_writes=allow_writes, timeout=timeout) as target, progress:
            report = run(target, on_result=progress.report)
    except Unreachable as error:
        exit_with(str(error), NOT_VERIFIED)
    except KeyboardInterrupt:
        exit_with(f"interrupted after {progress.done} of {len(CHECKS)} checks", INTERRUPTED)
    output_report(render(report, options["form"]), summary(report), output)
    if report.verified_nothing:
        reasons = dict.fromkeys(str(result.not_verified) for result in report.results)
        exit_with(f"nothing could be verified: {'; '.join(reasons)}", NOT_VERIFIED)
    sys.exit(DRIFT if report.findings else 0)


def credentials(tokens: tuple[str, ...], jwt: str | None) -> tuple[str, str | None]:
    """Return the token of the guide and the JWT of the reference. A `--token` may also be a JWT."""
    jwts = [token for token in tokens if TOKEN_FORMAT.fullmatch(token)] + ([] if jwt is None else [jwt])
    keys = [token for token in tokens if not TOKEN_FORMAT.fullmatch(token)] or ["full-access"]
    for given, kind in ((jwts, "JWT"), (keys, "token")):
        if len(given) > 1:
            raise click.UsageError(f"more than one {kind} was given; only one can be used")
        if not all(key.isascii() and key.isprintable() and " " not in key and key for key in given):
            raise click.UsageError(f"the {kind} contains characters that a header cannot hold: {given[0]!r}")
    return keys[0], jwts[0] if jwts else None


def output_report(text: str, summary: str, output: Path | None) -> None:
    """Print the report, or write it to a file and print its summary."""
    if output is None:
        click.echo(text)
        return
    write_file(output, f"{text}\n")
    click.echo(f"{summary}; written to {output}")


class Progress:
    """Prints progress on stderr: a counter on a terminal, otherwise one line per finished operation."""

    def __init__(self, remaining: Counter[str]) -> None:
        self.remaining, self.done, self.total = remaining, 0, remaining.total()
        self.outcomes: dict[str, Counter[str]] = {}
        self.is_terminal = sys.stderr.isatty()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self.is_terminal:
            click.echo("\r\033[K", err=True, nl=False)

    def report(self, result: Result) -> None:
        operation = result.check.operation
        self.done += 1
        self.remaining[operation] -= 1
        counts = self.outcomes.setdefault(operation, Counter())
        counts[result.outcome] += 1
        if self.is_terminal:
            click.echo(f"\r\033[K{self.done}/{self.total} {operation}", err=True, nl=False)
        elif not self.remaining[operation]:
            summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
            click.echo(f"{operation}: {summary}", err=True)


# coverage


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@report_options("text", "json", "junit", "html")
@minimum_option("Exit with code 1 if the coverage is below PERCENT.")
@click.option("--only", metavar="NAMES", help="Dimensions to report, comma-separated: operations,transitions")
@click.option(
    "--operations",
    metavar="PATTERNS",
    help="Operations to report, comma-separated patterns: 'list_*,get_*' or '!reference_*'",
)
def coverage(
    *,
    files: Sequence[Path],
    minimum: float | None,
    only: str | None,
    operations: str | None,
    **options: Unpack[ReportOptions],
) -> None:
    """Merge coverage FILES and report the coverage. For a folder, its coverage files (JSON) are merged.

    Coverage counts operations, statuses, executed and refused transitions, filters, webhook events and credentials.
    Exit code 1: below --fail-under.
    """
    output = options["output"]
    with errors_as_messages():
        merged = reports.build_report(counts.read_counts(files), split_names(only), split_names(operations))
        text = reports.render(merged, options["form"], minimum)
        if output is not None:
            counts.write_text(output, text.encode())
            text = f"{reports.summary(merged)}; report written to {output}\n"
    click.echo(text, nl=False)
    if minimum is not None and not merged.reaches(minimum):
        exit_with(reports.shortfall(merged, minimum), BELOW_MINIMUM)


def split_names(option: str | None) -> list[str]:
    """Split a comma-separated option."""
    return [name.strip() for name in (option or "").split(",") if name.strip()]
