"""The table of checks is complete, and each check is run by one file of the contract's suite."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import contract_tests
from emulator.api.routes import ROUTES
from emulator.contract import CHECKS
from emulator.contract.checks import RESOURCES, TOPICS, resource_of

FILES = sorted(path.stem for path in Path(contract_tests.__path__[0]).glob("test_*.py"))


def parameters_of(file):
    """Yield the checks that the tests of a file are parametrized with."""
    module = import_module(f"contract_tests.{file}")
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for mark in (mark for test in tests for mark in getattr(test, "pytestmark", ())):
        if mark.name == "parametrize":
            yield from zip(mark.args[1], mark.kwargs["ids"], strict=True)


def test_every_check_is_run_by_one_file():
    """None is left out, none is run twice."""
    run = Counter(check.name for file in FILES for check, _ in parameters_of(file))
    assert run == Counter(check.name for check in CHECKS)


def test_ids_of_tests_are_names_of_checks():
    """One grep finds a check in reports and in the test run."""
    assert all(check.name == id_ for file in FILES for check, id_ in parameters_of(file))


def test_names_are_unique():
    """A name means one check."""
    assert len({check.name for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("operation", sorted({route.operation for route in ROUTES}))
def test_every_operation_is_checked(operation):
    """A new row of the route table is checked the moment it exists."""
    assert any(check.operation == operation for check in CHECKS)


def test_every_topic_applies_somewhere():
    """A topic for no operation checks nothing."""
    assert {topic.name for topic in TOPICS} == {check.topic for check in CHECKS}


def test_every_list_has_its_order():
    """Each list's order is known."""
    lists = {check.operation for check in CHECKS if check.topic == "first-page"}
    assert lists == {check.operation for check in CHECKS if check.topic == "row-order"}


def test_an_operation_without_a_resource_is_an_error():
    """The error names what is known."""
    with pytest.raises(ValueError, match=next(iter(RESOURCES))):
        resource_of("juggle_parcels")
