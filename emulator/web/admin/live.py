"""The live demo: how many orders come by themselves, and whether it is paused."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.handlers.living import pace_of, set_pace
from emulator.web.admin.documents import answered, asked_document


def add_live(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/live")
    def live() -> Response:
        return answered(pace_of(world()))

    @pages.put("/live")
    def put_live() -> Response:
        return answered(set_pace(world(), asked_document()))
