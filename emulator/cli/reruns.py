"""`oms-emulator mutate` and `sweep`: run the tests of a client again, with changes of the emulator or with faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click

from emulator.cli import exit_with
from emulator.cli.reports import minimum_option, output_report, report_options
from emulator.cli.serve import ARGUMENTS, DEFAULT_SCENARIO, FILE, HAS_PROCESS_GROUPS, command_variables, serve
from emulator.cli.terminal import DAY, Number, check_writable, errors_as_messages, require_python_package
from emulator.client import fault_sweep
from emulator.client import suite_mutation as mutation
from emulator.client.emulator import Emulator
from emulator.client.fault_sweep import Grid, Sweeper, SweepSettings
from emulator.client.suite_mutation import RESULTS_VARIABLE, ResultsFile, RunInfo, Settings, build_result
from emulator.core.credentials import parse_limits
from emulator.state.clock import machine_seconds
from emulator.web.mutation_interceptors import Mutator, Observer, intercepting

FINDINGS = 1
"""Exit code: a change was noticed by no test, or a fault does harm."""
SERVER_OPTIONS = ("scenario", "installation", "packages", "seed", "strict", "limit", "allow_webhook_host")
"""Options of `serve` that apply to tests of other runners than pytest, whose fixtures have own emulators."""
DEFAULT_RESULTS = Path(".oms-emulator/mutations.jsonl")
MINIMUM_SECONDS, TIME_FACTOR = 60, 10
"""A command may take this long in a rerun, and this many times as long as usual."""
MUTATE_EXAMPLES = """\b
Examples:
  oms-emulator mutate -- pytest
  oms-emulator mutate --only filter-ignored --only next-missing:list_packages -- npm test
