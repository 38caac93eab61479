"""Changes of a world's clock and of its live traffic that users request."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from emulator.api.control.operations import validated_document
from emulator.api.serializers.rendering import render_cache
from emulator.core.errors import Conflict, InvalidDocument
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.traffic import delete_orders
from emulator.state.clock import CLOCK_MODES, MAX_SPEED, ClockMode, TrafficRate, check_calendar
from emulator.state.steps import Step
from emulator.state.world import World

FORGET_ORDERS = "forget_orders"
"""Name of the step that deletes old orders."""
MAX_ORDERS_PER_HOUR = 36_000.0
"""Ten orders per second."""


def set_clock(world: World, mode: str | None = None, now: datetime | None = None, speed: float | None = None) -> None:
    """Set the mode, the time or the speed of the clock. Events that are due between the times do not happen.

    Raise `InvalidDocument` for an unknown mode or an impossible time. Raise `Conflict` for a time of a real clock,
    and for a speed of a clock that does not tick.
    """
    known: ClockMode | None = next((name for name in CLOCK_MODES if name == (mode or world.clock.mode)), None)
    if known is None:
        raise InvalidDocument(f"unknown mode {mode!r}", CLOCK_MODES, mode)
    if known == "real" and now is not None:
        raise Conflict("a real clock cannot be set; modes that can be set: frozen, ticking")
    if speed is not None and known != "ticking":
        raise Conflict(f"a {known} clock has no speed; only a ticking clock has one")
    # Python callers skip the schema of the control API, which also checks it.
    if speed is not None and not 0 < speed <= MAX_SPEED:
        raise InvalidDocument(f"speed must be greater than 0 and at most {MAX_SPEED} (got {speed!r})")
    world.set_clock(known, None if now is None else require_within_calendar(now), speed)


def advance_clock(world: World, by: timedelta | None = None, to: datetime | None = None) -> None:
    """Advance the clock by a duration, to a time, or to the next due time. Due events happen in order.

    Raise `InvalidDocument` for an impossible time. Raise `Conflict` for a time in the past, for a real clock, and if
    nothing is due.
    """
    if world.clock.mode == "real":
        raise Conflict("a real clock cannot be advanced; modes that can be advanced: frozen, ticking")
    if by is not None and by < timedelta(0):
        raise InvalidDocument(f"seconds must be at least 0 (got {by.total_seconds():g}); use PUT clock to go back")
    if to is not None and to < world.clock.now():
        raise Conflict(f"the clock of world {world.name} is already past {to.isoformat()}; use PUT clock to go back")
    if to is None and by is None and (to := world.schedule.next_due()) is None:
        raise Conflict(f"world {world.name} has no scheduled event")
    if to is not None:
        world.advance(require_within_calendar(to))
    elif by is not None:
        add_duration(world.clock.now(), by)
        world.advance(by=by)


DURATION_UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
"""Keyword arguments of `timedelta`."""


def build_duration(**units: float) -> timedelta:
    """Return a duration in the units of `timedelta`. Raise `InvalidDocument` for one that is too long."""
    if unknown := [unit for unit in units if unit not in DURATION_UNITS]:
        raise InvalidDocument(f"unknown unit {unknown[0]!r} of a duration", DURATION_UNITS, unknown[0])
    try:
        return timedelta(**units)
    except (ValueError, OverflowError):
        given = ", ".join(f"{count!s:.20} {unit}" for unit, count in units.items() if count)
        raise InvalidDocument(f"{given}: not a valid duration, or longer than the calendar allows") from None


def add_duration(now: datetime, by: timedelta) -> datetime:
    """Return a later time if a world's clock can show it, or raise `InvalidDocument`."""
    try:
        return require_within_calendar(now + by)
    except OverflowError:
        raise InvalidDocument(f"{by.total_seconds():g} seconds from now is after the end of the calendar") from None


def require_within_calendar(at: datetime) -> datetime:
    """Return the time if a world's clock can show it, or raise `InvalidDocument`."""
    try:
        return check_calendar(at)
    except ValueError as error:
        raise InvalidDocument(str(error)) from None


def parse_time(text: str) -> datetime:
    """Parse a date and time. One without an offset is UTC. Raise `InvalidDocument` if it is not valid."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidDocument(f"{text!r} is not a date and time: {error}") from None


def set_traffic_rate(world: World, document: JsonValue) -> JsonObject:
    """Set the rate, or pause and resume the traffic. Orders that are due during a pause are not placed later."""
    changes = validated_document("live", document)
    current = world.schedule.rate
    rate = TrafficRate(
        changes.get("orders_per_hour", current.orders_per_hour), changes.get("paused", current.is_paused)
    )
    if rate != current:
        world.set_traffic_rate(rate)
    return rate_document(world)


def rate_document(world: World) -> JsonObject:
    """Return the rate as the control API shows it."""
    rate = world.schedule.rate
    return {"orders_per_hour": rate.orders_per_hour, "paused": rate.is_paused}


def validate_rate(rate: float) -> float:
    """Return a valid number of orders per hour, or raise `InvalidDocument`."""
    if not (math.isfinite(rate) and 0 <= rate <= MAX_ORDERS_PER_HOUR):
        raise InvalidDocument(f"orders per hour must be from 0 to {MAX_ORDERS_PER_HOUR:g} (got {rate:g})")
    return float(rate)


def replay_order_deletion(world: World, step: Step) -> None:
    """Delete orders again. Raise `InvalidDocument` for a step that does not name them."""
    orders = validated_document("forgotten-orders", step.body)["orders"]
    with world.transaction() as tx:
        delete_orders(tx, orders)
    render_cache(world).clear()
