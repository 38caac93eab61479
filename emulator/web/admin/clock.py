"""The clock of a world: read, set, and advanced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from emulator.core.clock import CLOCK_MODES
from emulator.core.world import World
from emulator.handlers.clock_api import advance, duration_of, parse_time, set_clock
from emulator.handlers.control import checked
from emulator.rules.scenarios import as_text
from emulator.web.admin.documents import answered, asked_document


def add_clock(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/clock")
    def clock() -> Response:
        return answered(clock_of(world()))

    @pages.put("/clock")
    def put_clock() -> Response:
        present = world()
        asked = checked("clock", asked_document())
        now = parse_time(asked["now"]) if "now" in asked else None
        set_clock(present, asked.get("mode"), now, asked.get("speed"))
        return answered(clock_of(present))

    @pages.post("/clock/advance")
    def advance_clock() -> Response:
        present = world()
        asked = checked("clock-advance", asked_document())
        if "seconds" in asked:
            advance(present, by=duration_of(seconds=asked["seconds"]))
        elif "to" in asked:
            advance(present, to=parse_time(asked["to"]))
        else:
            advance(present)
        return answered(clock_of(present))


def clock_of(world: World) -> dict[str, Any]:
    due = world.schedule.next_due()
    return {
        "mode": world.clock.mode,
        "speed": world.clock.speed,
        "now": as_text(world.clock.now()),
        "next_event": None if due is None else as_text(due),
        "modes": list(CLOCK_MODES),
    }