"""
SWEEP_EXAMPLES = """\b
Examples:
  oms-emulator sweep -- pytest tests/test_packing.py
  oms-emulator sweep --kind lost_response --kind reset -- npm test
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

    def __init__(self, command: Sequence[str], scenario: str | None, limit: Sequence[str], **options: Any) -> None:
        """`options` are the other options in `SERVER_OPTIONS`."""
        require_python_package("running tests again")
        self.command = command
        self._scenario, self._limits = scenario or DEFAULT_SCENARIO, parse_limits(limit)
        self._arguments = {ARGUMENTS.get(name, name): value for name, value in options.items()}

    @contextmanager
    def _emulator(self) -> Iterator[Emulator]:
        arguments = self._arguments | {"limits": self._limits, "clock": "ticking", "demo_receiver": True}
        with Emulator(self._scenario, **arguments) as emulator:
            yield emulator

    def run(self, variables: Mapping[str, str]) -> int:
        """Run the command with its output. Return its exit code."""
        with self._emulator() as emulator:
            environment = {**os.environ, **command_variables(emulator), **variables}
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
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Kinds or names of changes, or patterns of them. May be repeated.",
)
@click.option("--resume", is_flag=True, help="Continue a run that was stopped.")
@click.option(
    "--results", type=FILE, default=DEFAULT_RESULTS, show_default=True, help="File for the results, for --resume."
)
@click.option("--since", type=FILE, metavar="FILE", help="Report only what this JSON report does not have.")
@minimum_option("Exit with code 1 only if less than PERCENT of the changes are noticed.")
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

    COMMAND runs the tests. With pytest and its plugin, only the tests that use a behaviour run again, in the same
    process. Any other command runs again for each change, with the environment of `exec`. Exit code 1: no test
    notices a change.
    """
    if output is not None:
        check_writable(output)
    with errors_as_messages():
        mutation.check_patterns(only)
        known = frozenset() if since is None else mutation.read_baseline(since)
        if results == DEFAULT_RESULTS:
            results.parent.mkdir(exist_ok=True)
            if not (ignore_file := results.parent / ".gitignore").exists():  # version control ignores the folder
                ignore_file.write_text("*\n", "utf-8")
        file = mutation.ResultsFile(results)
        file.start(settings := mutation.Settings(command, only), resume=resume)
        info = run_mutations(TestCommand(command, **options), settings, file)
        report = mutation.MutationReport(file.results(), known, info)
    output_report(mutation.render(report, form).rstrip("\n"), mutation.summary(report), output)
    if report.findings if minimum is None else not report.reaches(minimum):
        exit_with(mutation.summary(report), FINDINGS)


def check_first_run(code: int, requests: int) -> None:
    """Raise `ClickException` if the command cannot be run again with changes or faults."""
    if code != 0:
        raise click.ClickException(f"the command fails as it is (exit code {code}), so that it cannot run again")
    if not requests:
        raise click.ClickException("the command makes no request to the emulator at OMS_URL or in its pytest process")


def run_mutations(tests: TestCommand, settings: Settings, file: ResultsFile) -> RunInfo:
    """Run the tests once, and again with each mutation, unless the pytest plugin did so."""
    began = machine_seconds()
    with intercepting(observer := Observer()):
        code = tests.run({RESULTS_VARIABLE: str(file.path.resolve())})
    suite = machine_seconds() - began
    if (info := file.run_info()) is not None:
        return info._replace(total=suite)
    check_first_run(code, observer.requests)
    done = {result.mutation for result in file.results()} | observer.exercised
    planned = [each for each in observer.mutations() if each not in done and settings.selects(each)]
    for number, change in enumerate(planned, 1):
        show_progress(f"change {number} of {len(planned)}: {change.name}")
        with intercepting(mutator := Mutator(change)):
            is_noticed = not tests.passes(MINIMUM_SECONDS + TIME_FACTOR * suite)
        nearest = observer.tests_of(change)
        file.add(build_result(mutator, len(nearest), next(iter(nearest), None), is_noticed=is_noticed))
    show_progress("")
    file.finish(info := RunInfo(suite, machine_seconds() - began - suite, suite * len(planned)))
    return info._replace(total=machine_seconds() - began)


# sweep


@click.command(epilog=SWEEP_EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Kind of fault.  [default: each]")
@click.option(
    "--hang-after",
    type=Number(0, DAY, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Time after which a client that waits for a response counts as hung.",
)
@report_options("text", "json")
@server_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def sweep(
    *,
    command: tuple[str, ...],
    kinds: tuple[str, ...],
    hang_after: float,
    form: str,
    output: Path | None,
    **options: Any,
) -> None:
    """Run tests once for each call that they make and each kind of fault, and print a grid of the outcomes.

    COMMAND runs the tests. With pytest and its plugin, each test has a grid, and all runs are in one process. Any
    other command runs again as a whole. Exit code 1: a client hangs, makes a write twice, or loses one.
    """
    if output is not None:
        check_writable(output)
    with errors_as_messages():
        settings = fault_sweep.SweepSettings(fault_sweep.select_kinds(kinds), hang_after)
        grids = run_sweep(TestCommand(command, **options), settings)
    output_report(fault_sweep.render(grids, form).rstrip("\n"), fault_sweep.summary(grids), output)
    if any(grid.findings for grid in grids):
        exit_with(fault_sweep.summary(grids), FINDINGS)


def run_sweep(tests: TestCommand, settings: SweepSettings) -> Sequence[Grid]:
    """Run the tests once, and again with each fault, unless the pytest plugin did so."""
    began = machine_seconds()
    with TemporaryDirectory(prefix="oms-emulator-") as folder:
        fault_sweep.write_settings(file := Path(folder) / "sweep.jsonl", settings)
        with fault_sweep.sweeping(baseline := fault_sweep.Sweeper()):
            code = tests.run({fault_sweep.SWEEP_VARIABLE: str(file)})
        if grids := fault_sweep.read_grids(file):
            return grids
    check_first_run(code, len(baseline.calls))
    timeout = MINIMUM_SECONDS + settings.hang_after + TIME_FACTOR * (machine_seconds() - began)

    def run(sweeper: Sweeper) -> bool:
        with fault_sweep.sweeping(sweeper):
            return tests.passes(timeout)

    return [fault_sweep.sweep(" ".join(tests.command), baseline, settings, run)]
