"""Commands that print, write or check data: lists, documents, tokens, scenarios and installations."""

from __future__ import annotations

import http.client
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import click
import orjson

from emulator.api.openapi import PARTS, VERSIONS, arazzo_document, asyncapi_document, openapi_document
from emulator.api.routes import ROUTES
from emulator.cli import ListingGroup
from emulator.cli.terminal import Integer, NamedChoice, errors_as_messages, with_progress, write_file
from emulator.core.credentials import CREDENTIALS, issue_token
from emulator.core.files import encode_scenario, replace_file, write_scenario_file
from emulator.core.hosts import is_server_address
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import load_schema
from emulator.domain.installation import DEFAULT, installation_path, portable_form, read_installation
from emulator.domain.installation.checks import diff_installations, lint_installation
from emulator.domain.scenario_files import bundled_scenarios, with_installation
from emulator.state.clock import machine_now
from emulator.worlds.loading.installation_import import import_installation, installation_text
from emulator.worlds.loading.recorded_responses import (
    Capture,
    RecordedResponse,
    SkippedEntry,
    read_captures,
    read_responses,
)
from emulator.worlds.loading.scenario_import import ScenarioImport, import_scenario
from emulator.worlds.loading.scenarios import build_export, encode_scenario_file
from emulator.worlds.registry import DEFAULT_WORLD, validated_name

TIMEOUT = 60
DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_NAME = "imported"
REPORTED_FIELDS = ("filled", "missing", "corrected", "by_id", "left_out", "replaced")
"""Attributes of `ScenarioImport` that are printed, in this order."""
MAX_LIFETIME = 2**63 - 1
"""The largest number that can be sent. The server checks the lifetime against the calendar."""
HAS_FINDINGS = 1
"""Exit code of a command that has findings."""
FILE = click.Path(path_type=Path)

files_argument = click.argument("files", nargs=-1, required=True, metavar="FILES...", type=FILE)
output_option = click.option("-o", "--output", type=FILE, help="Write to this file.  [default: print it]")
force_option = click.option("--force", is_flag=True, help="Replace a file that is not a scenario.")


# export


@click.command()
@click.option("--url", help=f"Address of the server.  [default: {DEFAULT_URL}]")
@click.option("--state", type=FILE, help="Read this state file. No server may have it open.")
@click.option("--world", default=DEFAULT_WORLD, show_default=True, help="Name of the world.")
@output_option
@force_option
@click.option("--with-secrets", is_flag=True, help="Keep secret keys, passwords and headers of hooks.")
@click.option("--admin-token", envvar="OMS_EMULATOR_ADMIN_TOKEN", help="Admin token of a server on another machine.")
def export(  # noqa: PLR0913 - options by keyword
    *,
    url: str | None,
    state: Path | None,
    world: str,
    output: Path | None,
    force: bool,
    with_secrets: bool,
    admin_token: str | None,
) -> None:
    """Write a world as a scenario file. `serve --import FILE` restores exactly the same world.

    Credentials of hooks are masked, and the restored world sends the masks.
    """
    if url is not None and state is not None:
        raise click.UsageError("--url and --state cannot be used together")
    with errors_as_messages():
        if state is None:
            path = f"export{'?with_secrets=true' if with_secrets else ''}"
            text = call_server(url or DEFAULT_URL, world, path, admin_token=admin_token)
        else:
            text = export_from_file(state, world, with_secrets=with_secrets)
        write_or_print(output, text, force=force)


def write_or_print(output: Path | None, text: bytes, *, force: bool) -> None:
    """Write a scenario file, or print it if there is no output file."""
    if output is None:
        click.echo(text, nl=False)
    else:
        write_scenario_file(output, text, force=force)


def export_from_file(state: Path, world: str, *, with_secrets: bool = False) -> bytes:
    from emulator.worlds.sqlite.state_file import read_export_data  # noqa: PLC0415 - the npm package has no sqlite3

    data = read_export_data(state, world)
    start = with_installation(data.start.with_traffic(*data.state.rate), portable_form(data.start.installation))
    parts = start, data.steps, data.state.now, data.faults, data.state.calls
    return encode_scenario_file(build_export(*parts, with_secrets=with_secrets))


def call_server(url: str, world: str, path: str, document: JsonValue = None, admin_token: str | None = None) -> bytes:
    """Return the response of a server's control API to a GET, or to a POST if there is a document.

    Raise `ValueError` if the call fails.
    """
    if not is_server_address(url):
        raise ValueError(f"{url!r} is not an address; use an address such as {DEFAULT_URL}")
    validated_name(world)
    address = urlsplit(url)
    prefix = "" if world == DEFAULT_WORLD else f"/w/{quote(world, safe='')}"
    connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=TIMEOUT)
    headers = {"Authorization": f"Bearer {admin_token}".encode(errors="surrogateescape")} if admin_token else {}
    try:
        connection.request(
            "GET" if document is None else "POST",
            f"{address.path.rstrip('/')}{prefix}/__admin/{path}",
            None if document is None else orjson.dumps(document),
            headers | ({} if document is None else {"Content-Type": "application/json"}),
        )
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"cannot reach an oms-emulator at {url}: {error}") from None
    finally:
        connection.close()
    if response.status not in (http.client.OK, http.client.CREATED):
        name = path.partition("?")[0].rstrip("s")
        raise ValueError(f"{url} returned no {name}: {error_message(body) or response.status}")
    return body


