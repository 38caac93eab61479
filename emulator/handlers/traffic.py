"""The rate of a world's generated traffic, and the removal of finished orders."""

from __future__ import annotations

import math
from typing import Any

from emulator.core.refusals import InvalidDocument
from emulator.core.schedule import TrafficRate
from emulator.core.steps import Step
from emulator.core.world import World
from emulator.handlers.control import validated_document
from emulator.rules.forgetting import delete_orders
from emulator.shapes.cache import render_cache

FORGET = "forget_orders"
MAX_ORDERS_PER_HOUR = 36_000.0
"""Ten orders per second."""


def set_rate(world: World, document: Any) -> dict[str, Any]:
    """Set the rate, or pause and resume the traffic. What was due during a pause does not happen later."""
    asked = validated_document("live", document)
    present = world.schedule.rate
    rate = TrafficRate(
        asked.get("orders_per_hour", present.orders_per_hour),
        asked.get("paused", present.is_paused),
    )
    if rate != present:
        world.set_traffic_rate(rate)
    return rate_document(world)


def rate_document(world: World) -> dict[str, Any]:
    """Return the rate as the control API shows it."""
    rate = world.schedule.rate
    return {"orders_per_hour": rate.orders_per_hour, "paused": rate.is_paused}


def checked_rate(rate: float) -> float:
    """Return a valid number of orders per hour, or raise `InvalidDocument`."""
    if not (math.isfinite(rate) and 0 <= rate <= MAX_ORDERS_PER_HOUR):
        raise InvalidDocument(f"orders per hour must be from 0 to {MAX_ORDERS_PER_HOUR:g} (got {rate:g})")
    return float(rate)


def replay_forgetting(world: World, step: Step) -> None:
    """Forget orders. Raise `InvalidDocument` for a step that does not name them."""
    orders = validated_document("forgotten-orders", step.body)["orders"]
    with world.transaction() as tx:
        delete_orders(tx, orders)
    render_cache(world).clear()
