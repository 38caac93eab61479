"""`oms-emulator record`: record the traffic of a client with a real OMS, as a scenario and an installation."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from emulator.cli.data import FILE, errors_as_messages, print_import_report, scenario_name, write_installation
from emulator.cli.reports import is_server_address
from emulator.cli.serve import SignalWaiter, listen_errors
from emulator.cli.terminal import LOG, configure_logging
from emulator.core.files import check_target, encode_scenario, write_scenario_file
from emulator.loading.installation_import import DESCRIPTION, installation_text
from emulator.loading.recording import NothingRecorded, Recording, build_world

NOTHING_RECORDED = 1
"""Exit code if the recording has no document."""
EPILOG = """\b
Examples:
  oms-emulator record --target https://oms.example.com -o recorded.json
  oms-emulator record --target https://oms.example.com -o recorded.json --allow-writes --ca authority.pem
"""


@click.command(epilog=EPILOG)
@click.option("--target", required=True, metavar="URL", help="Address of the OMS. Its certificate is verified.")
@click.option("-o", "--output", type=FILE, required=True, help="Write the scenario to this file.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 selects a free one."
)
@click.option("--allow-writes", is_flag=True, help="Also forward requests that change records.")
@click.option(
    "--anonymize/--no-anonymize", default=True, show_default=True, help="Replace personal values and secrets."
)
@click.option(
    "--ca",
    "authority",
    type=FILE,
    help="Accept CONNECT, with certificates of the authority in this file, which is created if it does not exist.",
)
@click.option("--force", is_flag=True, help="Replace files that are no scenario or have other content.")
def record(  # noqa: PLR0913 - options by keyword
    *,
    target: str,
    output: Path,
    host: str,
    port: int,
    allow_writes: bool,
    anonymize: bool,
    authority: Path | None,
    force: bool,
) -> int:
    """Record the traffic between a client and a real OMS, until Ctrl-C.

    The client uses the printed address in place of that of the OMS, or as its HTTP proxy. At the end the answers and
    writes become a scenario, and the states in them an installation beside it. Personal values and secrets are
    replaced before anything is written. What the files lack is reported on stderr.
    """
    if not is_server_address(target) or urlsplit(target).username is not None:
        raise click.UsageError(f"{target!r} is not the address of a server; use one such as https://oms.example.com")
    configure_logging("text", quiet=False, verbose=False, access=False)
    stop = SignalWaiter()
    from emulator.web.recording_proxy import RecordingProxy, create_proxy_server  # noqa: PLC0415 - `--help` does not need it

    recording = Recording()
    with errors_as_messages(), listen_errors(f"{host}:{port}"):
        check_target(output, force=force)
        check_installation(installation_file(output), force=force)
        proxy = RecordingProxy(target, recording.add, allow_writes=allow_writes)
        server = create_proxy_server(proxy, host, port, authority)
    server.start()
    click.echo(f"ready: {server.url}")
    if authority is not None:
        click.echo(f"authority to trust: {authority}")
    sys.stdout.flush()
    stop.next_code()
    server.stop()
    return write_recording(recording, output, anonymize=anonymize, force=force)


def write_recording(recording: Recording, output: Path, *, anonymize: bool, force: bool) -> int:
    """Write the scenario and the installation of a recording. Return the exit code."""
    with errors_as_messages():
        try:
            world = build_world(recording, scenario_name(output), anonymize=anonymize)
        except NothingRecorded as error:
            LOG.error("%s; no file was written", error)
            return NOTHING_RECORDED
        installation = installation_file(output)
        if world.installation is not None:
            write_installation(installation, installation_text(world.installation), force=True)
            world.scenario["installation"] = installation.name
        write_scenario_file(output, encode_scenario(world.scenario), force=force)
    for line in world.missing:
        click.echo(f"not recorded: {line}", err=True)
    print_import_report(world.imported, (), output)
    return 0


def installation_file(output: Path) -> Path:
    return output.with_name(f"{output.stem}.installation.json")


def check_installation(file: Path, *, force: bool) -> None:
    """Raise `ClickException` if the file exists and is not the installation of an earlier recording."""
    if file.exists() and not force and DESCRIPTION.encode() not in file.read_bytes():
        raise click.ClickException(f"{file} exists and is not a recorded installation; use --force to replace it")
