"""`oms-emulator serve`: run the server until it is stopped."""

from __future__ import annotations

import gc
import json
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from emulator.client.emulator import Emulator

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130
GC_THRESHOLD = 20_000
"""Allocations between two garbage collections. A world consists of many small objects, and a collection every 700
allocations, the default of Python, takes a third of the time of a busy server."""


def environment_variable(name: str) -> str:
    """Return the environment variable that sets a flag."""
    return "OMS_EMULATOR_" + name.upper().replace("-", "_")


def option(name: str, **settings: Any) -> Callable[[F], F]:
    """Return an option that can also be set by an environment variable. The flag takes precedence."""
    return click.option(f"--{name}", envvar=environment_variable(name), show_envvar=True, **settings)


@click.command()
@option("host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option(
    "port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 selects a free one.",
)
@option("scenario", help="Name of a scenario, or a .json file.  [default: demo]")
@option("import", type=click.Path(path_type=Path), help="Start from a file that `export` wrote.")
@option("installation", help="Name of an installation, or a .json file with custom states and transitions.")
@option("packages", type=click.IntRange(min=0), help="Number of packages in the scenario.")
@option("seed", type=int, help="Seed of the generated data.")
@option("live", type=click.FloatRange(0, 36_000), help="Generate this number of orders per hour.")
@option(
    "coverage",
    type=click.Path(path_type=Path),
    help="Write coverage data on exit, for `coverage`.",
)
@option(
    "state",
    type=click.Path(path_type=Path),
    help="Store all worlds in this file, across restarts.",
)
@option("export-on-exit", type=click.Path(path_type=Path), help="Write the world as a scenario file on exit.")
@option("force", is_flag=True, help="Allow --export-on-exit to replace a file that is not a scenario.")
@option("strict", is_flag=True, help="Answer 400 to requests that the real service silently accepts.")
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
@option("allow-webhook-host", multiple=True, help="Allow webhook deliveries to this host. May be repeated.")
@option(
    "cors-origin",
    multiple=True,
    help="Allow pages of this origin to read responses.  [default: all origins]",
)
@option("allow-fault-header", is_flag=True, help="Let requests inject faults: X-Emulator-Fault: 503.")
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
    start = select_start(context, options.pop("scenario"), import_file)
    limits, coverage = options.pop("limit"), options.pop("coverage")
    arguments = {ARGUMENTS.get(name, name): value for name, value in options.items()}
    try:
        from emulator.client.emulator import Emulator  # noqa: PLC0415
        from emulator.core.files import check_target  # noqa: PLC0415 - `--help` does not need the server
        from emulator.coverage.counts import counts_path  # noqa: PLC0415
        from emulator.domain.rate_limits import parse_limits  # noqa: PLC0415

        if coverage is not None:
            counts_path(coverage)
        if export_file is not None:
            check_target(export_file, force=force)
        emulator = Emulator(start, clock="ticking", limits=parse_limits(limits), **arguments)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        code = run_server(emulator, stop)
        if coverage is not None:
            write_coverage(emulator, coverage)
        if export_file is not None:
            emulator.save(export_file, force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    finally:
        emulator.close()
    sys.exit(code)


ARGUMENTS = {
    "allow_host": "allow_hosts",
    "allow_webhook_host": "allow_webhook_hosts",
    "cors_origin": "cors_origins",
}
"""Repeatable options -> keyword arguments of `Emulator`."""


def select_start(context: click.Context, scenario: str | None, import_file: Path | None) -> str | Path:
    """Return the scenario or file to start from. A flag takes precedence over an environment variable."""
    if scenario is None or import_file is None:
        return import_file or scenario or "demo"
    sources = {name: context.get_parameter_source(name) for name in ("scenario", "import")}
    if sources["scenario"] is sources["import"]:
        raise click.UsageError("--scenario and --import cannot be used together")
    return scenario if sources["scenario"] is ParameterSource.COMMANDLINE else import_file


def run_server(emulator: Emulator, stop: StopCondition) -> int:
    """Run the server until it is stopped. Return the exit code."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    try:
        emulator.start()
    except OSError as error:
        raise click.ClickException(listen_error(emulator, error)) from None
    code = stop.wait(emulator)
    emulator.stop()
    return code


def write_coverage(emulator: Emulator, target: Path) -> None:
    """Write the coverage data for `oms-emulator coverage`. Raise `ValueError` if it cannot be written."""
    from emulator.coverage import write_counts  # noqa: PLC0415 - only needed with --coverage

    write_counts(target, emulator.world.coverage)


def listen_error(emulator: Emulator, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot listen on {emulator.address}: {reason}. Try another --port, or --port 0 for a free one."


class StopCondition(Protocol):
    """Decides when the server stops."""

    def wait(self, emulator: Emulator) -> int:
        """Block until the server must stop. Return the exit code."""


def stop_condition() -> StopCondition:
    """Return the stop condition of the calling command (`exec`), otherwise one that waits for signals."""
    return click.get_current_context().obj or SignalWaiter()


EXIT_CODES = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}


class SignalWaiter:
    """Waits for SIGTERM (exit code 0) or Ctrl-C (exit code 130)."""

    def __init__(self) -> None:
        self._codes: SimpleQueue[int] = SimpleQueue()  # an Event can deadlock if a signal arrives while wait() starts
        for number in EXIT_CODES:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._codes.put(EXIT_CODES[signal.Signals(number)])

    def wait(self, emulator: Emulator) -> int:
        """Print the address, wait for a signal, and return the exit code."""
        click.echo(f"ready: {emulator.server_url}")
        sys.stdout.flush()
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
    log = logging.getLogger("emulator")
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    # waitress warns when more requests wait than it has threads, which is normal for parallel test runs
    logging.getLogger("waitress").setLevel(logging.ERROR)
