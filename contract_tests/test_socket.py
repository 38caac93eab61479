"""The whole contract over a real socket, in one run."""

import pytest

from emulator import Emulator
from emulator.contract import Target, as_text, run


def test_the_emulator_keeps_the_contract_over_a_socket(foreign):
    """The checks that pass in process also pass behind waitress."""
    if foreign:
        pytest.skip("the other tests already use a socket")
    with Emulator("demo") as oms, Target(oms.url, jwt=oms.jwt(), allow_writes=True) as target:
        report = run(target)
    assert len(report.having("verified")) == len(report.results), as_text(report)
