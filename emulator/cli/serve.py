"""`oms-emulator serve` and `exec`: run a server until a signal arrives, or until a command exits."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from copy import copy
from errno import EADDRNOTAVAIL
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from emulator.cli.terminal import (
    LOG,
    GroupedCommand,
    Integer,
    NamedChoice,
    Number,
    check_writable,
    configure_logging,
    errors_as_messages,
    options_of,
    slow_start,
    unknown_variables,
)
from emulator.cli.watch import watching
from emulator.client.emulator import Emulator
from emulator.core.credentials import parse_limits
from emulator.core.files import check_target
from emulator.state.runtime import current_runtime
from emulator.state.scenario import MAX_PACKAGES

HOST_ADVICE = "--host must be an address of this machine, such as 127.0.0.1 or 0.0.0.0."
PORT_ADVICE = "Try another --port, or --port 0 for a free one."
DEFAULT_SCENARIO = "demo"
INTERRUPTED = 130
EXIT_CODES = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}
"""Signals that stop `serve` -> its exit code."""
GC_THRESHOLD = 50_000
"""Allocations between two garbage collections. A world consists of many small objects, and a collection every 700
allocations, the default of Python, takes a third of the time of a busy server."""
M_ARENA_MAX = -8
"""The option of glibc's `mallopt` for the number of heaps."""
FILE = click.Path(path_type=Path)
EXAMPLES = """\b
Examples:
  oms-emulator serve --scenario busy-day --port 0
  oms-emulator serve --state oms.db --live 60 --open
  OMS_EMULATOR_PORT=9000 oms-emulator serve --strict -v
"""
EXEC_EXAMPLES = """\b
Examples:
  oms-emulator exec -- npm test
  oms-emulator exec --scenario empty --strict -- pytest -q
"""


address_option, data_option, world_option, permission_option, output_option = map(
    options_of, ("Address", "Data", "Worlds and behaviour", "Permissions", "Output")
)


