"""For every test of the repository: no answer of the emulator in this process escapes the check; and who runs it."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

pytest_plugins = ["tests.support.watch", "pytester"]

sys.dont_write_bytecode = False  # a test run starts a hundred processes, and each would compile the emulator anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal the cases of a test out together, unless they are in a group: one by one, dealing takes minutes."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from tests.support.dealing import ByFunction  # noqa: PLC0415 - of a plugin that may be switched off

    return ByFunction(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Let a group be one: pytest 9.2 names a test by another attribute than pytest-xdist 3.8 adds its group to."""
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped is not None and grouped != item.nodeid:
            item._id = type(item._id).parse(grouped)  # noqa: SLF001 - there is no other way to it
