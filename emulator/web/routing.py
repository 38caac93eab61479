"""From a path to an operation, as Django resolves URLs: exact, with integers, and a missing slash is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from emulator.routes import Route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
"""The order in which the framework lists methods."""

Key = tuple[str | None, ...]


@dataclass
class Resource:
    """One URL: its operations by method, and the names of the integers in its path."""

    names: tuple[str, ...]
    routes: dict[str, Route] = field(default_factory=dict)

    @property
    def any(self) -> Route:
        """One of its routes: all of a resource agree in scheme and surface."""
        return next(iter(self.routes.values()))

    @property
    def allow(self) -> str:
        own = {*self.routes, "OPTIONS", *(("HEAD",) if "GET" in self.routes else ())}
        return ", ".join(method for method in METHODS if method in own)

    def route(self, method: str) -> Route | None:
        """Give the route for a method; HEAD is answered as GET is."""
        return self.routes.get("GET" if method == "HEAD" else method)


class Match(NamedTuple):
    resource: Resource
    path: Mapping[str, int]


class Router:
    """Looks a path up in one step: its segments, with integers taken out, are the key."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._resources: dict[Key, Resource] = {}
        self._folders: dict[str, Resource] = {}
        for route in routes:
            self._place(route).routes[route.method] = route

    def _place(self, route: Route) -> Resource:
        folder, rest, _ = route.path.partition("<...rest>")
        if rest:
            return self._folders.setdefault(folder, Resource(()))
        segments = route.path.split("/")
        names = tuple(segment[1:-1] for segment in segments if segment.startswith("<"))
        key = tuple(None if segment.startswith("<") else segment for segment in segments)
        return self._resources.setdefault(key, Resource(names))

    def match(self, path: str) -> Match | None:
        """Give what is at this decoded path, or None."""
        segments = path.split("/")
        numbers = [segment for segment in segments if segment.isascii() and segment.isdigit()]
        if not numbers:
            found = self._resources.get(tuple(segments))
            return Match(found, {}) if found else self._in_folder(path)
        found = self._resources.get(tuple(None if segment in numbers else segment for segment in segments))
        if found is None:
            return self._in_folder(path)
        try:
            return Match(found, dict(zip(found.names, map(int, numbers), strict=True)))
        except ValueError:  # more digits than Python takes for a number: Django resolves nothing either
            return None

    def _in_folder(self, path: str) -> Match | None:
        for folder, resource in self._folders.items():
            if path.startswith(folder) and len(path) > len(folder):
                return Match(resource, {})
        return None
