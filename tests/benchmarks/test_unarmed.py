"""The bar `unarmed` compares the emulator with a copy that does not check for faults and limits."""

import pytest

from benchmarks import unarmed
from benchmarks.rounds import MeasurementFailedError
from emulator import Emulator

LIST = "/api/v1/oms/packages/"


def test_both_sides_return_the_same_and_only_one_checks_for_faults():
    """An armed fault changes the response of that side only."""
    checking, constant = unarmed.sides()
    found = []
    for functions in (checking, constant):
        oms = Emulator("demo")
        with unarmed.patched(functions):
            plain = oms.session().get(LIST)
            oms.faults.add(status=503)
            found.append((plain.status_code, plain.content, oms.session().get(LIST).status_code))
    assert found[0][:2] == found[1][:2]
    assert (found[0][2], found[1][2]) == (503, 200)
    assert Emulator("demo").session().get(LIST).status_code == 200, "the functions are restored"


def test_a_check_that_the_code_no_longer_contains_is_an_error(monkeypatch):
    monkeypatch.setitem(unarmed.CHECK_VALUES, "world.faults.are_armed", False)
    with pytest.raises(MeasurementFailedError, match=r"no longer contains these checks: world\.faults\.are_armed"):
        unarmed.sides()
