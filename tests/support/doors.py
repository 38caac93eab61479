"""Changes of an emulator that only a test makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emulator import Emulator
from emulator.routes import ROUTES
from emulator.web.routing import Router


def with_handler(oms: Emulator, operation: str, handler: Callable[..., Any]) -> Emulator:
    """Let another handler answer an operation."""
    door: Any = oms.app.wsgi_app
    door.router = Router(
        replace(route, handler=handler) if route.operation == operation else route for route in ROUTES
    )
    return oms
