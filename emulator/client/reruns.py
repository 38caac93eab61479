"""Reruns of tests inside one pytest process, for suite mutation. The pytest plugin registers these classes.

pytest has no public way to run a test twice. `TestRunner` uses the same internal names as pytest-rerunfailures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType

import pytest
from _pytest.runner import runtestprotocol

from emulator.client.suite_mutation import Result, ResultsFile, Timing, build_result
from emulator.core.json_text import JsonObject, JsonValue
from emulator.state.clock import machine_seconds
from emulator.web.mutations import Mutation, Mutator, Observer, intercepting

Read = Callable[[str], object]
"""Called with the path of each key that is read."""


class TestRunner:
    """Runs tests again, without a trace in the output of pytest."""

    __test__ = False

    def __init__(self) -> None:
        self._reports: list[pytest.TestReport] | None = None

    @property
    def is_running(self) -> bool:
        return self._reports is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if self._reports is None:
            return None
        self._reports += runtestprotocol(item, log=False, nextitem=nextitem)
        return True

    def run(self, item: pytest.Item, next_item: pytest.Item | None = None) -> list[pytest.TestReport]:
        """Run a test, and return its reports. Fixtures that `next_item` needs stay."""
        reports: list[pytest.TestReport] = []
        self._reports = reports
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=next_item)
        finally:
            self._reports = None
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

    def _track(self, key: str) -> None:
        """Report a key, and let the objects in its value report theirs."""
        path = self._prefix + key
        self._read(path)
        if dict.__contains__(self, key):
            dict.__setitem__(self, key, track(dict.__getitem__(self, key), self._read, path))

    def _track_all(self) -> None:
        for key in list(dict.keys(self)):
            self._track(key)

    def __getitem__(self, key: str) -> JsonValue:
        self._track(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._track(str(key))
        return super().__contains__(key)

    def get(self, key: str, default: JsonValue = None) -> JsonValue:
        self._track(key)
        return super().get(key, default)

    def pop(self, key: str, *default: JsonValue) -> JsonValue:
        self._track(key)
        return super().pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        self._track_all()
        return super().__iter__()

    def keys(self) -> JsonValue:
        self._track_all()
        return super().keys()

    def values(self) -> JsonValue:
        self._track_all()
        return super().values()

    def items(self) -> JsonValue:
        self._track_all()
        return super().items()

    def __eq__(self, other: object) -> bool:
        self._track_all()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as dict


def track(value: JsonValue, read: Read, path: str = "") -> JsonValue:
    """Return JSON whose objects report the paths of the keys that are read."""
    if isinstance(value, list):
        return [track(each, read, path) for each in value]
    return TrackedObject(value, read, path) if type(value) is dict else value


@contextmanager
def tracked_json(observer: Observer) -> Iterator[None]:
    """Record which keys of responses are read. This works for clients that parse with `json`: requests, httpx."""
    with pytest.MonkeyPatch.context() as patch:
        for module in json_modules():
            patch.setattr(module, "loads", partial(tracked_loads, observer, module.loads))
        yield


def json_modules() -> list[ModuleType]:
    """Return `json`, and the module that requests uses in its place if it is installed."""
    compat = sys.modules.get("requests.compat")
    modules = [json, getattr(compat, "json", json)]
    return list(dict.fromkeys(modules))


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
        self.item, self.observer, self.seconds = item, Observer(), 0.0
        self.mutations: dict[Mutation, None] = {}
        """What the test can notice, once it is done."""


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

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tests[report.nodeid].seconds += report.duration

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        began = machine_seconds()
        result = yield
        self._is_observing = False
        if session.testsfailed or not any(test.observer.requests for test in self._tests.values()):
            return result
        suite, began = machine_seconds() - began, machine_seconds()
        planned = self._plan()
        for number, (mutation, tests) in enumerate(planned.items(), 1):
            show_progress(session.config, f"change {number} of {len(planned)}: {mutation.name}")
            self.results.add(self._try(mutation, tests))
        selected = sum(test.seconds for tests in planned.values() for test in tests)
        self.results.finish(Timing(suite, machine_seconds() - began, selected))
        return result

    def _plan(self) -> dict[Mutation, list[ObservedTest]]:
        """Return the mutations to try, each with its tests. The tests that meet the fewest behaviours come first."""
        for test in self._tests.values():
            test.mutations = dict.fromkeys(test.observer.mutations())
        exercised = {mutation for test in self._tests.values() for mutation in test.observer.exercised}
        left_out = exercised | {result.mutation for result in self.results.results()}
        planned: dict[Mutation, list[ObservedTest]] = {}
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
