"""Reruns of tests inside one pytest process, for suite mutation and fault sweeps.

The pytest plugin registers these classes. pytest has no public way to run a test twice. `TestRunner` uses the same
internal names as pytest-rerunfailures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from _pytest.runner import runtestprotocol

from emulator.client import fault_sweep
from emulator.client.fault_sweep import HANG_SECONDS, Grid, Sweeper, SweepSettings
from emulator.client.suite_mutation import Result, ResultsFile, RunInfo, build_result
from emulator.core.json_text import JsonObject, JsonValue
from emulator.state.clock import machine_seconds
from emulator.web.mutation_interceptors import Mutator, Observer, intercepting
from emulator.web.mutations import Mutation

Read = Callable[[str], object]
"""Called with the path of each key that is read."""


class TestRunner:
    """Runs tests again, without a trace in the output of pytest."""

    __test__ = False

    def __init__(self) -> None:
        self._reports: list[pytest.TestReport] | None = None
        self.is_shown = False
        """Whether the current run is reported as usual."""
        self.seconds: dict[str, float] = {}
        """Id of each test that passed -> its shortest time."""

    @property
    def is_running(self) -> bool:
        return self._reports is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if self._reports is None:
            return None
        self._reports += runtestprotocol(item, log=False, nextitem=nextitem)
        return True

    def run(
        self, item: pytest.Item, next_item: pytest.Item | None = None, *, is_shown: bool = False
    ) -> list[pytest.TestReport]:
        """Run a test, and return its reports. Fixtures that `next_item` needs stay.

        The traceback of a failure takes longer than most tests, unless it is in the style of Python.
        """
        reports: list[pytest.TestReport] = []
        option, self._reports = item.config.option, reports
        self.is_shown, style = is_shown, option.tbstyle
        option.tbstyle = style if is_shown else "native"
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=next_item)
        finally:
            option.tbstyle, self._reports = style, None
        if not has_failed(reports):
            seconds = sum(report.duration for report in reports)
            self.seconds[item.nodeid] = min(seconds, self.seconds.get(item.nodeid, seconds))
        return reports

    def run_until_failure(self, items: Sequence[pytest.Item]) -> pytest.Item | None:
        """Run tests until one fails, and return it. No fixture stays."""
        for item, next_item in zip(items, [*items[1:], None], strict=True):
            if has_failed(self.run(item, next_item)):
                item.session._setupstate.teardown_exact(None)  # noqa: SLF001 - see the docstring of the module
                return item
        return None


def has_failed(reports: Sequence[pytest.TestReport]) -> bool:
    return any(report.failed for report in reports)


def show_progress(config: pytest.Config, text: str) -> None:
    """Show a line on a terminal, in place of the one before."""
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.isatty:
        reporter.rewrite(text, erase=True)


# Keys that a client reads


class TrackedObject(dict[str, JsonValue]):
    """A JSON object that reports each key that is read. A comparison reads all keys, also those of nested objects."""

    def __init__(self, values: JsonObject, read: Read, parent: str = "") -> None:
        super().__init__(values)
        self._read, self._prefix = read, f"{parent}." if parent else ""

    def track(self, key: str) -> None:
        """Report a key, and let the objects in its value report theirs."""
        path = self._prefix + key
        self._read(path)
        if dict.__contains__(self, key):
            dict.__setitem__(self, key, track(dict.__getitem__(self, key), self._read, path))

    __hash__ = None  # as dict


def tracking_method(name: str, *, reads_all: bool) -> Callable[..., JsonValue]:
    """Return a method of `dict` that also reports the key that it reads, or all keys."""
    method = getattr(dict, name)

    def read(self: TrackedObject, *arguments: JsonValue) -> JsonValue:
        for key in list(dict.keys(self)) if reads_all else arguments[:1]:
            self.track(str(key))
        return method(self, *arguments)

    return read


for name in ("__getitem__", "__contains__", "get", "pop"):
    setattr(TrackedObject, name, tracking_method(name, reads_all=False))
for name in ("__iter__", "keys", "values", "items", "__eq__", "__ne__"):
    setattr(TrackedObject, name, tracking_method(name, reads_all=True))


def track(value: JsonValue, read: Read, path: str = "") -> JsonValue:
    """Return JSON whose objects report the paths of the keys that are read."""
    if isinstance(value, list):
        return [track(each, read, path) for each in value]
    return TrackedObject(value, read, path) if type(value) is dict else value


@contextmanager
def tracked_json(observer: Observer) -> Iterator[None]:
    """Record which keys of responses are read. This works for clients that parse with `json`: requests, httpx."""
    used_by_requests = getattr(sys.modules.get("requests.compat"), "json", json)  # simplejson, if it is installed
    with pytest.MonkeyPatch.context() as patch:
        for module in {json, used_by_requests}:
            patch.setattr(module, "loads", partial(tracked_loads, observer, module.loads))
        yield


def tracked_loads(
    observer: Observer, loads: Callable[..., JsonValue], text: str | bytes, **options: object
) -> JsonValue:
    value = loads(text, **options)
    body = text.encode(errors="replace") if isinstance(text, str) else bytes(text)
    operation = observer.operation_of(body)
    if operation is None:
        return value
    return track(value, observer.reads.setdefault(operation, set()).add)


# Suite mutation

MORE_REQUESTS, REQUEST_FACTOR = 100, 10
"""How many requests more, and how many times as many, tests may make with a mutation. Then they get errors."""


class ObservedTest:
    """A test of the run without a mutation."""

    __test__ = False

    def __init__(self, item: pytest.Item) -> None:
        self.item, self.observer = item, Observer()
        self.mutations: dict[Mutation, None] = {}
        """What the test can notice, once it is done."""


Plan: TypeAlias = dict[Mutation, list[ObservedTest]]
"""Mutations to try -> the tests that meet what changes."""


class SuiteMutation:
    """Observes the run of pytest, then runs the tests again with one mutation at a time."""

    def __init__(self, results: ResultsFile, runner: TestRunner) -> None:
        self.results, self.settings, self._runner = results, results.settings(), runner
        self._tests: dict[str, ObservedTest] = {}
        self._is_observing = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if not self._is_observing:
            return (yield)
        test = self._tests[item.nodeid] = ObservedTest(item)
        with intercepting(test.observer), tracked_json(test.observer):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        began = machine_seconds()
        result = yield
        self._is_observing = False
        if session.testsfailed or not any(test.observer.requests for test in self._tests.values()):
            return result
        suite, began = machine_seconds() - began, machine_seconds()
        left_out, planned = self._leave_out(self._plan())
        for number, (mutation, tests) in enumerate(planned.items(), 1):
            show_progress(session.config, f"change {number} of {len(planned)}: {mutation.name}")
            self.results.add(self._try(mutation, tests))
        own = sum(self._runner.seconds[test.item.nodeid] for tests in planned.values() for test in tests)
        self.results.finish(RunInfo(suite, machine_seconds() - began, own, left_out=left_out))
        return result

    def _leave_out(self, planned: Plan) -> tuple[list[str], Plan]:
        """Run the tests of a plan once without a mutation. Return those that fail, and the plan without them."""
        tests = list(dict.fromkeys(test for tests in planned.values() for test in tests))
        failed = {test for test in tests if has_failed(self._runner.run(test.item))}
        stable = {mutation: [test for test in tests if test not in failed] for mutation, tests in planned.items()}
        plan = {mutation: tests for mutation, tests in stable.items() if tests}
        return [test.item.nodeid for test in failed], plan

    def _plan(self) -> Plan:
        """Return the mutations to try, each with its tests. The tests that meet the fewest behaviours come first."""
        for test in self._tests.values():
            test.mutations = dict.fromkeys(test.observer.mutations())
        exercised = {mutation for test in self._tests.values() for mutation in test.observer.exercised}
        left_out = exercised | {result.mutation for result in self.results.results()}
        planned: Plan = {}
        for test in sorted(self._tests.values(), key=lambda test: len(test.mutations)):
            for mutation in test.mutations:
                if mutation not in left_out and self.settings.selects(mutation):
                    planned.setdefault(mutation, []).append(test)
        return planned

    def _try(self, mutation: Mutation, tests: Sequence[ObservedTest]) -> Result:
        usual = sum(test.observer.requests for test in tests)
        mutator = Mutator(mutation, MORE_REQUESTS + REQUEST_FACTOR * usual)
        with intercepting(mutator):
            failed = self._runner.run_until_failure([test.item for test in tests])
        return build_result(mutator, len(tests), (failed or tests[0].item).nodeid, is_noticed=failed is not None)


# Fault sweep

MARKER = "oms_faults"
SECTION = "oms-emulator sweep"


class FaultSweep:
    """Runs tests again with faults: those with the marker, or all tests for `oms-emulator sweep`."""

    def __init__(self, runner: TestRunner, file: Path | None = None) -> None:
        self._runner, self._file = runner, file
        self._sweeper: Sweeper | None = None

    def _settings(self, item: pytest.Item) -> SweepSettings | None:
        """Return what to sweep a test with, or None."""
        marker = item.get_closest_marker(MARKER)
        if self._file is not None:
            return fault_sweep.read_settings(self._file)
        return None if marker is None else marker_settings(*marker.args, **marker.kwargs)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Check the markers before any test runs."""
        for item in session.items:
            try:
                self._settings(item)
            except (TypeError, ValueError) as error:
                raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.{MARKER}: {error}") from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if self._runner.is_running or (settings := self._settings(item)) is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = self._run(item, baseline := Sweeper(), is_shown=True)
        if all(report.passed for report in reports) and baseline.calls:
            grid = fault_sweep.sweep(
                item.nodeid, baseline, settings, lambda sweeper: not has_failed(self._run(item, sweeper))
            )
            self._record(grid, reports)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _run(self, item: pytest.Item, sweeper: Sweeper, *, is_shown: bool = False) -> list[pytest.TestReport]:
        self._sweeper = sweeper
        return self._runner.run(item, is_shown=is_shown)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Count and disturb the calls of the test, and not those of its fixtures."""
        if not self._runner.is_running or self._sweeper is None:
            return (yield)
        with fault_sweep.sweeping(self._sweeper):
            return (yield)

    def _record(self, grid: Grid, reports: Sequence[pytest.TestReport]) -> None:
        """Pass the grid on: to the file of `sweep`, or to the report of the test. Findings fail the test."""
        if self._file is not None:
            fault_sweep.add_grid(self._file, grid)
            return
        report = next(report for report in reports if report.when == "call")
        text = f"{grid.as_text()}\n{fault_sweep.LEGEND}"
        if grid.findings:
            report.outcome, report.longrepr = "failed", "\n".join([*grid.findings, "", text])
        else:
            report.sections.append((SECTION, text))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the grids of the tests that passed. A failure shows its own grid."""
        for report in terminalreporter.stats.get("passed", ()):
            for name, text in report.sections:
                if name == SECTION:
                    terminalreporter.write_line(text)


def marker_settings(*kinds: str, hang_after: float = HANG_SECONDS) -> SweepSettings:
    """Return the settings of a marker: `oms_faults("each")` or `oms_faults("reset", "lost_response")`."""
    return SweepSettings(fault_sweep.select_kinds(kinds), hang_after)
