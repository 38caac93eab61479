"""The pytest plugin: fixtures with a new world for each test. The emulator is imported when a fixture is used.

PYTEST_DONT_REWRITE: this module has no assertions, and rewriting it would slow down every test run.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from hashlib import sha256
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    import requests

    from emulator.client.emulator import Emulator
    from emulator.client.reruns import TestRunner
    from emulator.coverage.pytest_hooks import CoverageRecorder

MARKER = (
    "oms(scenario, seed, packages, installation, clock, strict, ...): arguments of `Emulator` for `oms` and `oms_url`"
    "; min_provenance fails a test that rests on a behaviour with less evidence"
)
SHARED_SERVER_ARGUMENTS = frozenset(("scenario", "seed", "packages", "installation", "limits"))
"""Arguments of `Emulator` that are part of a scenario. With any other argument, `oms` has its own server."""
FAULTS_MARKER = 'oms_faults(*kinds): run the test once for each call that it makes and each kind of fault ("each")'
DEFAULT_ARTIFACTS = ".oms-emulator"
MAX_EXCHANGES = 10
"""Number of exchanges in the report of a failing test."""
EMULATOR_KEY = pytest.StashKey["Emulator"]()
"""Where the emulator of a test is stored, for strict mode and for the report of a failure."""
MIN_PROVENANCE = "min_provenance"
"""Argument of the marker that `Emulator` does not have."""
PROVENANCE_PROPERTY, ASSUMPTION_PROPERTY = "oms_provenance", "oms_assumption"
"""Properties of a test in reports: the weakest provenance that it rests on, and each assumption."""
RUNNER_NAME = "oms-emulator reruns"
"""Name of the plugin that runs tests again. A failure of a rerun is a result, and gets no report."""
MUTATE_VARIABLE = "OMS_MUTATE"
"""Environment variable that `oms-emulator mutate` sets: the results file."""
SWEEP_VARIABLE = "OMS_SWEEP"
"""Environment variable that `oms-emulator sweep` sets: the sweep file."""
RECORDER_NAME = "oms-emulator coverage"
"""Name of the plugin that is registered with `--oms-coverage`."""


class EntryPoint:
    """The entry point of the distribution. It registers this module by its own name."""

    @staticmethod
    def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
        pluginmanager.import_plugin(__name__)


# Options and markers


def server_url(text: str) -> str:
    """Return the address of a server, or raise `ArgumentTypeError`."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArgumentTypeError(f"{text!r} is not the address of a server; use one such as http://127.0.0.1:8080")
    return text


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("oms-emulator", "emulated OMS")
    group.addoption(
        "--oms-target",
        metavar="URL",
        type=server_url,
        help="use a server that already runs: `oms_url` is this URL, and tests that use `oms` are skipped",
    )
    group.addoption(
        "--oms-token", metavar="KEY", default="full-access", help="token of `oms_session` (default: full-access)"
    )
    group.addoption(
        "--oms-artifacts",
        metavar="DIR",
        type=Path,
        help=f"folder for the scenario files of failing tests (default: {DEFAULT_ARTIFACTS} beside the ini-file)",
    )
    group.addoption(
        "--oms-with-secrets",
        action="store_true",
        help="keep credentials of hooks in the scenario files of failing tests",
    )
    group.addoption(
        "--oms-coverage",
        metavar="DIR",
        type=Path,
        help="count the coverage of the run, for `oms-emulator coverage DIR`; counts of an earlier run are deleted",
    )
    group.addoption(
        "--oms-provenance",
        action="store_true",
        help="print how many tests rest on assumptions about the real service, and on which",
    )
    group.addoption(
        "--oms-strict",
        action="store_true",
        help="run every test in strict mode, unless its marker turns it off: requests that the real service silently "
        "accepts are rejected, and a test fails if its client would harm the real service",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    configure_coverage(config)
    config.addinivalue_line("markers", FAULTS_MARKER)
    # Runs of pytest in the tests must not see these variables.
    results, sweep = (os.environ.pop(name, None) for name in (MUTATE_VARIABLE, SWEEP_VARIABLE))
    if results is not None:
        register_mutation(config, results)
    elif sweep is not None:
        register_sweep(config, Path(sweep))


def configure_coverage(config: pytest.Config) -> None:
    folder: Path | None = config.getoption("oms_coverage")
    if folder is None:
        return
    if target_url(config) is not None:
        raise pytest.UsageError("--oms-coverage counts in emulators of this run; it cannot count in --oms-target")
    with emulator_package():
        from emulator.coverage.pytest_hooks import CoverageRecorder  # noqa: PLC0415 - imported when used

    config.pluginmanager.register(CoverageRecorder(config.invocation_params.dir / folder), RECORDER_NAME)


def register_mutation(config: pytest.Config, results: str) -> None:
    """Run the tests again with mutations after the usual run."""
    runner = register_runner(config, "mutate")
    from emulator.client.reruns import SuiteMutation  # noqa: PLC0415 - imported when used
    from emulator.client.suite_mutation import ResultsFile  # noqa: PLC0415 - as above

    config.pluginmanager.register(SuiteMutation(ResultsFile(results), runner))


def register_sweep(config: pytest.Config, file: Path | None = None) -> None:
    """Run tests again with faults: all tests if there is a file, otherwise those with the marker."""
    runner = register_runner(config, None if file is None else "sweep")
    from emulator.client.reruns import FaultSweep  # noqa: PLC0415 - imported when used

    config.pluginmanager.register(FaultSweep(runner, file))


def register_runner(config: pytest.Config, command: str | None) -> TestRunner:
    """Register the plugin that runs tests again, for a command of `oms-emulator` or for markers."""
    if command is not None and config.getoption("numprocesses", None):
        raise pytest.UsageError(f"oms-emulator {command} runs pytest in one process; use -n 0")
    with emulator_package():
        from emulator.client.reruns import TestRunner  # noqa: PLC0415 - imported when used

    runner = TestRunner()
    config.pluginmanager.register(runner, RUNNER_NAME)
    return runner


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sweep the tests with the marker, unless they run again anyway."""
    has_marker = any(item.get_closest_marker("oms_faults") for item in items)
    if has_marker and not config.pluginmanager.has_plugin(RUNNER_NAME):
        register_sweep(config)


def marker_arguments(item: pytest.Item) -> dict[str, Any]:
    """Return the arguments of a test's markers for `Emulator`. The marker nearest to the test takes precedence.

    An invalid argument is an error of the test.
    """
    return {name: value for name, value in all_marker_arguments(item).items() if name != MIN_PROVENANCE}


def all_marker_arguments(item: pytest.Item) -> dict[str, Any]:
    """Return the arguments of a test's markers, with those of the plugin."""
    with emulator_package():
        from emulator.client.emulator import Emulator  # noqa: PLC0415 - imported when used
    known = [*signature(Emulator).parameters, MIN_PROVENANCE]
    arguments: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("oms"))):
        if marker.args:
            fail_for_marker(f"takes no positional arguments, like {marker.args[0]!r}", known)
        for name in marker.kwargs:
            if name not in known:
                nearest = "".join(f" (did you mean {each}?)" for each in get_close_matches(name, known, n=1))
                fail_for_marker(f"has no argument {name!r}{nearest}", known)
        arguments |= marker.kwargs
    return arguments


