"""`oms-emulator installation`: create an installation from recorded responses, lint one, compare two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from emulator.core.files import replace_whole
from emulator.importing.captures import read_responses
from emulator.importing.endpoints import RecordedResponse
from emulator.importing.installation import import_installation, installation_text
from emulator.rules.installation import DEFAULT, installation_path, load_own_records
from emulator.rules.installation.diff import diff_installations
from emulator.rules.installation.lint import lint_installation as findings_of

FINDINGS = 1
"""Exit code of a command that has findings."""


@click.group()
def installation() -> None:
    """Create, lint and compare installations: states, transitions, locations."""


@installation.command("import")
@click.argument("captures", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Write to this file.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def installation_import(*, captures: tuple[Path, ...], output: Path, force: bool) -> None:
    """Create an installation file from recorded GET responses of an OMS.

    Each file contains the JSON body of a response (a list or one document), an object with `path` and `body`, or a
    list of these. States and transitions are derived from the states and `commands` in packages, transfer orders,
    logs and webhook events.
    """
    try:
        imported = import_installation(answers_in(captures))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if not imported.document.get("state"):
        raise click.ClickException("the responses contain no states; nothing was written")
    write(output, installation_text(imported.document), force=force)
    for line in imported.made:
        click.echo(line)
    for line in imported.warnings:
        click.echo(f"warning: {line}", err=True)
    counts = ", ".join(f"{len(imported.document.get(kind, []))} {kind}s" for kind in ("state", "transition"))
    click.echo(f"wrote {output}: {counts}; to check it: oms-emulator installation lint {output}")


def answers_in(captures: Iterable[Path]) -> Iterator[tuple[str, RecordedResponse]]:
    """Yield the GET responses in the files, each with the name of its file."""
    for path in captures:
        try:
            yield from ((str(path), answer) for answer in read_responses(orjson.loads(path.read_bytes())))
        except OSError as error:
            raise click.ClickException(f"cannot read {path}: {error.strerror}") from None
        except ValueError as error:
            raise click.ClickException(f"{path}: {error}") from None


def write(output: Path, text: str, *, force: bool) -> None:
    """Write the file atomically. An existing file with other content is replaced only with `force`."""
    content = text.encode()
    try:
        if output.exists() and not force and output.read_bytes() != content:
            raise click.ClickException(f"{output} exists and has other content; use --force to replace it")
        replace_whole(output, content)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None


@installation.command()
@click.argument("name", default=DEFAULT, metavar="[FILE|NAME]")
def lint(*, name: str) -> int:
    """Report unreachable states, dead ends, duplicate slugs, unknown commands and invalid entries.

    Only the entries of the file itself are checked. Prints one line per finding; exit code 1 if there are findings.
    """
    try:
        findings = findings_of(installation_path(name))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for line in findings:
        click.echo(line)
    return FINDINGS if findings else 0


@installation.command()
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
def diff(*, one: str, other: str) -> int:
    """Show the states and transitions that only A has (-), that only B has (+), and that differ (~).

    Only the entries of the files themselves are compared, without dates. Exit code 1 if they differ.
    """
    try:
        lines = diff_installations(load_own_records(one), load_own_records(other))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for line in lines:
        click.echo(line)
    return FINDINGS if lines else 0
