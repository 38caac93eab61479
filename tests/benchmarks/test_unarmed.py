"""The bar of faults and limits compares the emulator with itself, less the questions for them."""

import pytest

from benchmarks import unarmed
from benchmarks.rounds import MeasurementFailedError
from emulator import Emulator

LIST = "/api/v1/oms/packages/"


def test_the_two_sides_answer_the_same_and_only_one_asks():
    """Where a fault is armed, the side that asks meets it."""
    asking, answered = unarmed.sides()
    found = []
    for functions in (asking, answered):
        oms = Emulator("demo")
        with unarmed.instead(functions):
            plain = oms.session().get(LIST)
            oms.faults.add(status=503)
            found.append((plain.status_code, plain.content, oms.session().get(LIST).status_code))
    assert found[0][:2] == found[1][:2]
    assert (found[0][2], found[1][2]) == (503, 200)
    assert Emulator("demo").session().get(LIST).status_code == 200, "all is in its place again"


def test_a_question_that_is_asked_no_more_is_told(monkeypatch):
    monkeypatch.setitem(unarmed.ANSWERED, "world.faults.are_armed", False)
    with pytest.raises(MeasurementFailedError, match=r"no longer contains these checks: world\.faults\.are_armed"):
        unarmed.sides()
