"""Packages on the reference surface: lists, details, items, commands, invoices, notes."""

from contract_tests.support import checks_of, verify


@checks_of("reference_packages")
def test_reference_packages(check, target, foreign):
    verify(check, target, foreign)
