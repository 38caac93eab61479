"""Fixtures that pair the emulator with the Django REST framework oracle."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from emulator.client.emulator import Emulator
from tests.oracle import service
from tests.oracle.comparison import Comparison, hook_ids, placeholder_ids

SIZES = {"packages": 200, "transfers": 40, "ranges": 33, "reasons": 5, "items": 320, "locations": 14, "logs": 450}
"""Number of records of the oracle without an emulator."""


@pytest.fixture(autouse=True)
def silence_django() -> Iterator[None]:
    """Silence Django's log of the refusals that the tests provoke."""
    logging.getLogger("django").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("django").setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def shared_comparison() -> Comparison:
    return Comparison.with_emulator(Emulator("demo"))


@pytest.fixture
def comparison(shared_comparison: Comparison) -> Comparison:
    """Share one emulator between all single requests; none of them changes what another request reads."""
    return shared_comparison


@pytest.fixture
def fresh_comparison() -> Iterator[Comparison]:
    """Pair a new emulator with the oracle for one test."""
    before = service.DATA
    yield Comparison.with_emulator(Emulator("demo"))
    service.DATA = before


@pytest.fixture
def oracle_only() -> Iterator[Comparison]:
    """Use the oracle on both comparison, to test the oracle itself."""
    before = service.DATA
    jwts = {role: f"jwt.{role}" for role in (*service.ROLES, "expired")}
    roles = {token: role for role, token in jwts.items()}
    ids = {kind: list(range(size, 0, -1)) for kind, size in SIZES.items()}
    service.DATA = service.Data(**ids, jwts=roles)
    world = Emulator("demo").world
    yield Comparison(SimpleNamespace(app=service.app, world=world), placeholder_ids(ids) | hook_ids(world), jwts)
    service.DATA = before
