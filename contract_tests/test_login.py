"""Login."""

from contract_tests.support import checks_of, verify


@checks_of("login")
def test_login(check, target, foreign):
    """Keeps what the check promises."""
    verify(check, target, foreign)
