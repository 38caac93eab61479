"""`oms-emulator installation`: make one from recorded answers, look for faults in it, compare two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from emulator.core.files import replace_whole
from emulator.importing.captures import read_responses
from emulator.importing.endpoints import RecordedResponse
from emulator.importing.installation import import_installation, installation_text
from emulator.rules.installation import DEFAULT, load_own, path_of
from emulator.rules.installation.diff import differences
from emulator.rules.installation.lint import lint as findings_of

FOUND = 1
"""Exit code of a command that found something."""


@click.group()
def installation() -> None:
    """Make, check and compare installations: states, transitions, places."""


@installation.command("import")
@click.argument("captures", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def import_(*, captures: tuple[Path, ...], output: Path, force: bool) -> None:
    """Make an installation's file from recorded GET answers of an OMS.

    Each file holds the JSON body of an answer (a list or one document), an object with `path` and `body`, or a list
    of these. States and transitions are built from the states and the `commands` of packages, transfer orders,
    their logs and webhook events.
    """
    try:
        made = import_installation(answers_in(captures))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if not made.document.get("state"):
        raise click.ClickException("no answer tells of a state; nothing was written")
    write(output, installation_text(made.document), force=force)
    for line in made.made:
        click.echo(line)
    for line in made.warnings:
        click.echo(f"warning: {line}", err=True)
    counts = ", ".join(f"{len(made.document.get(kind, []))} {kind}s" for kind in ("state", "transition"))
    click.echo(f"wrote {output}: {counts}; check it with: oms-emulator installation lint {output}")


def answers_in(captures: Iterable[Path]) -> Iterator[tuple[str, RecordedResponse]]:
    """Give the GET answers that files hold, with the names of the files."""
    for path in captures:
        try:
            yield from ((str(path), answer) for answer in read_responses(orjson.loads(path.read_bytes())))
        except OSError as error:
            raise click.ClickException(f"{path}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise click.ClickException(f"{path}: {error}") from None


def write(output: Path, text: str, *, force: bool) -> None:
    """Write the file, so that it is there whole or not at all; one that is there and differs needs `force`."""
    content = text.encode()
    try:
        if output.exists() and not force and output.read_bytes() != content:
            raise click.ClickException(f"{output} is there already and differs; --force writes over it")
        replace_whole(output, content)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None


@installation.command()
@click.argument("name", default=DEFAULT, metavar="[FILE|NAME]")
def lint(*, name: str) -> int:
    """Look for unreachable states, dead ends, clashing slugs, unknown commands, entries that are wrong.

    Looks at what the file itself says; one line for each finding, exit code 1 if there is any.
    """
    try:
        findings = findings_of(path_of(name))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for line in findings:
        click.echo(line)
    return FOUND if findings else 0


@installation.command()
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
def diff(*, one: str, other: str) -> int:
    """Show the states and transitions that A has and B has not (-), the reverse (+), and those that differ (~).

    Looks at what the files themselves say, dates left out; exit code 1 if they differ.
    """
    try:
        found = differences(load_own(one), load_own(other))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for line in found:
        click.echo(line)
    return FOUND if found else 0
