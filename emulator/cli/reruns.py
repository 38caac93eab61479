"""`oms-emulator mutate`: run the tests of a client again with changes of the emulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from emulator.cli.reports import check_writable, exit_with, output_report, report_options
from emulator.cli.serve import DEFAULT_SCENARIO, HAS_PROCESS_GROUPS, command_variables, serve
from emulator.domain.rate_limits import parse_limits
from emulator.state.clock import machine_seconds

if TYPE_CHECKING:
    from emulator.client.emulator import Emulator
    from emulator.client.suite_mutation import ResultsFile, Settings, Timing

FINDINGS, NOT_RUN = 1, 2
"""Exit codes: a change was noticed by no test; the tests could not be run, or fail without a change."""
SERVER_OPTIONS = ("scenario", "installation", "packages", "seed", "strict", "limit", "allow_webhook_host")
"""Options of `serve` that apply to tests of other runners than pytest, whose fixtures have own emulators."""
DEFAULT_RESULTS = Path(".oms-emulator/mutations.jsonl")
FILE = click.Path(path_type=Path)
MINIMUM_SECONDS, TIME_FACTOR = 60, 10
"""A command may take this long with a change, and this many times as long as without it."""
MUTATE_EXAMPLES = """\b
Examples:
  oms-emulator mutate -- pytest
  oms-emulator mutate --only 'filter-ignored:*' --only next-missing -- npm test
