"""Where a call of the control API is: in which world, among which, and under which request id."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from emulator.core.world import World
from emulator.handlers.control import ask
from emulator.web.app import WORLD_KEY
from emulator.worlds import DEFAULT_WORLD, Worlds


class Here:
    """The worlds of this server, and the one that the present call is in."""

    def __init__(self, worlds: Worlds) -> None:
        self.worlds = worlds

    @property
    def name(self) -> str:
        return str(request.environ.get(WORLD_KEY, DEFAULT_WORLD))

    def world(self) -> World:
        """Give the world that the present call is in; `UnknownWorld` if there is none of its name."""
        return self.worlds.named(self.name)


def write(world: World, operation: str, document: Any = None, **path: int | str) -> Any:
    """Do a write so that it can be repeated; the answer names its request."""
    g.request_id = world.new_request_id()
    return ask(world, operation, document, path, g.request_id)


def name_request(response: Response) -> Response:
    """Put the id of a write into its answer."""
    if "request_id" in g:
        response.headers["X-Emulator-Request-Id"] = g.request_id
    return response
