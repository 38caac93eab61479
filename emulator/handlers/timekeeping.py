"""A world's clock as people set it: modes, times, and what is due on the way there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from emulator.core.refusals import Conflict, InvalidDocument
from emulator.core.sources import CLOCK_MODES, MOST_SPEED, ClockMode, within_calendar
from emulator.core.world import World


def keep_time(world: World, mode: str | None = None, now: datetime | None = None, speed: float | None = None) -> None:
    """Let the clock go on in a mode, from a time, at a speed. Going back does nothing anew, going on nothing due.

    `InvalidDocument` for an unknown mode and a time that no world has; `Conflict` for a time set on a real clock,
    and for a speed of one that does not tick.
    """
    known: ClockMode | None = next((each for each in CLOCK_MODES if each == (mode or world.clock.mode)), None)
    if known is None:
        raise InvalidDocument(f"unknown mode {mode!r}", CLOCK_MODES)
    if known == "real" and now is not None:
        raise Conflict("a real clock cannot be set; modes that can be set: frozen, ticking")
    if speed is not None and known != "ticking":
        raise Conflict(f"a {known} clock has no speed; only a ticking clock has one")
    if speed is not None and not 0 < speed <= MOST_SPEED:  # the schema says so first, but not to Python
        raise InvalidDocument(f"speed must be greater than 0 and at most {MOST_SPEED} (got {speed!r})")
    world.set_time(known, None if now is None else possible(now), speed)


def advance(world: World, by: timedelta | None = None, to: datetime | None = None) -> None:
    """Move the clock on by a while, to a time, or to the next event; what is due on the way happens in its order.

    `InvalidDocument` for a time that no world has; `Conflict` for one that has passed, for a real clock, and when
    there is no next event.
    """
    if world.clock.mode == "real":
        raise Conflict("a real clock cannot be advanced; modes that can be advanced: frozen, ticking")
    if by is not None and by < timedelta(0):
        raise InvalidDocument(f"seconds must be at least 0 (got {by.total_seconds():g}); use PUT clock to go back")
    if to is not None and to < world.clock.now():
        raise Conflict(f"the clock of world {world.name} is already past {to.isoformat()}; use PUT clock to go back")
    if to is None and by is None and (to := world.next_event()) is None:
        raise Conflict(f"world {world.name} has no scheduled event")
    world.advance(possible(to) if to is not None else later(world.clock.now(), by or timedelta(0)))


def while_of(**units: float) -> timedelta:
    """Give a while in the units of `timedelta`; `InvalidDocument` if it is none, or longer than any calendar."""
    try:
        return timedelta(**units)
    except (ValueError, OverflowError):
        given = ", ".join(f"{count!s:.20} {unit}" for unit, count in units.items() if count)
        raise InvalidDocument(f"{given}: not a valid duration, or longer than the calendar allows") from None


def later(now: datetime, by: timedelta) -> datetime:
    try:
        return possible(now + by)
    except OverflowError:
        raise InvalidDocument(f"{by.total_seconds():g} seconds from now is after the end of the calendar") from None


def possible(at: datetime) -> datetime:
    """Give the time if a world's clock may have it."""
    try:
        return within_calendar(at)
    except ValueError as error:
        raise InvalidDocument(str(error)) from None


def moment(text: str) -> datetime:
    """Give the time that a text names; one without an offset is UTC. `InvalidDocument` if it names none."""
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise InvalidDocument(f"{text!r} is not a date and time: {error}") from None


def in_utc(at: datetime) -> datetime:
    """Give the same time in UTC; one without an offset is in UTC."""
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
