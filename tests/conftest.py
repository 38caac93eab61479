"""The emulator of a test, a client for it, and the markers of whole folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from hypothesis import settings

from emulator import Emulator

settings.register_profile("untimed", deadline=None)  # speed is measured by `make bench`, never by a test
settings.load_profile("untimed")

HERE = Path(__file__).parent
MARKERS = {
    "browser": "browser",
    "browser/inspector/test_accessibility.py": "gate",
    "browser/test_docs.py": "gate",
    "cli": "slow",
    "cli/test_reruns.py": "gate",
    "contract": "slow",
    "examples": "gate",
    "oracle": "oracle",
    "oracle_filters": "oracle",
    "oracle_hooks": "oracle",
    "plugin": "slow",
    "plugin/test_reruns.py": "gate",
    "test_packaging.py": "gate",
    "test_skills.py": "gate",
    "transports": "slow",
    "worlds/sqlite": "slow",
}
"""Folder or file -> the marker of all of its tests. Tests that start processes or servers are slow. The slowest are
gates."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers of the folders and files."""
    for item in items:
        for name, marker in MARKERS.items():
            if item.path.is_relative_to(HERE / name):
                item.add_marker(marker)


@pytest.fixture
def oms() -> Emulator:
    """Return a fresh demo emulator of this process."""
    return Emulator("demo")


@pytest.fixture
def client(oms: Emulator) -> requests.Session:
    """Return a client of `oms` that may call every operation."""
    return oms.session()


@pytest.fixture
def speaks() -> Callable[[str], requests.Session]:
    """Return a function that starts an emulator of any scenario and returns a client for it."""
    return lambda scenario: Emulator(scenario).session()
