"""Tables: one row per operation."""

from emulator.routes.guide import PUBLIC_ROUTES
from emulator.routes.guide import ROUTES as GUIDE_ROUTES
from emulator.routes.table import Route

ROUTES: tuple[Route, ...] = (*GUIDE_ROUTES, *PUBLIC_ROUTES)

__all__ = ["GUIDE_ROUTES", "PUBLIC_ROUTES", "ROUTES", "Route"]
