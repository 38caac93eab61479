"""`oms-emulator import`: create a scenario from recorded GET responses of an OMS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from emulator.core.files import scenario_text, write_own
from emulator.importing.captures import Capture, SkippedEntry, read_captures
from emulator.importing.scenario import ScenarioImport, import_scenario

REPORTED = ("filled", "missing", "corrected", "by_id", "left_out", "replaced")
"""Attributes of `Imported` that are printed, in this order."""
DEFAULT_NAME = "imported"


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.  [default: print it]")
@click.option("--anonymize/--no-anonymize", default=True, show_default=True, help="Replace personal values.")
@click.option("--force", is_flag=True, help="Replace a file that is not a scenario.")
def import_(*, files: tuple[Path, ...], output: Path | None, anonymize: bool, force: bool) -> None:
    """Create a scenario from recorded GET responses of an OMS: lists, details, logs and events of both surfaces.

    Each file contains the JSON body of a response, an object with `path` (or `url`) and `body`, a list of these, or a
    HAR file that a browser saved. Values that the responses lack are filled in. If responses contradict each other,
    the first one is used. Each change is reported on stderr.
    """
    skipped: list[SkippedEntry] = []
    try:
        name = DEFAULT_NAME if output is None else scenario_name(output)
        imported = import_scenario(captures_of(files, skipped), name, anonymize=anonymize)
        if output is None:
            click.echo(scenario_text(imported.document), nl=False)
        else:
            write_own(output, scenario_text(imported.document), force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    report(imported, skipped, output)


def captures_of(files: Iterable[Path], skipped: list[SkippedEntry]) -> Iterator[Capture]:
    """Yield the responses in the files. Add entries that are not GET requests of a surface to `skipped`."""
    for file in files:
        try:
            content = orjson.loads(file.read_bytes())
        except OSError as error:
            raise ValueError(f"cannot read {file}: {error.strerror}") from None
        except ValueError as error:
            raise ValueError(f"{file} is not JSON: {error}") from None
        for found in read_captures(content, str(file)):
            if isinstance(found, SkippedEntry):
                skipped.append(found)
            else:
                yield found


def scenario_name(output: Path) -> str:
    """Return the name of the file, with a hyphen for each character that a scenario name cannot contain."""
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in output.stem
    )
    return name[:100] or DEFAULT_NAME


def report(imported: ScenarioImport, skipped: Iterable[SkippedEntry], output: Path | None) -> None:
    """Print on stderr what was imported, and each value that was added, changed or skipped."""
    lines = [f"skipped: {each.origin}: {each.reason}" for each in skipped]
    lines += [f"{part.replace('_', ' ')}: {line}" for part in REPORTED for line in getattr(imported, part)]
    for line in lines:
        click.echo(line, err=True)
    counts = ", ".join(f"{len(getattr(imported, part))} {part.replace('_', ' ')}" for part in REPORTED)
    head = "imported" if output is None else f"wrote {output}:"
    click.echo(
        f"{head} {len(imported.document['answers'])} paths, {imported.documents} documents; {counts}", err=True
    )
    if output is not None:
        click.echo(f"to serve it: oms-emulator serve --scenario {output}", err=True)
