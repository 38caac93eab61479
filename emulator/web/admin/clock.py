"""Control API: read, set and advance the clock, and control live traffic."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from emulator.core.clock import CLOCK_MODES
from emulator.core.world import World
from emulator.handlers.clock_api import advance, duration_of, parse_time, set_clock
from emulator.handlers.control import validated_document
from emulator.handlers.traffic import rate_document, set_rate
from emulator.rules.scenarios import format_time
from emulator.web.admin.shared import CurrentWorld, json_response, read_document


def add_clock(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/clock")
    def clock() -> Response:
        return json_response(clock_document(current.world()))

    @api.put("/clock")
    def put_clock() -> Response:
        world = current.world()
        document = validated_document("clock", read_document())
        now = parse_time(document["now"]) if "now" in document else None
        set_clock(world, document.get("mode"), now, document.get("speed"))
        return json_response(clock_document(world))

    @api.post("/clock/advance")
    def advance_clock() -> Response:
        world = current.world()
        document = validated_document("clock-advance", read_document())
        if "seconds" in document:
            advance(world, by=duration_of(seconds=document["seconds"]))
        elif "to" in document:
            advance(world, to=parse_time(document["to"]))
        else:
            advance(world)
        return json_response(clock_document(world))


def add_live_traffic(api: Blueprint, current: CurrentWorld) -> None:
    @api.get("/live")
    def live() -> Response:
        return json_response(rate_document(current.world()))

    @api.put("/live")
    def put_live() -> Response:
        return json_response(set_rate(current.world(), read_document()))


def clock_document(world: World) -> dict[str, Any]:
    next_event = world.schedule.next_due()
    return {
        "mode": world.clock.mode,
        "speed": world.clock.speed,
        "now": format_time(world.clock.now()),
        "next_event": None if next_event is None else format_time(next_event),
        "modes": list(CLOCK_MODES),
    }
