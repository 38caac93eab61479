"""Options and fixtures of the contract tests. They test the emulator in process, or the server of `--target`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.support import built_in_target
from emulator.contract import Check, Target, Unreachable
from emulator.contract.target import FULL_ACCESS, SURFACES


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the contract of the OMS")
    group.addoption("--target", metavar="URL", help="Test this server.  [default: the emulator, in process]")
    group.addoption("--token", default=FULL_ACCESS, help="Token for the guide surface (default: %(default)s).")
    group.addoption("--jwt", help="JWT for the reference surface. Without it, the reference surface is skipped.")
    group.addoption(
        "--allow-writes", action="store_true", help="Also run the checks that change records of the --target."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Reject `-n` with `--target`, because one check would change what another one reads."""
    if config.getoption("--target") and config.getoption("numprocesses", default=None):
        raise pytest.UsageError("--target runs in one process: leave out -n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the contract tests as slow. With --target, run the checks that write first."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("slow")
    if config.getoption("--target"):
        items.sort(key=lambda item: not writes(item))


def writes(item: pytest.Item) -> bool:
    """Return whether the check of a test writes."""
    check = item.callspec.params.get("check") if hasattr(item, "callspec") else None
    return isinstance(check, Check) and check.writes


@pytest.fixture(scope="session")
def foreign(request: pytest.FixtureRequest) -> str | None:
    """Return the URL of `--target`, or None."""
    url: str | None = request.config.getoption("--target")
    return url


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, foreign: str | None) -> Iterator[Target]:
    """Return the server under test. All checks share its cache."""
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
    """Return the reason why no surface can be verified, or None."""
    try:
        reasons = target.probe()
    except Unreachable as error:
        return str(error)
    return "; ".join(reasons.values()) if len(reasons) == len(SURFACES) else None
