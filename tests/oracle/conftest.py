"""The sides that the tests of the protocol compare."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.server import Emulator
from tests.oracle import service
from tests.oracle.sides import Sides


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep Django from logging the refusals that the tests ask for."""
    logging.getLogger("django").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("django").setLevel(logging.NOTSET)


def new_emulator() -> Any:
    """Make an emulator of the demo scenario, in process."""
    return Emulator("demo")


@pytest.fixture(scope="session")
def shared_sides() -> Sides:
    return Sides.of(new_emulator())


@pytest.fixture
def sides(shared_sides: Sides) -> Sides:
    """One emulator for all single requests: none of them changes what another one sees."""
    return shared_sides


@pytest.fixture
def fresh_sides() -> Iterator[Sides]:
    """Make an emulator for one test."""
    before = service.DATA
    yield Sides.of(new_emulator())
    service.DATA = before


@pytest.fixture
def oracle_alone() -> Iterator[Sides]:
    """Put the oracle on both sides, for the tests of the oracle itself."""
    before = service.DATA
    jwts = {role: f"jwt.{role}" for role in (*service.ROLES, "expired")}
    roles = {token: role for role, token in jwts.items()}
    service.DATA = service.Data(list(range(200, 0, -1)), list(range(40, 0, -1)), list(range(33)), roles)
    yield Sides(SimpleNamespace(app=service.app), "193", "33", jwts)
    service.DATA = before
