"""`oms-emulator record`: record the traffic of a client with a real OMS, as a scenario and an installation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from emulator.cli.data import FILE, print_import_report, scenario_name, write_installation
from emulator.cli.serve import SignalWaiter, listen_errors
from emulator.cli.terminal import LOG, Integer, configure_logging, errors_as_messages, require_python_package
from emulator.client.shadow import Prober, Shadow
from emulator.contract.evidence import Evidence, read_evidence
from emulator.core.files import check_folder, check_target, encode_scenario, replace_file, write_scenario_file
from emulator.core.hosts import check_host, is_server_address
from emulator.worlds.loading.installation_import import DESCRIPTION, installation_text
from emulator.worlds.loading.recording import (
    ExchangeWorker,
    NothingRecorded,
    RecordedExchange,
    Recording,
    build_world,
)

NOTHING_RECORDED = 1
"""Exit code if the recording has no document."""
SWITCH_SECONDS = 0.0001
"""Time after which the comparing thread lets a waiting request continue. Python's default is 5 ms."""
EPILOG = """\b
Examples:
  oms-emulator record --target https://oms.example.com -o recorded.json
  oms-emulator record --target https://oms.example.com -o recorded.json --allow-writes --ca authority.pem
"""


@click.command(epilog=EPILOG)
@click.option("--target", required=True, metavar="URL", help="Address of the OMS. Its certificate is verified.")
@click.option("-o", "--output", type=FILE, help="Write the scenario to this file. Required without --evidence.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8081, show_default=True, type=Integer(0, 65535), help="Port; 0 selects a free one.")
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
@click.option("--shadow", is_flag=True, help="Compare each response with that of the emulator.")
@click.option("--evidence", type=FILE, help="Add the results of --shadow to this file.")
@click.option("--probe", is_flag=True, help="With --shadow, also send own GET requests, such as with a wrong token.")
@click.option("--force", is_flag=True, help="Replace files that no recording wrote.")
def record(  # noqa: PLR0913 - one parameter for each option
    *, target: str, host: str, port: int, authority: Path | None, allow_writes: bool, probe: bool, **options: Any
) -> int:
    """Record the traffic between a client and a real OMS, until Ctrl-C.

    The client uses the printed address in place of that of the OMS, or as its HTTP proxy. At the end the answers and
    writes become a scenario, and the states in them an installation beside it. Personal values and secrets are
    replaced before anything is written. What the files lack is reported on stderr.

    With --shadow the emulator answers each request too. The client gets the response of the OMS. Agreements and
    differences are counted in the evidence file, for `serve --evidence FILE`. With --probe the command itself also
    sends GET requests: without a token, with a wrong token, with an unknown id, and to links in the answers.
    """
    require_python_package("recording")
    if not is_server_address(target) or urlsplit(target).username is not None:
        raise click.UsageError(f"{target!r} is not the address of a server; use one such as https://oms.example.com")
    configure_logging("text", quiet=False, verbose=False, access=False)
    stop = SignalWaiter()
    from emulator.web.recording_proxy import RecordingProxy, create_proxy_server  # noqa: PLC0415 - the npm package has no ssl

    with errors_as_messages(), listen_errors(f"{host}:{port}"):
        check_host(host)
        files = RecordedFiles(**options)
        proxy = RecordingProxy(target, files.add, allow_writes=allow_writes)
        if probe:
            files.probe_with(Prober(proxy.fetch, proxy.target))
        server = create_proxy_server(proxy, host, port, authority)
    server.start()
    click.echo(f"ready: {server.url}")
    if authority is not None:
        click.echo(f"authority to trust: {authority}")
    sys.stdout.flush()
    stop.next_code()
    server.stop()
    return files.write()


class RecordedFiles:
    """The files that a recording makes: scenario and installation, evidence, or both."""

    def __init__(
        self, output: Path | None, evidence: Path | None, *, shadow: bool, anonymize: bool, force: bool
    ) -> None:
        """Raise `ValueError` or `ClickException` if it is already known that a file cannot be written."""
        if shadow != (evidence is not None):
            raise click.UsageError("--shadow and --evidence FILE need each other")
        if output is None and evidence is None:
            raise click.UsageError("Missing option '-o' / '--output'.")
        self.output, self.evidence, self.anonymize, self.force = output, evidence, anonymize, force
        self.recording = Recording()
        self._worker = ExchangeWorker("recording", self.recording.add)
        self.shadow = None if evidence is None else open_shadow(evidence)
        if output is not None:
            check_target(output, force=force)
            other = installation_file(output)
            if other.exists() and not force and DESCRIPTION.encode() not in other.read_bytes():
                raise click.ClickException(
                    f"{other} exists and is not a recorded installation; use --force to replace it"
                )
        self._worker.start()

    def probe_with(self, prober: Prober) -> None:
        """Send the requests of a prober too. They are compared, but not recorded."""
        if self.shadow is None:
            raise click.UsageError("--probe needs --shadow")
        self.shadow.prober = prober

    def add(self, exchange: RecordedExchange) -> None:
        """Pass an exchange to the threads that record and compare it."""
        if self.output is not None:
            self._worker.add(exchange)
        if self.shadow is not None:
            self.shadow.add(exchange)

    def write(self) -> int:
        """Process what was added so far, write the files, and return the exit code."""
        self._worker.stop()
        if self.shadow is not None and self.evidence is not None:
            self.shadow.stop()
            document = json.dumps(self.shadow.evidence.to_document(), indent=2)
            replace_file(self.evidence, f"{document}\n".encode())
            print_evidence(self.shadow.evidence, self.evidence)
        return 0 if self.output is None else self._write_scenario(self.output)

    def _write_scenario(self, output: Path) -> int:
        with errors_as_messages():
            try:
                world = build_world(self.recording, scenario_name(output), anonymize=self.anonymize)
            except NothingRecorded as error:
                LOG.error("%s; no scenario was written", error)
                return NOTHING_RECORDED
            if world.installation is not None:
                file = installation_file(output)
                write_installation(file, installation_text(world.installation), force=True)
                world.scenario["installation"] = file.name
            write_scenario_file(output, encode_scenario(world.scenario), force=self.force)
        for line in world.missing:
            click.echo(f"not recorded: {line}", err=True)
        print_import_report(world.imported, (), output)
        return 0


def open_shadow(evidence: Path) -> Shadow:
    """Return a started shadow that adds to the evidence in a file."""
    check_folder(evidence)
    sys.setswitchinterval(SWITCH_SECONDS)
    shadow = Shadow(read_evidence(evidence) if evidence.exists() else None)
    shadow.start()
    return shadow


def print_evidence(evidence: Evidence, file: Path) -> None:
    """Print the differences of each operation on stderr, and the totals."""
    for operation, places in sorted(evidence.differences.items()):
        for (kind, pointer), count in sorted(places.items()):
            click.echo(f"differs: {operation}: {kind} {pointer or 'of the response'}: {count}", err=True)
    for operation, count in sorted(evidence.not_compared.items()):
        click.echo(f"not compared: {operation}: {count}", err=True)
    click.echo(
        f"wrote {file}: {len(evidence.agreed)} behaviours agreed; {len(evidence.differences)} operations differ",
        err=True,
    )


def installation_file(output: Path) -> Path:
    return output.with_name(f"{output.stem}.installation.json")
