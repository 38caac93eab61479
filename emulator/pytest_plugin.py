"""The pytest plugin: a fresh world for each test that asks for one; nothing is imported before one does.

PYTEST_DONT_REWRITE: there is no assertion here, and to look for one would cost every test run time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    import requests

    from emulator.client.emulator import Emulator
    from emulator.coverage.pytest_hooks import CoverageRecorder

MARKER = "oms(scenario, seed, packages, installation, clock, strict): what the worlds of `oms` and `oms_url` are like"
MARKER_ARGUMENTS = ("scenario", "seed", "packages", "installation", "clock", "strict")
"""What `@pytest.mark.oms` takes: arguments of `Emulator`."""
DEFAULT_ARTIFACTS = ".oms-emulator"
MAX_EXCHANGES = 10
"""How many of its latest exchanges a failing test shows."""
EMULATOR_KEY = pytest.StashKey["Emulator"]()
"""Where a test's own emulator is kept: to be asked when the test has passed, and for the report of its failure."""
RECORDER_NAME = "oms-emulator coverage"
"""The name of the plugin that is there with `--oms-coverage`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("oms-emulator", "emulated OMS")
    group.addoption(
        "--oms-target",
        metavar="URL",
        help="speak to a server that runs already: `oms_url` is this URL, and tests that ask for `oms` are skipped",
    )
    group.addoption(
        "--oms-token", metavar="KEY", default="full-access", help="token of `oms_session` (default: full-access)"
    )
    group.addoption(
        "--oms-artifacts",
        metavar="DIR",
        type=Path,
        help=f"where the scenario files of failing tests are written (default: {DEFAULT_ARTIFACTS} beside the ini-file)",
    )
    group.addoption(
        "--oms-coverage",
        metavar="DIR",
        type=Path,
        help="count what the tests meet, for `oms-emulator coverage DIR`; what is there of an earlier run goes",
    )
    group.addoption(
        "--oms-strict",
        action="store_true",
        help="make every test strict whose marker does not say otherwise: what the real service takes in silence is "
        "refused, and a client that would hurt it fails its test",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    folder: Path | None = config.getoption("oms_coverage")
    if folder is None:
        return
    if target_url(config) is not None:
        raise pytest.UsageError("--oms-coverage counts in emulators of this run, and --oms-target is none of them")
    from emulator.coverage.pytest_hooks import CoverageRecorder  # noqa: PLC0415 - imported when it is asked for

    config.pluginmanager.register(CoverageRecorder(config.invocation_params.dir / folder), RECORDER_NAME)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say what is wrong with a marker before the test begins."""
    marker_arguments(item)


def marker_arguments(item: pytest.Item) -> dict[str, Any]:
    """Give the arguments of a test's markers; those nearer to it win. A wrong one is an error of the test."""
    found: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("oms"))):
        if marker.args:
            fail_for_marker(f"takes no positional arguments, like {marker.args[0]!r}")
        for name in marker.kwargs:
            if name not in MARKER_ARGUMENTS:
                fail_for_marker(f"has no argument {name!r}")
        found |= marker.kwargs
    return found


def fail_for_marker(what: str) -> NoReturn:
    pytest.fail(f"@pytest.mark.oms {what}; known: {', '.join(MARKER_ARGUMENTS)}", pytrace=False)


# Fixtures -------------------------------------------------------------------------------------------------


def target_url(config: pytest.Config) -> str | None:
    given = config.getoption("oms_target")
    return None if given is None else str(given).rstrip("/")


def skip_with_target(config: pytest.Config, fixture: str) -> None:
    if elsewhere := target_url(config):
        pytest.skip(f"`{fixture}` is an emulator of this process, and --oms-target is {elsewhere}")


