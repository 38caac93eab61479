"""Packages: lists, details, commands, invoices and numbers."""

from contract_tests.support import checks_of, verify


@checks_of("packages")
def test_packages(check, target, foreign):
    verify(check, target, foreign)
