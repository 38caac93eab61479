"""Delivery ranges on the reference surface."""

from contract_tests.support import checks_of, verify


@checks_of("reference_delivery_ranges")
def test_reference_delivery_ranges(check, target, foreign):
    verify(check, target, foreign)
