"""Webhook events of packages and transfer orders."""

from contract_tests.support import checks_of, verify


@checks_of("events")
def test_events(check, target, foreign):
    verify(check, target, foreign)
