"""Parametrizes tests with the checks of a resource, and converts results to test outcomes."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.contract import CHECKS, Target
from emulator.contract.checks import run_check


def checks_of(resource: str) -> pytest.MarkDecorator:
    """Parametrize a test with the checks of the resource. The name of a check is the id."""
    checks = [check for check in CHECKS if check.resource == resource]
    return pytest.mark.parametrize("check", checks, ids=[check.name for check in checks])


def fresh_target() -> Target:
    """Return the demo world in process."""
    oms = Emulator("demo")
    return Target(oms.url, session=oms.session(), jwt=oms.jwt(), allow_writes=True)


def built_in_target() -> Target:
    """Return the demo world in process, after some commands, so that records have more than one event."""
    target = fresh_target()
    for check in CHECKS:
        if check.topic == "moves-by-id":
            run_check(check, target)
    target.cache.clear()
    return target


def verify(check, target, foreign):
    """Run the check, and fail with all findings. A check that cannot run is skipped for `--target`, else it fails."""
    result = run_check(check, target)
    assert not result.findings, "\n".join(
        f"{found.kind}: {found.pointer} {found.text} ({found.request})" for found in result.findings
    )
    if result.not_verified is not None:
        (pytest.skip if foreign else pytest.fail)(f"not verified: {result.not_verified}")
