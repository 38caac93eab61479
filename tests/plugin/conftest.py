"""Runs of pytest with our plugin, each in a separate process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., pytest.RunResult]
PLUGINS = {"xdist": "-n", "random_order": "--random-order"}
"""Plugin -> how its options begin: each is loaded where it is asked for."""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a file with this text; give what came of it."""
    plain = {key for key in os.environ if key.startswith(("OMS_", "PYTEST_"))}
    for key in plain:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")

    def go(text: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others take most of the time that a run takes
        named = [name for name in PLUGINS if any(each.startswith(PLUGINS[name]) for each in arguments)]
        plugins = [part for name in ("pytest_oms_emulator", *named) for part in ("-p", name)]
        return pytester.runpytest_subprocess(*plugins, *arguments)

    return go
