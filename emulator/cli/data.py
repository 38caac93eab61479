"""`oms-emulator export`: write a world of a running server or of a state file as a scenario file."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import click
import orjson

from emulator.core.files import encode_scenario, replace_file, write_scenario_file
from emulator.domain.installation import DEFAULT, installation_path, load_own_records, portable_form
from emulator.domain.installation.checks import diff_installations
from emulator.domain.installation.checks import lint_installation as findings_of
from emulator.domain.scenario_files import with_installation
from emulator.loading.installation_import import import_installation, installation_text
from emulator.loading.recorded_responses import Capture, RecordedResponse, SkippedEntry, read_captures, read_responses
from emulator.loading.scenario_import import ScenarioImport, import_scenario
from emulator.loading.worlds import build_export, encode_scenario_file
from emulator.worlds.registry import DEFAULT_WORLD

TIMEOUT = 60
DEFAULT_URL = "http://127.0.0.1:8080"


@click.command()
@click.option("--url", help=f"Address of the server.  [default: {DEFAULT_URL}]")
@click.option("--state", type=click.Path(path_type=Path), help="Read this state file. No server may have it open.")
@click.option("--world", default=DEFAULT_WORLD, show_default=True, help="Name of the world.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.  [default: print it]")
@click.option("--force", is_flag=True, help="Replace a file that is not a scenario.")
def export(*, url: str | None, state: Path | None, world: str, output: Path | None, force: bool) -> None:
    """Write a world as a scenario file. `serve --import FILE` restores exactly the same world."""
    if url is not None and state is not None:
        raise click.UsageError("--url and --state cannot be used together")
    try:
        text = export_from_server(url or DEFAULT_URL, world) if state is None else export_from_file(state, world)
        if output is not None:
            write_scenario_file(output, text, force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if output is None:
        click.echo(text, nl=False)


def export_from_file(state: Path, world: str) -> bytes:
    from emulator.worlds.sqlite.state_file import read_export_data  # noqa: PLC0415 - a server's worlds need no database here

    found = read_export_data(state, world)
    start = with_installation(found.start.with_traffic(*found.state.rate), portable_form(found.start.installation))
    return encode_scenario_file(build_export(start, found.steps, found.state.now, found.faults, found.state.calls))


def export_from_server(url: str, world: str) -> bytes:
    """Return the export of a world of a server. Raise `ValueError` if the server does not return one."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{url!r} is not an address; use an address such as {DEFAULT_URL}")
    prefix = "" if world == DEFAULT_WORLD else f"/w/{quote(world, safe='')}"
    connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = connect(address.hostname, address.port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"{address.path.rstrip('/')}{prefix}/__admin/export")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"cannot reach an oms-emulator at {url}: {error}") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ValueError(f"{url} returned no export: {error_message(body) or response.status}")
    return body


def error_message(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, LookupError, TypeError):
        return None


REPORTED_FIELDS = ("filled", "missing", "corrected", "by_id", "left_out", "replaced")
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
            click.echo(encode_scenario(imported.document), nl=False)
        else:
            write_scenario_file(output, encode_scenario(imported.document), force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    print_import_report(imported, skipped, output)


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


def print_import_report(imported: ScenarioImport, skipped: Iterable[SkippedEntry], output: Path | None) -> None:
    """Print on stderr what was imported, and each value that was added, changed or skipped."""
    lines = [f"skipped: {each.origin}: {each.reason}" for each in skipped]
    lines += [f"{part.replace('_', ' ')}: {line}" for part in REPORTED_FIELDS for line in getattr(imported, part)]
    for line in lines:
        click.echo(line, err=True)
    counts = ", ".join(f"{len(getattr(imported, part))} {part.replace('_', ' ')}" for part in REPORTED_FIELDS)
    head = "imported" if output is None else f"wrote {output}:"
    click.echo(
        f"{head} {len(imported.document['answers'])} paths, {imported.documents} documents; {counts}", err=True
    )
    if output is not None:
        click.echo(f"to serve it: oms-emulator serve --scenario {output}", err=True)


HAS_FINDINGS = 1
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
        imported = import_installation(responses_in(captures))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if not imported.document.get("state"):
        raise click.ClickException("the responses contain no states; nothing was written")
    write_installation(output, installation_text(imported.document), force=force)
    for line in imported.assumptions:
        click.echo(line)
    for line in imported.warnings:
        click.echo(f"warning: {line}", err=True)
    counts = ", ".join(f"{len(imported.document.get(kind, []))} {kind}s" for kind in ("state", "transition"))
    click.echo(f"wrote {output}: {counts}; to check it: oms-emulator installation lint {output}")


def responses_in(captures: Iterable[Path]) -> Iterator[tuple[str, RecordedResponse]]:
    """Yield the GET responses in the files, each with the name of its file."""
    for path in captures:
        try:
            yield from ((str(path), answer) for answer in read_responses(orjson.loads(path.read_bytes())))
        except OSError as error:
            raise click.ClickException(f"cannot read {path}: {error.strerror}") from None
        except ValueError as error:
            raise click.ClickException(f"{path}: {error}") from None


def write_installation(output: Path, text: str, *, force: bool) -> None:
    """Write the file atomically. An existing file with other content is replaced only with `force`."""
    content = text.encode()
    try:
        if output.exists() and not force and output.read_bytes() != content:
            raise click.ClickException(f"{output} exists and has other content; use --force to replace it")
        replace_file(output, content)
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
    return HAS_FINDINGS if findings else 0


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
    return HAS_FINDINGS if lines else 0