def minimum_provenance(item: pytest.Item) -> str | None:
    """Return the provenance that a test's markers require. An unknown one is an error of the test."""
    minimum: str | None = all_marker_arguments(item).get(MIN_PROVENANCE)
    if minimum is not None:
        from emulator.state.journal import PROVENANCES  # noqa: PLC0415 - imported when used

        if minimum not in PROVENANCES:
            fail_for_marker(f"has no provenance {minimum!r}", list(PROVENANCES))
    return minimum


def fail_for_marker(reason: str, known: list[str]) -> NoReturn:
    pytest.fail(f"@pytest.mark.oms {reason}; known: {', '.join(known)}", pytrace=False)


@contextmanager
def emulator_package() -> Iterator[None]:
    """Explain an `ImportError` inside the block if the project's own package is called `emulator`."""
    try:
        yield
    except ImportError:
        folder, ours = package_folder(), Path(__file__).with_name("emulator")
        if folder is None or folder == ours:
            raise
        raise pytest.UsageError(
            f"oms-emulator needs its package `emulator`, but {folder} has the same name"
        ) from None


def package_folder() -> Path | None:
    """Return the folder of the imported package `emulator`, if it is known."""
    paths = list(getattr(sys.modules.get("emulator"), "__path__", ()))
    return Path(paths[0]) if paths else None


