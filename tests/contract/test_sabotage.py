"""The checks can fail: each notices every sabotage of its topic, as what it is."""

from typing import Any

import pytest

from contract_tests.support import built_in_target, fresh_target
from emulator.client.session import InProcessSession
from emulator.contract import CHECKS, Target
from emulator.contract.checks import run_check
from tests.contract.sabotages import CASES, cases_of
from tests.contract.saboteur import Saboteur

NEVER_NOTICED: dict[str, str] = {}
"""Check -> why no sabotage is needed for it."""

PAIRS = [(check, case) for check in CHECKS for case in cases_of(check)]


def spoiled(check, case) -> Target:
    """Return the demo world behind a proxy with the sabotage. For checks of events, it already has some events."""
    oms = built_in_target() if check.resource.endswith("events") else fresh_target()
    path = check.route.path if case.at is None else f"{check.route.path.partition('<')[0]}<pk>/{case.at}"
    adapter: Any = oms.session.get_adapter(oms.base_url)
    app = Saboteur(adapter.app, path, case.sabotage)
    session = InProcessSession(app, oms.base_url, {})
    return Target(oms.base_url, session=session, jwt=oms.credentials["Bearer"], allow_writes=True)


@pytest.mark.parametrize(("check", "case"), PAIRS, ids=[f"{check.name}: {case.name}" for check, case in PAIRS])
def test_a_sabotage_is_noticed(check, case):
    """A finding of the expected kind names the operation."""
    result = run_check(check, spoiled(check, case))
    assert case.kind in [finding.kind for finding in result.findings], (result.findings, result.not_verified)
    assert {finding.operation for finding in result.findings} == {check.operation}


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_every_check_has_a_sabotage(check):
    """A check that nothing can fail checks nothing."""
    assert cases_of(check) or NEVER_NOTICED.get(check.name)


def test_sabotages_are_for_known_topics():
    """No sabotage outlives its topic."""
    assert set(CASES) == {check.topic for check in CHECKS}
