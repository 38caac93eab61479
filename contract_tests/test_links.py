"""Links inside documents: labels and pictures."""

from contract_tests.support import checks_of, verify


@checks_of("links")
def test_links(check, target, foreign):
    verify(check, target, foreign)
