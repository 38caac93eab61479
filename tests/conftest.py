"""The emulator of a test, and a client whose every answer is checked (`support/watch.py` sees to it)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from hypothesis import settings

from emulator import Emulator

settings.register_profile("untimed", deadline=None)  # speed is measured by `make bench`, never by a test
settings.load_profile("untimed")


@pytest.fixture
def oms() -> Emulator:
    """A fresh demonstration, in process."""
    return Emulator("demo")


@pytest.fixture
def client(oms: Emulator) -> requests.Session:
    """Speaks to `oms`, and may do everything."""
    return oms.session()


@pytest.fixture
def speaks() -> Callable[[str], requests.Session]:
    """Give a client for a fresh world of any scenario."""
    return lambda scenario: Emulator(scenario).session()
