"""Webhook events of packages on the reference surface."""

from contract_tests.support import checks_of, verify


@checks_of("reference_events")
def test_reference_events(check, target, foreign):
    verify(check, target, foreign)
