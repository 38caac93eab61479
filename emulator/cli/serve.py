"""`oms-emulator serve`: answer on a port until told to stop."""

from __future__ import annotations

import gc
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130


def twin(name: str) -> str:
    """Give the environment variable that stands in for a flag."""
    return "OMS_EMULATOR_" + name.upper().replace("-", "_")


def option(name: str, **settings: Any) -> Callable[[F], F]:
    """Give an option with its twin in the environment; a flag beats the environment."""
    return click.option(f"--{name}", envvar=twin(name), show_envvar=True, **settings)


@click.command()
@option("host", default="127.0.0.1", show_default=True, help="Address to answer on.")
@option("port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@option("scenario", default="demo", show_default=True, help="Name of a scenario, or a .json file.")
@option("installation", help="Name of an installation, or a .json file: your own states and transitions.")
@option("packages", type=click.IntRange(min=0), help="How many packages the scenario has.")
@option("seed", type=int, help="Another seed gives other data.")
@option("live", type=click.FloatRange(0, 36_000), help="Let so many orders an hour come by themselves.")
@option("strict", is_flag=True, help="Refuse query parameters that no operation knows.")
@option("allow-host", multiple=True, help="Another host name under which the control API may be used.")
@option("allow-webhook-host", multiple=True, help="A host beside this machine that hooks may be on.")
@option("cors-origin", multiple=True, help="An origin whose pages may read answers; without any, all may.")
@option("log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Log errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Log every request.")
def serve(  # noqa: PLR0913 - one argument per option
    *,
    host: str,
    port: int,
    scenario: str,
    installation: str | None,
    packages: int | None,
    seed: int | None,
    live: float | None,
    strict: bool,
    allow_host: tuple[str, ...],
    allow_webhook_host: tuple[str, ...],
    cors_origin: tuple[str, ...],
    log_format: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Answer on a port until told to stop."""
    set_up_log(log_format, quiet=quiet, verbose=verbose)
    stop = Stop()
    try:
        from emulator.server import Emulator  # noqa: PLC0415 - `--help` and wrong options need no server

        emulator = Emulator(
            scenario,
            packages=packages,
            seed=seed,
            installation=installation,
            clock="ticking",
            host=host,
            port=port,
            allow_hosts=allow_host,
            allow_webhook_hosts=allow_webhook_host,
            cors_origins=cors_origin,
            strict=strict,
            live=live,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    gc.collect()
    gc.freeze()
    try:
        url = emulator.start()
    except OSError as error:
        raise click.ClickException(unable_to_listen(host, port, error)) from None
    click.echo(f"ready: {url}")
    sys.stdout.flush()
    code = stop.wait()
    emulator.stop()
    sys.exit(code)


def unable_to_listen(host: str, port: int, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot answer on {host}:{port}: {reason}. Try another --port; --port 0 takes a free one."


CODES = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}


class Stop:
    """Waits for SIGTERM (exit code 0) or Ctrl-C (130)."""

    def __init__(self) -> None:
        self.code = 0
        self._asked = threading.Event()
        for number in CODES:
            signal.signal(number, self._ask)

    def _ask(self, number: int, _: FrameType | None) -> None:
        self.code = CODES[signal.Signals(number)]
        self._asked.set()

    def wait(self) -> int:
        """Wait until told to stop; give the exit code."""
        self._asked.wait()
        return self.code


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
