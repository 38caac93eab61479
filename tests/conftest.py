"""The emulator of a test, a client for it, and the markers of whole folders."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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
    "client/test_shadow.py": "medium",
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
    "web/admin/test_activity.py": "medium",
    "web/admin/test_arranging.py": "medium",
    "web/admin/test_changes.py": "medium",
    "web/admin/test_hooks.py": "medium",
    "web/admin/test_metrics.py": "medium",
    "web/admin/test_stories.py": "medium",
    "web/test_admin.py": "medium",
    "web/test_admin_tokens.py": "medium",
    "web/test_graph.py": "medium",
    "web/test_urls_like_django.py": "medium",
    "worlds/sqlite": "slow",
    "worlds/test_redelivery.py": "medium",
}
"""Folder or file -> the marker of all of its tests. Tests that start processes or servers are slow. The slowest are
gates."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore folders and files that `-m` deselects, because collecting them takes longer than running the fast tests.

    Only expressions without parentheses are understood.
    """
    expression: str = config.getoption("markexpr")
    if "(" in expression:
        return None
    excluded = {term.removeprefix("not ") for term in expression.split(" and ") if term.startswith("not ")}
    return True if markers_of(collection_path) & excluded else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers of the folders and files."""
    for item in items:
        for marker in markers_of(item.path):
            item.add_marker(marker)


@cache
def markers_of(path: Path) -> frozenset[str]:
    """Return the markers that all tests of a folder or file have."""
    return frozenset(marker for name, marker in MARKERS.items() if path.is_relative_to(HERE / name))


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
