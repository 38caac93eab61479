"""Delivery ranges."""

from contract_tests.support import checks_of, verify


@checks_of("delivery_ranges")
def test_delivery_ranges(check, target, foreign):
    verify(check, target, foreign)
