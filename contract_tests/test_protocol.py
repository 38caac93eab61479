"""What every operation does before its work: credentials, methods, media types, addresses."""

from contract_tests.support import checks_of, verify


@checks_of("protocol")
def test_protocol(check, target, foreign):
    verify(check, target, foreign)
