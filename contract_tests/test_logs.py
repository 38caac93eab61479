"""State transition logs of packages and transfer orders."""

from contract_tests.support import checks_of, verify


@checks_of("logs")
def test_logs(check, target, foreign):
    """Keeps what the check promises."""
    verify(check, target, foreign)
