"""The snapshot of the imported modules: what to import before it is taken, and what to renew when it is loaded."""

from __future__ import annotations

import importlib
import os
import random
import sys
import tempfile
from typing import Any

MODULES = (
    "emulator.cli.serve",
    "emulator.client.emulator",
    "emulator.web.admin",
    "emulator.web.fault_injection",
    "emulator.web.flask_app",
    "emulator.web.server",
    "jsonschema.validators",
    "referencing.jsonschema",
)


def import_requests() -> None:
    """Import `requests` with the connections of urllib3 for sockets, which it replaces on WebAssembly."""
    platform, sys.platform = sys.platform, "linux"
    try:
        importlib.import_module("emulator.worlds.webhooks.http_client")
    finally:
        sys.platform = platform


def prepare() -> None:
    """Import the modules that a server needs."""
    import_requests()
    for name in MODULES:
        importlib.import_module(name)


def resume(environment: Any) -> None:
    """Replace what the snapshot took from the machine that made it: the environment and random numbers."""
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    tempfile._name_sequence = None  # type: ignore[attr-defined]  # noqa: SLF001 - it holds a random generator