@click.command(cls=GroupedCommand, epilog=EXAMPLES)
@address_option("host", default="127.0.0.1", help="Address to listen on.")
@address_option("port", default=8080, type=Integer(0, 65535), help="Port; 0 selects a free one.")
@address_option("behind-proxy", is_flag=True, help="Trust X-Forwarded-For, -Proto, -Host and -Prefix of one proxy.")
@address_option("tls", is_flag=True, help="Serve HTTPS, with a certificate that is made at the start (extra tls).")
@address_option("tls-cert", type=FILE, help="Serve HTTPS with the certificate in this file.")
@address_option("tls-key", type=FILE, help="File with the key of --tls-cert.")
@address_option(
    "server",
    default="waitress",
    type=NamedChoice(["waitress", "granian"]),
    help="HTTP server; granian is faster and needs the extra fast.",
)
@data_option("scenario", help="Name of a scenario, or a .json file.  [default: demo]")
@data_option("import", type=FILE, help="Start from a file that `export` wrote.")
@data_option("installation", help="Name of an installation, or a .json file with custom states and transitions.")
@data_option("packages", type=Integer(0, MAX_PACKAGES), help="Number of packages in the scenario.")
@data_option("seed", type=int, help="Seed of the generated data.")
@data_option("live", type=Number(0, 36_000), help="Generate this number of orders per hour.")
@data_option("state", type=FILE, help="Store all worlds in this file, across restarts.")
@data_option("evidence", type=FILE, help="Mark behaviours that this file of `record --shadow` confirms as observed.")
@data_option("watch", is_flag=True, help="Restart the worlds when the scenario or installation file is saved.")
@data_option("export-on-exit", type=FILE, help="Write the world as a scenario file on exit.")
@data_option("force", is_flag=True, help="Allow --export-on-exit to replace a file that is not a scenario.")
@data_option("with-secrets", is_flag=True, help="Keep credentials of hooks in the file of --export-on-exit.")
@world_option("strict", is_flag=True, help="Answer 400 to requests that the real service silently accepts.")
@world_option(
    "validate-responses", is_flag=True, help="Answer 500 in place of a response that violates its JSON Schema."
)
@world_option("provenance", is_flag=True, help="Name in each response what it rests on: X-Emulator-Provenance.")
@world_option(
    "provenance-report", type=FILE, help="Write to this file on exit, as JSON, what tests rest on; with --provenance."
)
@world_option("limit", multiple=True, help="Rate limit of a token: full-access:read=100/min. May be repeated.")
@world_option("max-worlds", default=1_000, type=Integer(min=1), help="Maximum number of open worlds.")
@world_option(
    "world-idle",
    default=3_600.0,
    type=Number(min=0),
    help="Seconds without a request after which a world may be closed.",
)
@world_option(
    "journal-size",
    default=1_000,
    type=Integer(min=0),
    help="Number of exchanges in the journal of each world.",
)
@permission_option("allow-host", multiple=True, help="Allow the control API under this host name. May be repeated.")
@permission_option("admin-token", help="Token that requests from other machines need for the control API.")
@permission_option(
    "allow-webhook-host", multiple=True, help="Allow webhooks to call this host or host:port. May be repeated."
)
@permission_option("cors-origin", multiple=True, help="Allow pages of this origin to read responses.  [default: all]")
@permission_option("cors-header", multiple=True, help="Allow pages to send this request header. May be repeated.")
@permission_option(
    "cors-credentials", is_flag=True, help="Allow credentials from all origins, without --cors-origin."
)
@permission_option("allow-fault-header", is_flag=True, help="Allow requests to inject faults: X-Emulator-Fault: 503.")
@output_option("open", is_flag=True, help="Open the inspector in a browser.")
@output_option("coverage", type=FILE, help="Write coverage data on exit, for `coverage`.")
@output_option("log-format", type=NamedChoice(["text", "json"]), default="text")
@output_option("quiet", "-q", is_flag=True, help="Log errors only.")
@output_option("verbose", "-v", is_flag=True, help="Log every request.  [default: if stderr is a terminal]")
@click.pass_context
def serve(context: click.Context, /, *, log_format: str, quiet: bool, verbose: bool, **options: Any) -> None:
    """Run the server until it is stopped."""
    stop = stop_condition()
    is_interactive = isinstance(stop, SignalWaiter) and sys.stderr.isatty()
    configure_logging(log_format, quiet=quiet, verbose=verbose, access=verbose or is_interactive)
    for message in unknown_variables(context.command.params):
        LOG.warning("%s", message)
    open_inspector, watch = options.pop("open"), options.pop("watch")
    if watch and options["state"] is not None:  # a reload would replace the stored worlds
        raise click.UsageError("--watch and --state cannot be used together")
    import_file, scenario, limits = options.pop("import"), options.pop("scenario"), options.pop("limit")
    files = ExitFiles(*map(options.pop, ExitFiles._fields))
    options["provenance"] = options["provenance"] or files.provenance_report is not None
    arguments = {ARGUMENTS.get(name, name): value for name, value in options.items()}

    with errors_as_messages():
        files.check()
        start = select_start(context, scenario, import_file)
        export_file = files.export_on_exit and files.export_on_exit.resolve()  # which does not exist in the first run
        if start == import_file and import_file.resolve() == export_file and not import_file.exists():
            start = scenario or DEFAULT_SCENARIO
            LOG.warning("%s does not exist yet; starting from %s, to be written on exit", import_file, start)
        if options["state"] is not None and current_runtime() is None:
            check_address(options["host"], options["port"])
        with slow_start(str(options["state"] or start)):
            emulator = Emulator(start, clock="ticking", limits=parse_limits(limits), demo_receiver=True, **arguments)
    try:
        with errors_as_messages():
            with watching(emulator) if watch else nullcontext():
                code = run_server(emulator, stop, open_inspector=open_inspector, is_new=options["state"] is None)
            files.write(emulator)
    finally:
        emulator.close()
    sys.exit(code)