def target_url(config: pytest.Config) -> str | None:
    """Return the URL of `--oms-target`, or None."""
    url: str | None = config.getoption("oms_target")
    return None if url is None else url.rstrip("/")


# Fixtures


@pytest.fixture
def oms(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Return an in-process `Emulator` with a new world and a frozen clock.

    The arguments of `@pytest.mark.oms(...)` are those of `Emulator`.
    """
    try:
        emulator = new_emulator(request, "oms", **marker_arguments(request.node))
    except ValueError as error:
        pytest.fail(f"@pytest.mark.oms: {error}", pytrace=False)
    request.node.stash[EMULATOR_KEY] = emulator
    yield emulator
    emulator.close()


@pytest.fixture(scope="session")
def oms_server(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Return the `Emulator` that serves all worlds on one port during the run. With xdist, each process has one."""
    with new_emulator(request, "oms_server", max_worlds=1_000_000) as server:
        yield server


def new_emulator(request: pytest.FixtureRequest, fixture: str, **arguments: object) -> Emulator:
    """Return an emulator with the options of the run. With `--oms-target`, skip the test."""
    if url := target_url(request.config):
        pytest.skip(f"`{fixture}` is an emulator of this process, and --oms-target is {url}")
    with emulator_package():
        from emulator.client.emulator import Emulator  # noqa: PLC0415 - imported when used

    recorder: CoverageRecorder | None = request.config.pluginmanager.get_plugin(RECORDER_NAME)
    options = {"strict": request.config.getoption("oms_strict"), "coverage": recorder and recorder.coverage}
    if request.config.getoption("oms_provenance") or (fixture == "oms" and minimum_provenance(request.node)):
        options["provenance"] = True
    return Emulator(**options | arguments)


@pytest.fixture
def oms_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the HTTP address of the world of `oms`. With `--oms-target`, return the address of that server."""
    target = target_url(request.config)
    if target is not None:
        yield target
        return
    emulator: Emulator = request.getfixturevalue("oms")
    if marker_arguments(request.node).keys() - SHARED_SERVER_ARGUMENTS:
        yield emulator.start()
        return
    server: Emulator = request.getfixturevalue("oms_server")
    name = unused_name(server, name_for_test(request.node.name))
    server.worlds.mount(name, emulator.worlds.slot(emulator.name))
    yield f"{server.server_url}/w/{name}"
    server.worlds.unmount(name)


def unused_name(server: Emulator, name: str) -> str:
    """Return the name, with a number if the server already has a world of this name."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(each for each in names if each not in server.worlds)


def name_for_test(name: str) -> str:
    """Return a name for a world or a file, made of the name of a test."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or "test"


@pytest.fixture
def oms_session(oms_url: str, request: pytest.FixtureRequest) -> Iterator[requests.Session]:
    """Return an authorized `requests.Session` for `oms_url`, which accepts paths as URLs.

    Example: `oms_session.get("/api/v1/oms/packages/")`
    """
    with emulator_package():
        from emulator.client.session import BasedSession  # noqa: PLC0415 - imported when used
        from emulator.core.hosts import is_loopback  # noqa: PLC0415 - as above

    authorization = {"Authorization": f"Token {request.config.getoption('oms_token')}"}
    with BasedSession(oms_url, authorization) as session:
        if (oms := request.node.stash.get(EMULATOR_KEY, None)) is not None and oms.certificate is not None:
            session.verify = str(oms.certificate)
        session.trust_env = not is_loopback(urlsplit(oms_url).hostname or "")  # this machine is not behind a proxy
        yield session


# Strict mode and provenance


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed if its client would harm the real service, or if it rests on less than its minimum."""
    try:
        result = yield
    finally:
        if (emulator := item.stash.get(EMULATOR_KEY, None)) is not None:
            note_provenance(item, emulator)
    if emulator is not None:
        fail_for_findings(emulator)
        fail_for_provenance(item, emulator)
    return result


def fail_for_findings(emulator: Emulator) -> None:
    """Fail a strict test whose client would harm the real service."""
    if emulator.world.strict and (findings := emulator.audit()):
        lines = [f"  {each['kind']}: {each['says']} (requests {', '.join(each['requests'])})" for each in findings]
        pytest.fail("\n".join(["strict: the client does what hurts a real service", *lines]), pytrace=False)


def note_provenance(item: pytest.Item, emulator: Emulator) -> None:
    """Add what a test rests on to the properties of its report."""
    if (log := emulator.provenance) is not None:
        item.user_properties.append((PROVENANCE_PROPERTY, log.weakest or "nothing"))
        item.user_properties.extend((ASSUMPTION_PROPERTY, str(each)) for each in log.weaker_than("framework"))


def fail_for_provenance(item: pytest.Item, emulator: Emulator) -> None:
    """Fail a test that rests on a behaviour with less evidence than its markers require."""
    log, minimum = emulator.provenance, minimum_provenance(item)
    if log is not None and minimum is not None and (weaker := log.weaker_than(minimum)):
        head = f"{MIN_PROVENANCE}={minimum!r}, but the test rests on"
        pytest.fail("\n".join([head, *(f"  {each}" for each in weaker)]), pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests rest on assumptions, and on which. Tests without provenance do not count."""
    reports = [
        each for rows in terminalreporter.stats.values() for each in rows if isinstance(each, pytest.TestReport)
    ]
    properties = [each.user_properties for each in reports if each.when == "call"]
    tests = [rows for rows in properties if any(name == PROVENANCE_PROPERTY for name, _ in rows)]
    if not tests:
        return
    with emulator_package():
        from emulator.coverage.assumptions import summarize  # noqa: PLC0415 - imported when used

    groups = [([str(text) for name, text in rows if name == ASSUMPTION_PROPERTY], 1) for rows in tests]
    for line in summarize("tests", groups).lines():
        terminalreporter.write_line(line)


# Report of a failure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a section about the world to the report of a failing test."""
    report = yield
    emulator = item.stash.get(EMULATOR_KEY, None)
    if emulator is not None and report.failed and not is_rerun(item.config):
        report.sections.append(("oms-emulator", "\n".join(failure_report(item, emulator))))
        del item.stash[EMULATOR_KEY]  # only one section for each test, also if its teardown fails too
    return report


def is_rerun(config: pytest.Config) -> bool:
    """Return whether the current run of a test is not reported."""
    runner: TestRunner | None = config.pluginmanager.get_plugin(RUNNER_NAME)
    return runner is not None and runner.is_running and not runner.is_shown


def failure_report(item: pytest.Item, emulator: Emulator) -> Iterator[str]:
    """Yield the scenario, the newest exchanges, the deliveries that wait, and the path of the scenario file."""
    settings = emulator.world.settings
    count = len(emulator.requests)
    newest = list(itertools.islice(emulator.requests, MAX_EXCHANGES))
    yield f"scenario {settings.source.name}, seed {settings.source.seed}, {emulator.clock.now().isoformat()}"
    yield f"{'the latest ' if count > MAX_EXCHANGES else ''}{len(newest)} of {count} exchanges:"
    yield from (request.describe() for request in reversed(newest))
    if (note := emulator.world.outbox.sender.waiting_note) is not None:
        yield note
    yield save_scenario(item, emulator)


def save_scenario(item: pytest.Item, emulator: Emulator) -> str:
    """Write the scenario file of a failing test. Return a line with its path, or with the reason of a failure."""
    name = f"{name_for_test(item.name)}-{sha256(item.nodeid.encode()).hexdigest()[:8]}.json"
    try:
        path = artifacts_folder(item.config) / name
        emulator.save(path, force=True, with_secrets=item.config.getoption("oms_with_secrets"))
    except (OSError, ValueError) as error:
        return f"no scenario file: {error}"
    return f"the world as it was: {path} (load it: Emulator(path), or oms-emulator serve --scenario path)"


def artifacts_folder(config: pytest.Config) -> Path:
    """Return the folder of the scenario files. Version control ignores the default folder."""
    option: Path | None = config.getoption("oms_artifacts")
    path = config.rootpath / DEFAULT_ARTIFACTS if option is None else config.invocation_params.dir / option
    path.mkdir(parents=True, exist_ok=True)
    if option is None and not (ignore_file := path / ".gitignore").exists():
        ignore_file.write_text("*\n", "utf-8")
    return path
