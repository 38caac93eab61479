"""Turns the checks of a resource into the parameters of a test, and their results into outcomes."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.contract import CHECKS, Target
from emulator.contract.runner import run_check


def checks_of(resource: str) -> pytest.MarkDecorator:
    """Run a test once for each check of the resource, under the check's name."""
    checks = [check for check in CHECKS if check.resource == resource]
    return pytest.mark.parametrize("check", checks, ids=[check.name for check in checks])


def fresh_target() -> Target:
    """Give the demonstration's world in process."""
    oms = Emulator("demo")
    return Target(oms.url, session=oms.session(), jwt=oms.jwt(), allow_writes=True)


def built_in_target() -> Target:
    """Give the demonstration's world in process, a little used: its records have more than one event."""
    target = fresh_target()
    for check in CHECKS:
        if check.topic == "moves-by-id":
            run_check(check, target)
    target.cache.clear()
    return target


def verify(check, target, foreign):
    """Fail with all findings. What a foreign server cannot show is skipped; the emulator can show everything."""
    result = run_check(check, target)
    assert not result.findings, "\n".join(
        f"{found.kind}: {found.pointer} {found.text} ({found.request})" for found in result.findings
    )
    if result.not_verified is not None:
        (pytest.skip if foreign else pytest.fail)(f"not verified: {result.not_verified}")