ARGUMENTS = {
    "allow_host": "allow_hosts",
    "allow_webhook_host": "allow_webhook_hosts",
    "cors_origin": "cors_origins",
    "cors_header": "cors_headers",
}
"""Repeatable options -> keyword arguments of `Emulator`."""


class ExitFiles(NamedTuple):
    """The files that are written when the server stops. The names are those of the options."""

    coverage: Path | None
    provenance_report: Path | None
    export_on_exit: Path | None
    force: bool
    with_secrets: bool

    def check(self) -> None:
        """Raise an error if a file cannot be written."""
        if self.coverage is not None:
            from emulator.coverage.counts import counts_path  # noqa: PLC0415 - imported when used

            counts_path(self.coverage)
        if self.provenance_report is not None:
            check_writable(self.provenance_report)
        if self.export_on_exit is not None:
            check_target(self.export_on_exit, force=self.force)

    def write(self, emulator: Emulator) -> None:
        """Write the files. Print how many tests or requests rest on assumptions."""
        if self.coverage is not None or emulator.provenance is not None:
            self._write_reports(emulator)
        if self.export_on_exit is not None:
            emulator.save(self.export_on_exit, force=self.force, with_secrets=self.with_secrets)

    def _write_reports(self, emulator: Emulator) -> None:
        from emulator.coverage import assumptions, counts, report  # noqa: PLC0415 - imported when used

        if self.coverage is not None:
            report.write_counts(self.coverage, emulator.world.coverage)
        if emulator.provenance is not None:
            for each in assumptions.summarize_log(emulator.provenance):
                click.echo("\n".join(each.lines()), err=True)
            if self.provenance_report is not None:
                document = assumptions.log_document(emulator.provenance)
                counts.write_text(self.provenance_report, report.json_lines(document))


def select_start(context: click.Context, scenario: str | None, import_file: Path | None) -> str | Path:
    """Return the scenario or file to start from. A flag takes precedence over an environment variable."""
    if scenario is None or import_file is None:
        return import_file or scenario or DEFAULT_SCENARIO
    sources = {name: context.get_parameter_source(name) for name in ("scenario", "import")}
    if sources["scenario"] is sources["import"]:
        raise click.UsageError("--scenario and --import cannot be used together")
    return scenario if sources["scenario"] is ParameterSource.COMMANDLINE else import_file


def run_server(emulator: Emulator, stop: SignalWaiter | ChildProcess, *, open_inspector: bool, is_new: bool) -> int:
    """Run the server until it is stopped. Return the exit code. `is_new`: its worlds are not from a state file."""
    tune_memory()
    with listen_errors(emulator.address):
        emulator.start()
    if is_new and emulator.world.settings.source.redeliver:
        redeliver_recorded(emulator)
    if open_inspector:
        click.launch(inspector_url(emulator))
    code = stop.wait(emulator)
    emulator.stop()
    return code


def redeliver_recorded(emulator: Emulator) -> None:
    """Send the recorded deliveries of a scenario file again."""
    title, deliveries = emulator.world.settings.source.title, emulator.hooks.redeliver()
    accepted = sum(each.delivered for each in deliveries)
    LOG.warning("%s: sent %d deliveries again, %d were accepted", title, len(deliveries), accepted)


