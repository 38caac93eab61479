"""The rate of generated traffic."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.handlers.traffic import rate_document, set_rate
from emulator.web.admin.documents import answered, asked_document


def add_live(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/live")
    def live() -> Response:
        return answered(rate_document(world()))

    @pages.put("/live")
    def put_live() -> Response:
        return answered(set_rate(world(), asked_document()))
