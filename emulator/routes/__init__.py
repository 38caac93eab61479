"""Tables: one row per operation."""

from emulator.routes.guide import PUBLIC_ROUTES
from emulator.routes.guide import ROUTES as GUIDE_ROUTES
from emulator.routes.hooks import ROUTES as HOOK_ROUTES
from emulator.routes.reference import ROUTES as REFERENCE_ROUTES
from emulator.routes.table import Route

ROUTES: tuple[Route, ...] = (*GUIDE_ROUTES, *REFERENCE_ROUTES, *HOOK_ROUTES, *PUBLIC_ROUTES)

__all__ = ["GUIDE_ROUTES", "HOOK_ROUTES", "PUBLIC_ROUTES", "REFERENCE_ROUTES", "ROUTES", "Route"]