def tune_memory() -> None:
    """Collect garbage less often, and allocate the memory of all threads from one heap.

    Nearly all objects of the start are used until the end, so no collection visits them again. A collection before
    that would take a twentieth of the start, and find about 100 KB.
    By default glibc has a heap for each thread, and freed responses leave gaps in each of them. After minutes of load
    the gaps were 40 percent of the memory.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    with suppress(AttributeError, TypeError):  # the C library is not glibc, or the system is Windows
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


@contextmanager
def listen_errors(address: str) -> Iterator[None]:
    """Convert an `OSError` of a server into the one-line message of a command."""
    try:
        yield
    except OSError as error:
        advice = HOST_ADVICE if isinstance(error, socket.gaierror) or error.errno == EADDRNOTAVAIL else PORT_ADVICE
        raise click.ClickException(f"cannot listen on {address}: {error.strerror or error}. {advice}") from None


def check_address(host: str, port: int) -> None:
    """Raise `ClickException` if no server can listen here, before a state file is created."""
    with listen_errors(f"{host}:{port}"):
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen()


def inspector_url(emulator: Emulator) -> str:
    return f"{emulator.server_url}/__admin/ui/"


def stop_condition() -> SignalWaiter | ChildProcess:
    """Return what decides when the server stops: the command of `exec`, or signals."""
    return click.get_current_context().obj or SignalWaiter()


class SignalWaiter:
    """Waits for SIGTERM (exit code 0) or Ctrl-C (exit code 130)."""

    def __init__(self) -> None:
        self._codes: SimpleQueue[int] = SimpleQueue()  # an Event can deadlock if a signal arrives while wait() starts
        for number in EXIT_CODES:
            signal.signal(number, lambda caught, _: self._codes.put(EXIT_CODES[signal.Signals(caught)]))

    def wait(self, emulator: Emulator) -> int:
        """Print the address, wait for a signal, and return the exit code. A signal may have arrived before."""
        if not self._codes.empty():
            return self._codes.get()
        click.echo(f"ready: {emulator.server_url}")
        if emulator.certificate is not None:
            click.echo(f"certificate to trust: {emulator.certificate}")
        if sys.stdout.isatty():
            click.echo(f"inspector: {inspector_url(emulator)}")
            click.echo(f"header to paste: Authorization: Token {FULL_ACCESS}")
        sys.stdout.flush()
        if (runtime := current_runtime()) is not None:
            runtime.run_until(lambda: not self._codes.empty())
        return self.next_code()

    def next_code(self) -> int:
        """Wait for a signal, and return its exit code."""
        return self._codes.get()


# exec

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of a shell for a command that does not exist, and for a file that is not executable."""
FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGWINCH")
HAS_PROCESS_GROUPS = hasattr(os, "killpg")
"""Whether the system has process groups and job control. Windows has neither: the console sends Ctrl-C to both."""
FULL_ACCESS: Final = "full-access"
YEAR = 365 * 24 * 3600


@click.pass_context
def run(context: click.Context, /, *, command: Sequence[str], **options: Any) -> None:
    """Start an emulator, run a command, and exit with the exit code of the command.

    The command receives OMS_URL, OMS_TOKEN and OMS_JWT as environment variables. The emulator listens on a free port
    until the command exits. Signals are forwarded to the command. Options are those of `serve`; end them with `--`.
    """
    context.obj = ChildProcess(command)
    context.invoke(serve, **options)


def exec_options() -> list[click.Parameter]:
    """Return the options of `serve`, with port 0 (a free port) as the default."""
    options = [copy(option) for option in serve.params]
    for option in options:
        if option.name == "port":
            option.default = 0
    return options


exec_ = GroupedCommand(
    "exec",
    epilog=EXEC_EXAMPLES,
    callback=run,
    params=[*exec_options(), click.Argument(["command"], nargs=-1, required=True, type=click.UNPROCESSED)],
    help=run.__doc__,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
)