@pytest.fixture
def oms(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """An emulator of the test's own: a fresh world, in process; `@pytest.mark.oms(...)` says what it is like."""
    skip_with_target(request.config, "oms")
    from emulator.client.emulator import Emulator  # noqa: PLC0415 - imported when a test first asks for it

    try:
        emulator = Emulator(**run_options(request.config) | marker_arguments(request.node))
    except ValueError as error:
        pytest.fail(f"@pytest.mark.oms: {error}", pytrace=False)
    request.node.stash[EMULATOR_KEY] = emulator
    yield emulator
    emulator.close()


@pytest.fixture(scope="session")
def oms_server(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """The emulator of the whole run (of each process, under xdist), answering on a free port of 127.0.0.1."""
    skip_with_target(request.config, "oms_server")
    from emulator.client.emulator import Emulator  # noqa: PLC0415 - imported when a test first asks for it

    with Emulator(max_worlds=1_000_000, **run_options(request.config)) as server:
        yield server


def run_options(config: pytest.Config) -> dict[str, Any]:
    """Give what the options of the run say of every emulator."""
    counting: CoverageRecorder | None = config.pluginmanager.get_plugin(RECORDER_NAME)
    return {"strict": config.getoption("oms_strict"), "coverage": counting and counting.coverage}


@pytest.fixture
def oms_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the world of `oms` answers over a socket; with `--oms-target`, that server."""
    elsewhere = target_url(request.config)
    if elsewhere is not None:
        yield elsewhere
        return
    emulator: Emulator = request.getfixturevalue("oms")
    server: Emulator = request.getfixturevalue("oms_server")
    name = unused_name(server, name_for_test(request.node.name))
    server.worlds.mount(name, emulator.worlds.slot(emulator.name))
    yield f"{server.server_url}/w/{name}"
    server.worlds.unmount(name)


def unused_name(server: Emulator, wanted: str) -> str:
    """Give a name that no world of the server has."""
    names = itertools.chain([wanted], (f"{wanted}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in server.worlds)


def name_for_test(name: str) -> str:
    """Give a name that a world and a file may have, of a test's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or "test"


@pytest.fixture
def oms_session(oms_url: str, request: pytest.FixtureRequest) -> Iterator[requests.Session]:
    """A `requests.Session` that speaks to `oms_url`, authorised; it takes paths (`/api/v1/oms/packages/`) as URLs."""
    from emulator.client.session import BasedSession  # noqa: PLC0415 - imports requests

    authorization = {"Authorization": f"Token {request.config.getoption('oms_token')}"}
    with BasedSession(oms_url, authorization) as session:
        session.trust_env = target_url(request.config) is not None  # no proxy is between us and our own server
        yield session


# A client that is strict ----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a strict test that has passed fail if its client did what hurts the real service."""
    result = yield
    emulator = item.stash.get(EMULATOR_KEY, None)
    if emulator is not None and emulator.world.strict and (found := emulator.audit()):
        lines = [f"  {one['kind']}: {one['says']} (requests {', '.join(one['requests'])})" for one in found]
        pytest.fail("\n".join(["strict: the client does what hurts a real service", *lines]), pytrace=False)
    return result


# The report of a failure ----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the report of a failing test tell of its world."""
    report = yield
    emulator = item.stash.get(EMULATOR_KEY, None)
    if emulator is not None and report.failed:
        report.sections.append(("oms-emulator", "\n".join(failure_report(item, emulator))))
        del item.stash[EMULATOR_KEY]  # once for each test: a failing teardown has nothing to add
    return report


def failure_report(item: pytest.Item, emulator: Emulator) -> Iterator[str]:
    """Give what is known of a failing test's world."""
    from emulator.client.requests import format_request  # noqa: PLC0415 - imported when a test used it

    settings = emulator.world.settings
    kept = len(emulator.requests)
    latest = list(itertools.islice(emulator.requests, MAX_EXCHANGES))
    yield f"scenario {settings.scenario}, seed {settings.seed}, {emulator.clock.now().isoformat()}"
    yield f"{'the latest ' if kept > MAX_EXCHANGES else ''}{len(latest)} of {kept} exchanges:"
    yield from map(format_request, reversed(latest))
    yield save_scenario(item, emulator)


def save_scenario(item: pytest.Item, emulator: Emulator) -> str:
    """Write the scenario file of a failing test; say where it is, or why it is not."""
    name = f"{name_for_test(item.name)}-{sha256(item.nodeid.encode()).hexdigest()[:8]}.json"
    try:
        path = artifacts_folder(item.config) / name
        emulator.save(path, force=True)
    except (OSError, ValueError) as error:
        return f"no scenario file: {error}"
    return f"the world as it was: {path} (load it: Emulator(path), or oms-emulator serve --scenario path)"


def artifacts_folder(config: pytest.Config) -> Path:
    """Give the folder of the scenario files; one of our own keeps itself out of version control."""
    given: Path | None = config.getoption("oms_artifacts")
    path = config.rootpath / DEFAULT_ARTIFACTS if given is None else config.invocation_params.dir / given
    path.mkdir(parents=True, exist_ok=True)
    if given is None and not (ignored := path / ".gitignore").exists():
        ignored.write_text("*\n", "utf-8")
    return path
