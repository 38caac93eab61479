"""`oms-emulator serve`: answer on a port until told to stop."""

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
    from emulator.server import Emulator

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130
YOUNG = 20_000
"""After how many new objects those that refer to each other are looked for. What a world remembers are many small
objects all over memory; to walk through them every 700, as Python does, takes a third of a busy server's time."""


def twin(name: str) -> str:
    """Give the environment variable that stands in for a flag."""
    return "OMS_EMULATOR_" + name.upper().replace("-", "_")


def option(name: str, **settings: Any) -> Callable[[F], F]:
    """Give an option with its twin in the environment; a flag beats the environment."""
    return click.option(f"--{name}", envvar=twin(name), show_envvar=True, **settings)


@click.command()
@option("host", default="127.0.0.1", show_default=True, help="Address to answer on.")
@option("port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@option("scenario", help="Name of a scenario, or a .json file.  [default: demo]")
@option("import", type=click.Path(path_type=Path), help="A file to start from, as `export` writes it.")
@option("installation", help="Name of an installation, or a .json file: your own states and transitions.")
@option("packages", type=click.IntRange(min=0), help="How many packages the scenario has.")
@option("seed", type=int, help="Another seed gives other data.")
@option("live", type=click.FloatRange(0, 36_000), help="Let so many orders an hour come by themselves.")
@option("coverage", type=click.Path(path_type=Path), help="Write what was met when it stops, for `coverage`.")
@option("state", type=click.Path(path_type=Path), help="Keep all worlds in this file; a restart goes on from there.")
@option("export-on-exit", type=click.Path(path_type=Path), help="Write the world as a scenario file when it stops.")
@option("force", is_flag=True, help="Let --export-on-exit replace a file that is no scenario.")
@option("strict", is_flag=True, help="Refuse what the real service takes in silence.")
@option(
    "max-worlds", default=1_000, show_default=True, type=click.IntRange(min=1), help="How many worlds may be open."
)
@option(
    "world-idle",
    default=3_600.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds without a call after which a world may be closed.",
)
@option(
    "journal-size",
    default=1_000,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many exchanges each world's journal keeps.",
)
@option("allow-host", multiple=True, help="Another host name under which the control API may be used.")
@option("allow-webhook-host", multiple=True, help="A host beside this machine that hooks may be on.")
@option("cors-origin", multiple=True, help="An origin whose pages may read answers; without any, all may.")
@option("allow-fault-header", is_flag=True, help="Let requests ask for faults: X-Emulator-Fault: 503.")
@option("limit", multiple=True, help="How often a token may call: full-access:read=100/min. May be repeated.")
@option("log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Log errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Log every request.")
@click.pass_context
def serve(context: click.Context, /, *, log_format: str, quiet: bool, verbose: bool, **asked: Any) -> None:
    """Answer on a port until told to stop."""
    set_up_log(log_format, quiet=quiet, verbose=verbose)
    stop = ending()
    imported, target, force = asked.pop("import"), asked.pop("export_on_exit"), asked.pop("force")
    start = started_from(context, asked.pop("scenario"), imported)
    limits, coverage = asked.pop("limit"), asked.pop("coverage")
    renamed = {NAMES.get(name, name): value for name, value in asked.items()}
    try:
        from emulator.core.files import check_own  # noqa: PLC0415 - `--help` and wrong options need no server
        from emulator.coverage.counts import counts_path  # noqa: PLC0415
        from emulator.rules.limits import as_limits  # noqa: PLC0415
        from emulator.server import Emulator  # noqa: PLC0415

        if coverage is not None:
            counts_path(coverage)
        if target is not None:
            check_own(target, force=force)
        emulator = Emulator(start, clock="ticking", limits=as_limits(limits), **renamed)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        code = served(emulator, stop)
        if coverage is not None:
            write_coverage(emulator, coverage)
        if target is not None:
            emulator.save(target, force=force)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    finally:
        emulator.close()
    sys.exit(code)


NAMES = {
    "allow_host": "allow_hosts",
    "allow_webhook_host": "allow_webhook_hosts",
    "cors_origin": "cors_origins",
}
"""Options that may be repeated -> what `Emulator` takes."""


def started_from(context: click.Context, scenario: str | None, imported: Path | None) -> str | Path:
    """Give what the server starts from. Two ways to say it are one too many, unless one is the environment's."""
    if scenario is None or imported is None:
        return imported or scenario or "demo"
    given = {name: context.get_parameter_source(name) for name in ("scenario", "import")}
    if given["scenario"] is given["import"]:
        raise click.UsageError("--scenario and --import both say what to start from; give one of them")
    return scenario if given["scenario"] is ParameterSource.COMMANDLINE else imported


def served(emulator: Emulator, stop: Ending) -> int:
    """Answer until told to stop; give the exit code."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
    try:
        emulator.start()
    except OSError as error:
        raise click.ClickException(unable_to_listen(emulator, error)) from None
    code = stop.wait(emulator)
    emulator.stop()
    return code


def write_coverage(emulator: Emulator, target: Path) -> None:
    """Write what callers met, for `oms-emulator coverage` to read; `ValueError` where that cannot be."""
    from emulator.coverage import write_counts  # noqa: PLC0415 - few servers are asked for it

    write_counts(target, emulator.world.coverage)


def unable_to_listen(emulator: Emulator, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot answer on {emulator.address}: {reason}. Try another --port; --port 0 takes a free one."


class Ending(Protocol):
    """Says when the server is to stop."""

    def wait(self, emulator: Emulator) -> int:
        """Wait until then, while the emulator answers; give the exit code."""


def ending() -> Ending:
    """Give what a command that serves for another purpose brought, or else wait for signals."""
    return click.get_current_context().obj or Stop()


CODES = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}


class Stop:
    """Waits for SIGTERM (exit code 0) or Ctrl-C (130)."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[int] = SimpleQueue()  # an event waits for itself if a signal comes as it begins to
        for number in CODES:
            signal.signal(number, self._ask)

    def _ask(self, number: int, _: FrameType | None) -> None:
        self._asked.put(CODES[signal.Signals(number)])

    def wait(self, emulator: Emulator) -> int:
        """Say where the emulator answers, wait until told to stop, and give the exit code."""
        click.echo(f"ready: {emulator.server_url}")
        sys.stdout.flush()
        return self._asked.get()


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_log(log_format: str, *, quiet: bool, verbose: bool) -> None:
    """Log to stderr: errors if quiet, requests too if verbose."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter("%(levelname)s %(message)s"))
    log = logging.getLogger("emulator")
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    # waitress warns whenever more calls wait than it has threads: usual for a test run in parallel
    logging.getLogger("waitress").setLevel(logging.ERROR)
