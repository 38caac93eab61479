"""`oms-emulator serve` and `exec`: run the server until a signal arrives, or until a command exits."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from errno import EADDRNOTAVAIL
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from emulator.core.files import check_target
from emulator.domain.rate_limits import parse_limits
from emulator.state.runtime import current_runtime
from emulator.state.scenario import MAX_PACKAGES

if TYPE_CHECKING:
    from emulator.client.emulator import Emulator

Decorated = TypeVar("Decorated", bound=Callable[..., object])

LOG = logging.getLogger("emulator")
HOST_ADVICE = "--host must be an address of this machine, such as 127.0.0.1 or 0.0.0.0."
PORT_ADVICE = "Try another --port, or --port 0 for a free one."
DEFAULT_SCENARIO = "demo"
INTERRUPTED = 130
EXIT_CODES = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}
"""Signals that stop `serve` -> its exit code."""
GC_THRESHOLD = 20_000
"""Allocations between two garbage collections. A world consists of many small objects, and a collection every 700
allocations, the default of Python, takes a third of the time of a busy server."""
FILE = click.Path(path_type=Path)


def environment_variable(name: str) -> str:
    """Return the environment variable that sets a flag."""
    return "OMS_EMULATOR_" + name.upper().replace("-", "_")


def option(name: str, **settings: Any) -> Callable[[Decorated], Decorated]:
    """Return an option that can also be set by an environment variable. The flag takes precedence."""
    return click.option(f"--{name}", envvar=environment_variable(name), show_envvar=True, **settings)


@click.command()
@option("host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option("port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 selects a free one.")
@option("scenario", help="Name of a scenario, or a .json file.  [default: demo]")
@option("import", type=FILE, help="Start from a file that `export` wrote.")
@option("installation", help="Name of an installation, or a .json file with custom states and transitions.")
@option("packages", type=click.IntRange(0, MAX_PACKAGES), help="Number of packages in the scenario.")
@option("seed", type=int, help="Seed of the generated data.")
@option("live", type=click.FloatRange(0, 36_000), help="Generate this number of orders per hour.")
@option("coverage", type=FILE, help="Write coverage data on exit, for `coverage`.")
@option("state", type=FILE, help="Store all worlds in this file, across restarts.")
@option("export-on-exit", type=FILE, help="Write the world as a scenario file on exit.")
@option("force", is_flag=True, help="Allow --export-on-exit to replace a file that is not a scenario.")
@option("with-secrets", is_flag=True, help="Keep credentials of hooks in the file of --export-on-exit.")
@option("strict", is_flag=True, help="Answer 400 to requests that the real service silently accepts.")
@option("validate-responses", is_flag=True, help="Answer 500 in place of a response that violates its JSON Schema.")
@option(
    "max-worlds", default=1_000, show_default=True, type=click.IntRange(min=1), help="Maximum number of open worlds."
)
@option(
    "world-idle",
    default=3_600.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds without a request after which a world may be closed.",
)
@option(
    "journal-size",
    default=1_000,
    show_default=True,
    type=click.IntRange(min=0),
    help="Number of exchanges in the journal of each world.",
)
@option("allow-host", multiple=True, help="Allow the control API under this host name. May be repeated.")
@option("admin-token", help="Token that requests from other machines need for the control API.")
@option(
    "allow-webhook-host", multiple=True, help="Allow webhook deliveries to this host or host:port. May be repeated."
)
@option("cors-origin", multiple=True, help="Allow pages of this origin to read responses.  [default: all origins]")
@option("allow-fault-header", is_flag=True, help="Allow requests to inject faults: X-Emulator-Fault: 503.")
@option("limit", multiple=True, help="Rate limit of a token: full-access:read=100/min. May be repeated.")
@option("log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Log errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Log every request.")
@click.pass_context
def serve(context: click.Context, /, *, log_format: str, quiet: bool, verbose: bool, **options: Any) -> None:
    """Run the server until it is stopped."""
    configure_logging(log_format, quiet=quiet, verbose=verbose)
    stop = stop_condition()
    import_file, export_file, force = options.pop("import"), options.pop("export_on_exit"), options.pop("force")
    scenario, limits, coverage = options.pop("scenario"), options.pop("limit"), options.pop("coverage")
    with_secrets = options.pop("with_secrets")
    arguments = {ARGUMENTS.get(name, name): value for name, value in options.items()}
    from emulator.client.emulator import Emulator  # noqa: PLC0415 - `--help` does not need the server
    from emulator.coverage import counts_path, write_counts  # noqa: PLC0415 - as above

    try:
        if coverage is not None:
            counts_path(coverage)
        if export_file is not None:
            check_target(export_file, force=force)
        start = select_start(context, scenario, import_file)
        if start == import_file and is_first_run(import_file, export_file):
            start = scenario or DEFAULT_SCENARIO
            LOG.warning("%s does not exist yet; starting from %s, to be written on exit", import_file, start)
        if options["state"] is not None and current_runtime() is None:
            check_address(options["host"], options["port"])
        emulator = Emulator(start, clock="ticking", limits=parse_limits(limits), **arguments)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        code = run_server(emulator, stop)
        if coverage is not None:
            write_counts(coverage, emulator.world.coverage)
        if export_file is not None:
            emulator.save(export_file, force=force, with_secrets=with_secrets)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    finally:
        emulator.close()
    sys.exit(code)


ARGUMENTS = {"allow_host": "allow_hosts", "allow_webhook_host": "allow_webhook_hosts", "cors_origin": "cors_origins"}
"""Repeatable options -> keyword arguments of `Emulator`."""


def is_first_run(import_file: Path, export_file: Path | None) -> bool:
    """Return whether the file to import does not exist yet, because this is the first run that writes it on exit."""
    return export_file is not None and import_file.resolve() == export_file.resolve() and not import_file.exists()


def select_start(context: click.Context, scenario: str | None, import_file: Path | None) -> str | Path:
    """Return the scenario or file to start from. A flag takes precedence over an environment variable."""
    if scenario is None or import_file is None:
        return import_file or scenario or DEFAULT_SCENARIO
    sources = {name: context.get_parameter_source(name) for name in ("scenario", "import")}
    if sources["scenario"] is sources["import"]:
        raise click.UsageError("--scenario and --import cannot be used together")
    return scenario if sources["scenario"] is ParameterSource.COMMANDLINE else import_file


def run_server(emulator: Emulator, stop: StopCondition) -> int:
    """Run the server until it is stopped. Return the exit code."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    with listen_errors(emulator.address):
        emulator.start()
    code = stop.wait(emulator)
    emulator.stop()
    return code


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


