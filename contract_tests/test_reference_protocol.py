"""What every operation of the reference surface does before its work."""

from contract_tests.support import checks_of, verify


@checks_of("reference_protocol")
def test_reference_protocol(check, target, foreign):
    verify(check, target, foreign)