class ChildProcess:
    """A command in a separate process group, so that it receives each forwarded signal exactly once."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.pid = 0
        self._pending_signals: list[int] = []
        self._resumed = False
        for name in FORWARDED:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self.forward)
        if HAS_PROCESS_GROUPS:
            signal.signal(signal.SIGCONT, self.resume)

    def wait(self, emulator: Emulator) -> int:
        """Run the command. Return its exit code, or 128 plus the number of the signal that terminated it."""
        if emulator.certificate is None:
            return self._run(emulator, {})
        from emulator.web.tls import trusted_by_clients  # noqa: PLC0415 - imported when used

        with trusted_by_clients(emulator.certificate) as variables:
            return self._run(emulator, variables)

    def _run(self, emulator: Emulator, extra: dict[str, str]) -> int:
        variables = command_variables(emulator) | extra
        try:
            if (runtime := current_runtime()) is not None:
                return runtime.run_command(self.command, variables)
            group = 0 if HAS_PROCESS_GROUPS else None
            self._process = subprocess.Popen(self.command, env=os.environ | variables, process_group=group)  # noqa: S603 - the command is the argument of the user
        except FileNotFoundError:
            return self._report_failure("command not found", NOT_FOUND)
        except OSError as error:
            return self._report_failure(error.strerror or str(error), NOT_EXECUTABLE)
        self.pid = self._process.pid
        for number in self._pending_signals:
            self.forward(number, None)
        if not HAS_PROCESS_GROUPS:
            return self._process.wait()
        with foreground(self.pid):
            return self._wait_for_exit()

    def _report_failure(self, reason: str, code: int) -> int:
        click.echo(f"oms-emulator: {self.command[0]}: {reason}", err=True)
        return code

    def forward(self, number: int, _: FrameType | None) -> None:
        if not self.pid:
            self._pending_signals.append(number)
            return
        if HAS_PROCESS_GROUPS:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
        elif number == signal.SIGTERM:
            self._process.terminate()

    def resume(self, number: int, frame: FrameType | None) -> None:
        """Resume the command after SIGCONT. Pass the terminal on if `fg` gave it to this process."""
        self._resumed = True
        if self.pid and foreground_group() == os.getpgrp():
            give_terminal(self.pid)
        self.forward(number, frame)

    def _wait_for_exit(self) -> int:
        """Wait for the command to exit. If it stops (Ctrl-Z), stop this process too until `fg` or `bg`."""
        while True:
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            self._resumed = False
            os.kill(os.getpid(), signal.SIGSTOP)
            if not self._resumed:  # another thread received the signal, and the handler waits for this one
                self.resume(signal.SIGCONT, None)


def command_variables(emulator: Emulator) -> dict[str, str]:
    """Return the environment variables that tell a command where the emulator is."""
    return {
        "OMS_URL": emulator.url,
        "OMS_TOKEN": FULL_ACCESS,
        "OMS_JWT": emulator.jwt(FULL_ACCESS, expires_in=YEAR),
        **without_proxy(urlsplit(emulator.url).hostname),
    }


def without_proxy(host: str | None) -> dict[str, str]:
    """Return the environment variables that exclude a host from proxies, besides the hosts that they exclude now."""
    names = ("NO_PROXY", "no_proxy")
    hosts = [part.strip() for name in names for part in os.environ.get(name, "").split(",")]
    return dict.fromkeys(names, "*" if "*" in hosts else ",".join(dict.fromkeys(filter(None, [*hosts, host]))))


@contextmanager
def foreground(group: int) -> Iterator[None]:
    """Make a process group the foreground group of our terminal, so that only it receives Ctrl-C."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # without this, taking the terminal back would stop this process
    if foreground_group() == os.getpgrp():
        give_terminal(group)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGCONT)  # it may have stopped when it read before it had the terminal
    try:
        yield
    finally:
        if foreground_group() == group:
            give_terminal(os.getpgrp())


def foreground_group() -> int | None:
    """Return the foreground process group of our terminal, or None without a terminal."""
    with suppress(OSError, ValueError):
        return os.tcgetpgrp(sys.stdin.fileno())
    return None


def give_terminal(group: int) -> None:
    """Make a process group the foreground group of our terminal."""
    with suppress(OSError, ValueError):
        os.tcsetpgrp(sys.stdin.fileno(), group)
