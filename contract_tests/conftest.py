"""Which server the contract is asked of: the emulator in this process, or the one that `--target` names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.support import built_in_target
from emulator.contract import Check, Target, Unreachable
from emulator.contract.target import DEFAULT_TOKEN, SURFACES


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the contract of the OMS")
    group.addoption("--target", metavar="URL", help="Ask this server; without it the emulator, in process.")
    group.addoption("--token", default=DEFAULT_TOKEN, help="Its token, for the guide surface (default: %(default)s).")
    group.addoption("--jwt", help="Its JWT, for the reference surface; without one that is skipped.")
    group.addoption("--allow-writes", action="store_true", help="Run the checks that write to the --target too.")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test a foreign server from several processes: one check would write what another one reads."""
    if config.getoption("--target") and config.getoption("numprocesses", default=None):
        raise pytest.UsageError("--target runs in one process: leave out -n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the contract as slow; with --target, run first the checks that write what others read."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("slow")
    if config.getoption("--target"):
        items.sort(key=lambda item: not writes(item))


def writes(item: pytest.Item) -> bool:
    """Whether a test's check writes, and so leaves logs and events to look at."""
    check = item.callspec.params.get("check") if hasattr(item, "callspec") else None
    return isinstance(check, Check) and check.writes


@pytest.fixture(scope="session")
def foreign(request: pytest.FixtureRequest) -> str | None:
    """Address of the server that is not ours, if one is named."""
    url: str | None = request.config.getoption("--target")
    return url


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, foreign: str | None) -> Iterator[Target]:
    """The server under test; what checks learn about it serves all of them."""
    options = request.config
    if foreign is None:
        found = built_in_target()
    else:
        writes, jwt = options.getoption("--allow-writes"), options.getoption("--jwt")
        found = Target(foreign, options.getoption("--token"), jwt=jwt, allow_writes=writes)
    with found:
        if reason := unverifiable_reason(found):
            pytest.fail(f"nothing can be verified: {reason}", pytrace=False)
        yield found


def unverifiable_reason(target: Target) -> str | None:
    """Give the reason why nothing can be asked, if there is one."""
    try:
        reasons = target.probe()
    except Unreachable as error:
        return str(error)
    return "; ".join(reasons.values()) if len(reasons) == len(SURFACES) else None
