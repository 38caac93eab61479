"""How lively a world is by itself: how many orders come, whether it is paused, and what it forgets."""

from __future__ import annotations

import math
from typing import Any

from emulator.core.refusals import InvalidDocument
from emulator.core.steps import Step
from emulator.core.world import Pace, World
from emulator.handlers.control import checked
from emulator.rules.forgetting import forget_orders

FORGET = "forget_orders"
MOST_ORDERS = 36_000.0
"""Orders per hour, at most: ten a second."""


def set_pace(world: World, document: Any) -> dict[str, Any]:
    """Let more or fewer orders come, pause or go on; what was due while it was paused does not happen."""
    asked = checked("live", document)
    present = world.pace
    pace = Pace(
        asked.get("orders_per_hour", present.orders_per_hour),
        asked.get("paused", present.is_paused),
    )
    if pace != present:
        world.set_pace(pace)
    return pace_of(world)


def pace_of(world: World) -> dict[str, Any]:
    """Give how lively a world is."""
    return {"orders_per_hour": world.pace.orders_per_hour, "paused": world.pace.is_paused}


def checked_rate(rate: float) -> float:
    """Give a number of orders per hour that there can be; `InvalidDocument` for any other."""
    if not (math.isfinite(rate) and 0 <= rate <= MOST_ORDERS):
        raise InvalidDocument(f"orders per hour must be from 0 to {MOST_ORDERS:g} (got {rate:g})")
    return float(rate)


def repeat_forgetting(world: World, step: Step) -> None:
    """Forget orders; `InvalidDocument` for a step that does not tell which."""
    orders = checked("forgotten-orders", step.body)["orders"]
    with world.transaction() as tx:
        forget_orders(tx, orders)
    world.render_cache.clear()
