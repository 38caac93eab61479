"""Login."""

from contract_tests.support import checks_of, verify


@checks_of("login")
def test_login(check, target, foreign):
    verify(check, target, foreign)