class StopCondition(Protocol):
    """Decides when the server stops."""

    def wait(self, emulator: Emulator) -> int:
        """Block until the server must stop. Return the exit code."""


def stop_condition() -> StopCondition:
    """Return the stop condition of the calling command (`exec`), otherwise one that waits for signals."""
    return click.get_current_context().obj or SignalWaiter()


class SignalWaiter:
    """Waits for SIGTERM (exit code 0) or Ctrl-C (exit code 130)."""

    def __init__(self) -> None:
        self._codes: SimpleQueue[int] = SimpleQueue()  # an Event can deadlock if a signal arrives while wait() starts
        for number in EXIT_CODES:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._codes.put(EXIT_CODES[signal.Signals(number)])

    def wait(self, emulator: Emulator) -> int:
        """Print the address, wait for a signal, and return the exit code. A signal may have arrived before."""
        if not self._codes.empty():
            return self._codes.get()
        click.echo(f"ready: {emulator.server_url}")
        sys.stdout.flush()
        if (runtime := current_runtime()) is not None:
            runtime.run_until(lambda: not self._codes.empty())
        return self._codes.get()


class JsonFormatter(logging.Formatter):
    """Formats each log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(log_format: str, *, quiet: bool, verbose: bool) -> None:
    """Configure logging to stderr: errors only if quiet, every request if verbose."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter("%(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.propagate = False
    LOG.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    # waitress warns when more requests wait than it has threads, which is normal for parallel test runs
    logging.getLogger("waitress").setLevel(logging.ERROR)


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


exec_ = click.Command(
    "exec",
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
        variables = {
            "OMS_URL": emulator.url,
            "OMS_TOKEN": FULL_ACCESS,
            "OMS_JWT": emulator.jwt(FULL_ACCESS, expires_in=YEAR),
            **without_proxy(urlsplit(emulator.url).hostname),
        }
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
