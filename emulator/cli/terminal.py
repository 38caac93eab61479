"""The commands on a terminal: options and help texts, suggestions for misspelt names, logging, and progress."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from math import isnan
from pathlib import Path
from threading import Event, Timer
from typing import Any, TypeVar

import click

from emulator.core.errors import did_you_mean
from emulator.core.progress import tracking
from emulator.state.runtime import current_runtime
from emulator.web.access_log import ACCESS_LOG, FIELDS

Decorated = TypeVar("Decorated", bound=Callable[..., object])
Item = TypeVar("Item")

LOG = logging.getLogger("emulator")
SLOW_SECONDS = 1.0
"""Time after which a start is reported on a terminal."""
BAR_WIDTH = 36
"""Characters of a progress bar. It is drawn again when it gets longer."""
PREFIX = "OMS_EMULATOR_"
"""Prefix of the environment variables that set options."""


def require_python_package(feature: str) -> None:
    """Raise an error in the npm package, which has no threads."""
    if current_runtime() is not None:
        raise click.ClickException(f"{feature} needs the Python package")


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Convert a `ValueError` into the one-line message of a command."""
    try:
        yield
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def write_file(file: Path, text: str) -> None:
    """Write a text. Raise `ClickException` if the file cannot be written."""
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from None


def check_writable(output: Path) -> None:
    """Raise `UsageError` before the first request if the output file cannot be written."""
    if output.is_dir() or not output.parent.is_dir():
        reason = "it is a folder" if output.is_dir() else f"the folder {output.parent} does not exist"
        raise click.UsageError(f"cannot write {output}: {reason}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise click.UsageError(f"cannot write {output}: permission denied")


class GroupedOption(click.Option):
    """An option that the help text lists under the heading of its group."""

    def __init__(self, *declarations: Any, group: str = "Options", **settings: Any) -> None:
        super().__init__(*declarations, **settings)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help text lists its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)) is not None:
                groups.setdefault(getattr(option, "group", "Other"), []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class NamedChoice(click.Choice[str]):
    """A choice of names that suggests the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            message = error.message.rstrip(".") + did_you_mean(value, self.choices)
            raise click.BadParameter(message, ctx=ctx, param=param) from None


class Integer(click.IntRange):
    """An integer in a range. click names it `integer range` in errors."""

    name = "integer"


class Number(click.FloatRange):
    """A number in a range. click accepts `nan` in each range, and names it `float range` in errors."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if isnan(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


DAY = 24 * 3600
"""Seconds. No option accepts a longer time to wait."""


def options_of(group: str) -> Callable[..., Callable[[Decorated], Decorated]]:
    """Return a decorator factory for the options of a group. Each can also be set by an environment variable.

    The flag takes precedence over the variable.
    """

    def option(name: str, *aliases: str, **settings: Any) -> Callable[[Decorated], Decorated]:
        variable = PREFIX + name.upper().replace("-", "_")
        settings |= {"envvar": variable, "show_envvar": True, "show_default": "default" in settings, "group": group}
        return click.option(*aliases, f"--{name}", cls=GroupedOption, **settings)

    return option


def unknown_variables(options: Sequence[click.Parameter]) -> Iterator[str]:
    """Yield a message for each environment variable that looks like one of an option, and is not."""
    known = [str(option.envvar) for option in options if option.envvar]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            yield f"the environment variable {name} has no effect{did_you_mean(name, known)}"


# Logging


class TextFormatter(logging.Formatter):
    """Formats a record of the access log with its time, and any other record with its level."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name in logging
        if record.name != ACCESS_LOG.name:
            return super().formatMessage(record)
        return f"{self.formatTime(record, '%H:%M:%S')} {record.message}"


class JsonFormatter(logging.Formatter):
    """Formats each log record as one line of JSON. Records of the access log have the fields of the request."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.name == ACCESS_LOG.name:
            line |= {name: getattr(record, name) for name in FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(log_format: str, *, quiet: bool, verbose: bool, access: bool) -> None:
    """Configure logging to stderr: errors only if quiet, everything if verbose. `access` turns the access log on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    LOG.addHandler(handler)
    LOG.propagate = False
    LOG.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    logging.getLogger("emulator.watch").setLevel(logging.ERROR if quiet else logging.INFO)
    ACCESS_LOG.setLevel(logging.INFO if access and not quiet else logging.NOTSET)
    # waitress warns when more requests wait than it has threads, which is normal for parallel test runs
    logging.getLogger("waitress").setLevel(logging.ERROR)


# Progress


def with_progress(items: Sequence[Item]) -> Iterator[Item]:
    """Iterate over the items, and show a progress bar on a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, label="checking documents", file=sys.stderr, show_pos=True) as bar:
        yield from bar


@contextmanager
def slow_start(what: str) -> Iterator[None]:
    """On a terminal, report what is being opened and how far it is, if the block takes longer than a second."""
    if not sys.stderr.isatty() or current_runtime() is not None:  # a runtime has no thread for the timer
        yield
        return
    is_slow = Event()

    def report() -> None:
        is_slow.set()
        click.echo(f"opening {what} ...", err=True)

    notice = Timer(SLOW_SECONDS, report)
    notice.start()
    try:
        with tracking(partial(track_slowly, is_slow)):
            yield
    finally:
        notice.cancel()


def track_slowly(is_slow: Event, items: Iterable[Item], length: int) -> Iterator[Item]:
    """Iterate over the steps of a world. Show a progress bar once `is_slow` is set."""
    remaining, done = iter(items), 0
    for item in remaining:
        yield item
        done += 1
        if is_slow.is_set():
            break
    if not is_slow.is_set():
        return
    steps = max(1, length // BAR_WIDTH)
    with click.progressbar(
        remaining, length, label="reading steps", file=sys.stderr, update_min_steps=steps, show_pos=True
    ) as bar:
        bar.update(done)
        yield from bar
