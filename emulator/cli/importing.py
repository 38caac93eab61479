"""`oms-emulator import`: a scenario from recorded GET answers of an OMS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from emulator.core.files import scenario_text, write_own
from emulator.importing.captures import Capture, SkippedEntry, read_captures
from emulator.importing.scenario import ScenarioImport, import_scenario

PARTS = ("filled", "missing", "corrected", "by_id", "left_out", "replaced")
"""What is told of an import, in this order: lists of lines of `ScenarioImport`."""
NAME = "imported"


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The scenario file to write; else stdout.")
@click.option("--anonymize/--no-anonymize", default=True, show_default=True, help="Replace personal values.")
@click.option("--force", is_flag=True, help="Replace a file that is no scenario.")
def import_(*, files: tuple[Path, ...], output: Path | None, anonymize: bool, force: bool) -> None:
    """Make a scenario of recorded GET answers of an OMS: lists, details, logs, events, of either surface.

    Each file holds the JSON body of an answer, an object with `path` (or `url`) and `body`, a list of these, or is a
    HAR file as browsers save it. What answers leave out is filled in; where they contradict each other, the first
    wins. All of it is told on stderr, one line each.
    """
    skipped: list[SkippedEntry] = []
    try:
        made = import_scenario(
            captures_of(files, skipped), NAME if output is None else named(output), anonymize=anonymize
        )
        if output is None:
            click.echo(scenario_text(made.document), nl=False)
        else:
            write_own(output, scenario_text(made.document), force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    report(made, skipped, output)


def captures_of(files: Iterable[Path], skipped: list[SkippedEntry]) -> Iterator[Capture]:
    """Give the answers that files hold; what is no GET of the two surfaces is added to what was skipped."""
    for file in files:
        try:
            content = orjson.loads(file.read_bytes())
        except OSError as error:
            raise ValueError(f"{file}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise ValueError(f"{file}: is not JSON: {error}") from None
        for found in read_captures(content, str(file)):
            if isinstance(found, SkippedEntry):
                skipped.append(found)
            else:
                yield found


def named(output: Path) -> str:
    """Give the name of a scenario that is kept in a file: the file's, with what a name cannot have left out."""
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in output.stem
    )
    return kept[:100] or NAME


def report(made: ScenarioImport, skipped: Iterable[SkippedEntry], output: Path | None) -> None:
    """Tell what was done, and what a person should know of it."""
    lines = [f"skipped: {each.origin}: {each.reason}" for each in skipped]
    lines += [f"{part.replace('_', ' ')}: {line}" for part in PARTS for line in getattr(made, part)]
    for line in lines:
        click.echo(line, err=True)
    counts = ", ".join(f"{len(getattr(made, part))} {part.replace('_', ' ')}" for part in PARTS)
    where = "imported" if output is None else f"wrote {output}:"
    click.echo(f"{where} {len(made.document['answers'])} paths, {made.documents} documents; {counts}", err=True)
    if output is not None:
        click.echo(f"serve it with: oms-emulator serve --scenario {output}", err=True)
