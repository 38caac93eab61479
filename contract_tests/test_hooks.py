"""Webhook subscriptions, and the root of the webhook service."""

from contract_tests.support import checks_of, verify


@checks_of("hooks")
def test_hooks(check, target, foreign):
    verify(check, target, foreign)
