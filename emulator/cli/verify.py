"""`oms-emulator verify`: check whether a server keeps the contract."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from emulator.contract import Report, Result

UNVERIFIED, DRIFT, INTERRUPTED = 1, 3, 130
"""Exit codes: nothing could be verified, drift was found, Ctrl-C."""
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@click.command()
@click.argument("url")
@click.option("--token", "tokens", multiple=True, help="Token of the guide surface (default: full-access).")
@click.option("--jwt", help="JWT of the reference surface, which is not verified without it.")
@click.option("--allow-writes", is_flag=True, help="Also run the checks that change records.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True,
              metavar="SECONDS", help="Seconds to wait for a response.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report to this file.")
def verify(  # noqa: PLR0913 - one argument per option
    *,
    url: str,
    tokens: tuple[str, ...],
    jwt: str | None,
    allow_writes: bool,
    timeout: float,
    form: str,
    output: Path | None,
) -> None:
    """Check whether the server at URL keeps the contract.

    Only reads, unless --allow-writes is given. Exit code 0: no drift; 1: nothing could be verified; 3: drift.
    """
    from emulator.contract import CHECKS, Target, Unreachable, run  # noqa: PLC0415 - slow to import

    if not is_address(url):
        raise click.UsageError(f"{url!r} is not the address of a server; try http://127.0.0.1:8080")
    token, jwt = credentials(tokens, jwt)
    if output is not None:
        check_output(output)
    progress = Progress(Counter(check.operation for check in CHECKS))
    try:
        with Target(url, token, jwt=jwt, allow_writes=allow_writes, timeout=timeout) as target, progress:
            report = run(target, on_result=progress.show)
    except Unreachable as error:
        end(UNVERIFIED, str(error))
    except KeyboardInterrupt:
        end(INTERRUPTED, f"interrupted after {progress.done} of {len(CHECKS)} checks")
    publish(report, form, output)
    if report.verified_nothing:
        reasons = dict.fromkeys(str(result.not_verified) for result in report.results)
        end(UNVERIFIED, f"nothing could be verified: {'; '.join(reasons)}")
    sys.exit(DRIFT if report.findings else 0)


def is_address(url: str) -> bool:
    """Return whether the URL is an HTTP address of a host, with a path at most."""
    try:
        found = urlsplit(url)
        return found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0 and "?" not in url
    except ValueError:
        return False


def credentials(tokens: tuple[str, ...], jwt: str | None) -> tuple[str, str | None]:
    """Return the guide's token and the reference's JWT. A token that looks like a JWT is used as the JWT."""
    jwts = [token for token in tokens if JWT.fullmatch(token)] + ([] if jwt is None else [jwt])
    keys = [token for token in tokens if not JWT.fullmatch(token)] or ["full-access"]
    for found, what in ((jwts, "JWT"), (keys, "token")):
        if len(found) > 1:
            raise click.UsageError(f"more than one {what} was given")
        if not all(key.isascii() and key.isprintable() and " " not in key and key for key in found):
            raise click.UsageError(f"the {what} cannot be sent in a header: {found[0]!r}")
    return keys[0], jwts[0] if jwts else None


def check_output(output: Path) -> None:
    """Raise `UsageError` if the output cannot be written, before any request is sent."""
    if output.is_dir() or not output.parent.is_dir():
        reason = "it is a folder" if output.is_dir() else f"there is no folder {output.parent}"
        raise click.UsageError(f"cannot write {output}: {reason}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise click.UsageError(f"cannot write {output}: permission denied")


def publish(report: Report, form: str, output: Path | None) -> None:
    """Print the report, or write it to a file and print one line."""
    from emulator.contract import as_document, as_junit, as_text  # noqa: PLC0415 - slow to import
    from emulator.contract.formats import summary  # noqa: PLC0415

    text = {
        "text": as_text,
        "json": lambda report: json.dumps(as_document(report), indent=2),
        "junit": as_junit,
    }[form](report)
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    click.echo(f"{summary(report)}; written to {output}")


def end(code: int, message: str) -> None:
    click.echo(f"oms-emulator: {' '.join(message.split())}", err=True)
    sys.exit(code)


class Progress:
    """Print the progress to stderr: a counter on a terminal, otherwise a line for each completed operation."""

    def __init__(self, left: Counter[str]) -> None:
        self.left, self.done, self.total = left, 0, left.total()
        self.outcomes: dict[str, Counter[str]] = {}
        self.terminal = sys.stderr.isatty()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self.terminal:
            click.echo("\r\033[K", err=True, nl=False)

    def show(self, result: Result) -> None:
        operation = result.check.operation
        self.done += 1
        self.left[operation] -= 1
        counts = self.outcomes.setdefault(operation, Counter())
        counts[result.outcome] += 1
        if self.terminal:
            click.echo(f"\r\033[K{self.done}/{self.total} {operation}", err=True, nl=False)
        elif not self.left[operation]:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
            click.echo(f"{operation}: {outcomes}", err=True)
