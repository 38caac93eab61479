"""The nearest path to one where nothing is."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

from emulator.routes import ROUTES, Route
from emulator.web.routing import Match, Router

GUIDE = "/api/v1/oms"
NEAR = 0.75
LONGEST_PATH = 300
UNREADABLE = "\ufffd"


def place_hint(path: str, method: str, router: Router, other_than: Match | None = None) -> str | None:
    """Name the operation that was probably meant: at the same path of the other surface, or at the nearest path."""
    if len(path) > LONGEST_PATH or "%" in path or UNREADABLE in path:  # what is no text reads differently elsewhere
        return None
    if other_than is None:
        for label, place in (("the guide", other_surface(path, GUIDE)), ("the reference", other_surface(path, ""))):
            match = router.match(place) if place != slashed(path) else None
            if match is not None and (route := match.resource.route(method) or match.resource.any) is not None:
                return f"nothing is at {path}; {label} has {route.operation} at {place}"
    found = nearest(template_of(path), method)
    if found is None:
        return None if other_than is not None else f"nothing is at {path}; oms-emulator routes lists what is there"
    if other_than is not None and found in other_than.resource.routes.values():
        return None
    return f"nearest: {found.operation}, {found.method} {found.path}"


def slashed(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def other_surface(path: str, prefix: str) -> str:
    """Give the path as it would be below a surface's prefix."""
    return prefix + slashed(path).removeprefix(GUIDE)


def template_of(path: str) -> str:
    """Give a path with its integers taken out, as routes are compared."""
    return "/".join("<>" if part.isascii() and part.isdigit() else part for part in slashed(path).lower().split("/"))


@lru_cache(maxsize=256)
def nearest(template: str, method: str) -> Route | None:
    """Give the operation at the most similar path, if one is near; one with the same method comes first."""
    scored = [(similarity(template, route), route.method == method, -at) for at, route in enumerate(ROUTES)]
    best = max(scored)
    return ROUTES[-best[2]] if best[0] >= NEAR else None


def similarity(template: str, route: Route) -> float:
    """Give how alike they are, or 0 where a look at their letters shows that they are not near."""
    names = "/".join("<>" if part.startswith("<") else part for part in route.path.split("/"))
    both = SequenceMatcher(None, template.replace("-", "_"), names.replace("-", "_"), autojunk=False)
    far = both.real_quick_ratio() < NEAR or both.quick_ratio() < NEAR  # neither is less than the ratio
    return 0.0 if far else both.ratio()
