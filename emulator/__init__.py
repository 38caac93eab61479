"""An emulator of the Akinon OMS package and transfer-order services."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emulator.version import __version__

if TYPE_CHECKING:
    from emulator.core.jwts import JWT_SECRET
    from emulator.server import Emulator

__all__ = ["JWT_SECRET", "Emulator", "__version__"]

HOMES = {"Emulator": "emulator.server", "JWT_SECRET": "emulator.core.jwts"}
"""Where the names are that are imported when they are asked for: the pytest plugin is loaded in every test run."""


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(HOMES[name]), name)
