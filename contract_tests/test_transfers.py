"""Transfer orders: lists, details, commands and numbers."""

from contract_tests.support import checks_of, verify


@checks_of("transfers")
def test_transfers(check, target, foreign):
    verify(check, target, foreign)
