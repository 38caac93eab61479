"""Emulators with replaced handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.web.context import Router


def with_handler(oms: Emulator, operation: str, handler: Callable[..., Any]) -> Emulator:
    """Replace the handler of an operation."""
    app: Any = oms._emulator_app
    app.router = Router(replace(route, view=handler) if route.operation == operation else route for route in ROUTES)
    return oms
