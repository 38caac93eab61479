"""State transition logs of packages on the reference surface."""

from contract_tests.support import checks_of, verify


@checks_of("reference_logs")
def test_reference_logs(check, target, foreign):
    verify(check, target, foreign)
