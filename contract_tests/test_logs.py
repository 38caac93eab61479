"""State transition logs of packages and transfer orders."""

from contract_tests.support import checks_of, verify


@checks_of("logs")
def test_logs(check, target, foreign):
    verify(check, target, foreign)