def error_message(body: bytes) -> str | None:
    """Return the message of an error response, or None if the body is not an error of the control API."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, LookupError, TypeError):
        return None


# import


@click.command("import")
@files_argument
@output_option
@click.option("--anonymize/--no-anonymize", default=True, show_default=True, help="Replace personal values.")
@force_option
def import_(*, files: tuple[Path, ...], output: Path | None, anonymize: bool, force: bool) -> None:
    """Create a scenario from recorded GET responses of an OMS: lists, details, logs and events of both surfaces.

    Each file contains the JSON body of a response, an object with `path` (or `url`) and `body`, a list of these, or a
    HAR file that a browser saved. Values that the responses lack are filled in. If responses contradict each other,
    the first one is used. Each change is reported on stderr.
    """
    skipped: list[SkippedEntry] = []
    with errors_as_messages():
        name = DEFAULT_NAME if output is None else scenario_name(output)
        imported = import_scenario(captures_of(files, skipped), name, anonymize=anonymize, track=with_progress)
        write_or_print(output, encode_scenario(imported.document), force=force)
    print_import_report(imported, skipped, output)


def read_json(file: Path) -> JsonValue:
    """Return the JSON in a file, which may be a pipe. Raise `ValueError` with one line if there is none."""
    try:
        return orjson.loads(file.read_bytes().removeprefix(BOM_UTF8))
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from None


def captures_of(files: Iterable[Path], skipped: list[SkippedEntry]) -> Iterator[Capture]:
    """Yield the responses in the files. Add entries that are not GET requests of a surface to `skipped`."""
    for file in files:
        for entry in read_captures(read_json(file), str(file)):
            if isinstance(entry, SkippedEntry):
                skipped.append(entry)
            else:
                yield entry


def scenario_name(output: Path) -> str:
    """Return the name of the file, with a hyphen for each character that a scenario name cannot contain."""
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in output.stem
    )
    return name[:100] or DEFAULT_NAME


def print_import_report(imported: ScenarioImport, skipped: Iterable[SkippedEntry], output: Path | None) -> None:
    """Print on stderr what was imported, and each value that was added, changed or skipped."""
    fields = {name.replace("_", " "): getattr(imported, name) for name in REPORTED_FIELDS}
    for entry in skipped:
        click.echo(f"skipped: {entry.origin}: {entry.reason}", err=True)
    for name, lines in fields.items():
        for line in lines:
            click.echo(f"{name}: {line}", err=True)
    counts = ", ".join(f"{len(lines)} {name}" for name, lines in fields.items())
    head = "imported" if output is None else f"wrote {output}:"
    click.echo(
        f"{head} {len(imported.document['answers'])} paths, {imported.documents} documents; {counts}", err=True
    )
    if output is not None:
        click.echo(f"to serve it: oms-emulator serve --scenario {output}", err=True)


# installation


@click.group(cls=ListingGroup)
def installation() -> None:
    """Create, lint and compare installations: states, transitions, locations."""


@installation.command("import")
@files_argument
@click.option("-o", "--output", required=True, type=FILE, help="Write to this file.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def installation_import(*, files: tuple[Path, ...], output: Path, force: bool) -> None:
    """Create an installation file from recorded GET responses of an OMS.

    Each file contains the JSON body of a response (a list or one document), an object with `path` and `body`, or a
    list of these. States and transitions are derived from the states and `commands` in packages, transfer orders,
    logs and webhook events.
    """
    with errors_as_messages():
        imported = import_installation(responses_in(files))
    if not imported.document.get("state"):
        raise click.ClickException("the responses contain no states; nothing was written")
    write_installation(output, installation_text(imported.document), force=force)
    for line in imported.assumptions:
        click.echo(line)
    for line in imported.warnings:
        click.echo(f"warning: {line}", err=True)
    counts = ", ".join(f"{len(imported.document.get(kind, []))} {kind}s" for kind in ("state", "transition"))
    click.echo(f"wrote {output}: {counts}; to check it: oms-emulator installation lint {output}")


def responses_in(files: Iterable[Path]) -> Iterator[tuple[str, RecordedResponse]]:
    """Yield the GET responses in the files, each with the name of its file."""
    for file in files:
        content = read_json(file)
        try:
            yield from ((str(file), response) for response in read_responses(content))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None


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
    with errors_as_messages():
        return print_findings(lint_installation(installation_path(name)))


@installation.command()
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
def diff(*, one: str, other: str) -> int:
    """Show the states and transitions that only A has (-), that only B has (+), and that differ (~).

    Only the entries of the files themselves are compared, without dates. Exit code 1 if they differ.
    """
    with errors_as_messages():
        before, after = (read_installation(installation_path(name)).records for name in (one, other))
        return print_findings(diff_installations(before, after))


def print_findings(lines: list[str]) -> int:
    """Print the findings, and return the exit code."""
    for line in lines:
        click.echo(line)
    return HAS_FINDINGS if lines else 0


# routes, scenarios, openapi and token

JWT_LIFETIME = 3600
EMBEDDED = ("fault",)
"""Schemas that other schemas refer to by file name."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def routes(*, as_json: bool) -> None:
    """List all operations: name, method, path, statuses and the page that documents them."""
    rows = [
        {
            "operation": route.operation,
            "method": route.method,
            "path": route.path.replace("<...rest>", "<path>"),
            "statuses": sorted(route.responses),
            "doc": route.doc,
        }
        for route in ROUTES
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        statuses = " ".join(map(str, row["statuses"]))
        click.echo(f"{row['operation']:30} {row['method']:6} {row['path']:70} {statuses:16} {row['doc']}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of scenario files, for completion in editors.")
def scenarios(*, as_json: bool, schema: bool) -> None:
    """List the bundled scenarios."""
    if schema:
        click.echo(json.dumps(self_contained_schema("scenario"), indent=2, ensure_ascii=False))
        return
    bundled = bundled_scenarios().values()
    if as_json:
        rows = [{"name": each.name, "description": each.description, "request": each.request} for each in bundled]
        click.echo(json.dumps(rows, indent=2))
        return
    for each in bundled:
        click.echo(f"{each.name:60} {each.description}" + (f"  GET {each.request}" if each.request else ""))


def self_contained_schema(name: str) -> JsonObject:
    """Return a schema with all schemas that it refers to in its `$defs`."""
    embedded = {each: with_local_references(load_schema(each)) for each in EMBEDDED}
    definitions = load_schema("formats")["$defs"] | embedded
    return with_local_references(load_schema(name)) | {"$defs": definitions}


def with_local_references(schema: Mapping[str, JsonValue]) -> JsonObject:
    """Return a schema whose references to other files point into its own `$defs`."""
    text = json.dumps(schema).replace('"formats.json#/$defs/', '"#/$defs/')
    for name in EMBEDDED:
        text = text.replace(f'"$ref": "{name}.json"', f'"$ref": "#/$defs/{name}"')
        text = text.replace(f'"$id": "{name}.json", ', "")
    changed: JsonObject = json.loads(text)
    return changed


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--server", default="/", show_default=True, help="Server address in the document.")
@click.option("--openapi-version", type=click.Choice(VERSIONS), help="OpenAPI version.  [default: 3.1]")
@click.option("--part", type=click.Choice(PARTS), help="Operations: of the OMS, of the control API, or all.")
@click.option(
    "--document",
    type=click.Choice(["openapi", "asyncapi", "arazzo"]),
    default="openapi",
    show_default=True,
    help="AsyncAPI describes the webhooks, Arazzo describes workflows.",
)
def openapi(
    *, output: Path | None, server: str, openapi_version: str | None, part: str | None, document: str
) -> None:
    """Print the OpenAPI 3.1 document of the emulated API, or another description of it."""
    if document != "openapi" and (openapi_version or part):
        raise click.UsageError(f"--openapi-version and --part do not apply to --document {document}")
    description = {
        "openapi": lambda: openapi_document(server, version=openapi_version or VERSIONS[0], part=part or PARTS[0]),
        "asyncapi": asyncapi_document,
        "arazzo": arazzo_document,
    }[document]()
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    write_file(output, text)


@click.command()
@click.argument("role", metavar="ROLE", type=NamedChoice(list(CREDENTIALS)))
@click.option(
    "--expires-in",
    type=Integer(-MAX_LIFETIME, MAX_LIFETIME),
    metavar="SECONDS",
    help=f"Lifetime in seconds, by the clock of the server at --url.  [default: {JWT_LIFETIME}]",
)
@click.option("--kind", type=NamedChoice(["jwt", "token"]), default="jwt", show_default=True)
@click.option("--url", help=f"Address of the server.  [default with --expires-in: {DEFAULT_URL}]")
@click.option("--world", default=DEFAULT_WORLD, show_default=True, help="Name of the world, with --url.")
def token(*, role: str, expires_in: int | None, kind: str, url: str | None, world: str) -> None:
    """Print a credential with the role ROLE.

    Use a jwt on the reference surface (`Authorization: Bearer ...`) and a token on the guide surface (`Token ...`).
    A jwt expires by the clock of the server that creates it. Without --url and --expires-in no server is asked, and
    the jwt expires after an hour of the machine's clock.
    """
    if world != DEFAULT_WORLD and url is None and expires_in is None:
        raise click.UsageError("--world requires --url or --expires-in: without them no server is asked")
    if kind == "token":
        if expires_in is not None or url is not None:
            raise click.UsageError("a token does not expire; --expires-in and --url require --kind jwt")
        click.echo(role)
    elif url is not None or expires_in is not None:
        document = {"role": role, "kind": kind, "expires_in": JWT_LIFETIME if expires_in is None else expires_in}
        with errors_as_messages():
            click.echo(json.loads(call_server(url or DEFAULT_URL, world, "tokens", document))["token"])
    else:
        click.echo(issue_token(role, machine_now(), JWT_LIFETIME).token)
