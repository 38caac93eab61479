"""An emulator of the Akinon OMS package and transfer-order services."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emulator.core.version import __version__

if TYPE_CHECKING:
    from emulator.client.changes import stable
    from emulator.client.emulator import Emulator, create_app
    from emulator.core.credentials import JWT_SECRET


__all__ = ["JWT_SECRET", "Emulator", "__version__", "create_app", "stable"]

MODULES = {
    "Emulator": "emulator.client.emulator",
    "JWT_SECRET": "emulator.core.credentials",
    "create_app": "emulator.client.emulator",
    "stable": "emulator.client.changes",
}
"""Public name -> its module, imported at the first use, because the pytest plugin is loaded in every test run."""


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(MODULES[name]), name)
