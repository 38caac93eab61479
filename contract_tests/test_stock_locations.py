"""Stock locations."""

from contract_tests.support import checks_of, verify


@checks_of("stock_locations")
def test_stock_locations(check, target, foreign):
    verify(check, target, foreign)
