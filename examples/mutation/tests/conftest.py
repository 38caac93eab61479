"""Each test has a small world, and the client calls it in the same process."""

import pytest
from warehouse import Receiver, Warehouse

from emulator.core.records import State

KEY = "a key of signatures"


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.oms(packages=60), append=False)


@pytest.fixture
def warehouse(oms):
    return Warehouse(oms.session())


@pytest.fixture
def package(oms):
    """Return a waiting package."""
    return oms.package(state="Waiting", items=2)["id"]


@pytest.fixture
def transfer():
    """Return a waiting transfer order of the scenario."""
    return 1310


@pytest.fixture
def sent_transfer():
    """Return a transfer order of the scenario that is on its way."""
    return 1312


@pytest.fixture
def state(oms):
    """Return a function that returns the name of the state of a package or transfer order."""

    def state_name(kind, pk):
        view = oms.world.records
        return view.get_existing(State, view.get_existing(kind, pk).state).name

    return state_name


@pytest.fixture
def receiver(oms):
    """Return a receiver of all events that the client handles."""
    receiver = Receiver(KEY)
    oms.hooks.add(
        receiver,
        ["package.created", "package.status.packed", "package.status.transitioned", "package.status.cancelled"],
        secret_key=KEY,
    )
    return receiver
