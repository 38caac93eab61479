"""Tables: one row per operation."""

from emulator.api.routes.guide import GUIDE_ROUTES as GUIDE_ROUTES
from emulator.api.routes.guide import PUBLIC_ROUTES
from emulator.api.routes.reference import REFERENCE_ROUTES as REFERENCE_ROUTES
from emulator.api.routes.route import Route
from emulator.api.routes.webhooks import HOOK_ROUTES as HOOK_ROUTES

ROUTES: tuple[Route, ...] = (*GUIDE_ROUTES, *REFERENCE_ROUTES, *HOOK_ROUTES, *PUBLIC_ROUTES)

__all__ = ["GUIDE_ROUTES", "HOOK_ROUTES", "PUBLIC_ROUTES", "REFERENCE_ROUTES", "ROUTES", "Route"]