"""
Decorated = TypeVar("Decorated", bound=Callable[..., object])


def server_options(command: Decorated) -> Decorated:
    """Add the options of `serve` in `SERVER_OPTIONS` to a command."""
    options = [copy(option) for option in serve.params if option.name in SERVER_OPTIONS]
    command.__click_params__ = [*reversed(options), *getattr(command, "__click_params__", [])]  # type: ignore[attr-defined]  # how click collects decorators
    return command


class TestCommand:
    """A command that runs the tests of a client. Each run gets a new emulator."""

    __test__ = False

    def __init__(self, command: Sequence[str], options: Mapping[str, Any]) -> None:
        self.command = command
        self._scenario = options["scenario"] or DEFAULT_SCENARIO
        self._arguments = {
            "installation": options["installation"],
            "packages": options["packages"],
            "seed": options["seed"],
            "strict": options["strict"],
            "limits": parse_limits(options["limit"]),
            "allow_webhook_hosts": options["allow_webhook_host"],
        }

    @contextmanager
    def _emulator(self) -> Iterator[Emulator]:
        from emulator.client.emulator import Emulator  # noqa: PLC0415 - `--help` does not need it

        with Emulator(self._scenario, clock="ticking", demo_receiver=True, **self._arguments) as emulator:
            yield emulator

    def run(self, **variables: str) -> int:
        """Run the command with its output. Return its exit code."""
        with self._emulator() as emulator:
            environment = os.environ | command_variables(emulator) | variables
            try:
                return subprocess.run(self.command, env=environment, check=False).returncode  # noqa: S603 - the command is the argument of the user
            except FileNotFoundError:
                raise click.ClickException(f"{self.command[0]}: command not found") from None

    def passes(self, timeout: float) -> bool:
        """Run the command without output. Return whether it succeeds in this time."""
        with self._emulator() as emulator:
            process = subprocess.Popen(  # noqa: S603 - as above
                self.command,
                env=os.environ | command_variables(emulator),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0 if HAS_PROCESS_GROUPS else None,
            )
            try:
                return process.wait(timeout) == 0
            except subprocess.TimeoutExpired:
                return False
            finally:
                stop_group(process)


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, and with process groups also what it started."""
    with suppress(ProcessLookupError, PermissionError):
        if HAS_PROCESS_GROUPS:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def show_progress(text: str) -> None:
    """Show a line on a terminal, in place of the one before."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", err=True, nl=False)


@click.command(epilog=MUTATE_EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Kinds or names of changes: next-missing, '*:list_packages'."
)
@click.option("--resume", is_flag=True, help="Continue a run that was stopped.")
@click.option(
    "--results", type=FILE, default=DEFAULT_RESULTS, show_default=True, help="File for the results, for --resume."
)
@click.option("--since", type=FILE, metavar="FILE", help="Report only what this JSON report does not have.")
@click.option(
    "--fail-under",
    "minimum",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with code 1 if fewer changes are noticed, and not for each one.",
)
@report_options("text", "json", "junit", "html")
@server_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def mutate(  # noqa: PLR0913 - options by keyword
    *,
    command: tuple[str, ...],
    only: tuple[str, ...],
    resume: bool,
    results: Path,
    since: Path | None,
    minimum: float | None,
    form: str,
    output: Path | None,
    **options: Any,
) -> None:
    """Change one behaviour of the emulator at a time, and report the changes that no test notices.

    COMMAND runs the tests. With pytest and its plugin, only the tests that meet a behaviour run again, in the same
    process. Any other command runs again for each change, with the environment of `exec`. Exit code 1: there are such
    changes.
    """
    from emulator.client import suite_mutation as mutation  # noqa: PLC0415 - `--help` does not need it

    if minimum is not None and isnan(minimum):
        raise click.UsageError("--fail-under must be a percentage (got nan)")
    if output is not None:
        check_writable(output)
    try:
        mutation.check_patterns(only)
        known = frozenset() if since is None else mutation.read_baseline(since)
        if results == DEFAULT_RESULTS:
            create_ignored_folder(results.parent)
        file = mutation.ResultsFile(results)
        file.start(settings := mutation.Settings(command, only), resume=resume)
        timing = run_mutations(TestCommand(command, options), settings, file)
        report = mutation.MutationReport(file.results(), known, timing)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    output_report(mutation.render(report, form).rstrip("\n"), mutation.summary(report), output)
    if report.findings if minimum is None else not report.reaches(minimum):
        exit_with(FINDINGS, mutation.summary(report))


def create_ignored_folder(folder: Path) -> None:
    """Create a folder that version control ignores."""
    folder.mkdir(exist_ok=True)
    if not (ignore_file := folder / ".gitignore").exists():
        ignore_file.write_text("*\n", "utf-8")


def run_mutations(tests: TestCommand, settings: Settings, file: ResultsFile) -> Timing:
    """Run the tests once, and again with each mutation, unless the pytest plugin did so. Return the timing."""
    from emulator.client.suite_mutation import RESULTS_VARIABLE, Timing, build_result  # noqa: PLC0415 - as above
    from emulator.web.mutations import Mutator, Observer, intercepting  # noqa: PLC0415 - as above

    began = machine_seconds()
    with intercepting(observer := Observer()):
        code = tests.run(**{RESULTS_VARIABLE: str(file.path.resolve())})
    suite = machine_seconds() - began
    if (timing := file.timing()) is not None:
        return timing._replace(total=suite)
    if code != 0:
        raise click.ClickException(
            f"the command fails without a change (exit code {code}), so that none can be tried"
        )
    if not observer.requests:
        raise click.ClickException("the command makes no request to the emulator at OMS_URL or in its pytest process")
    done = {result.mutation for result in file.results()} | observer.exercised
    planned = [each for each in observer.mutations() if each not in done and settings.selects(each)]
    for number, mutation in enumerate(planned, 1):
        show_progress(f"change {number} of {len(planned)}: {mutation.name}")
        with intercepting(mutator := Mutator(mutation)):
            is_noticed = not tests.passes(MINIMUM_SECONDS + TIME_FACTOR * suite)
        file.add(build_result(mutator, 0, None, is_noticed=is_noticed))
    show_progress("")
    file.finish(timing := Timing(suite, machine_seconds() - began - suite, suite * len(planned)))
    return timing._replace(total=machine_seconds() - began)
