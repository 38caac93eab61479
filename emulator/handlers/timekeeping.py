"""A world's clock as people set it: modes, times, and what is due on the way there."""

from __future__ import annotations

from datetime import datetime, timedelta

from emulator.core.refusals import Conflict, InvalidDocument
from emulator.core.sources import CLOCK_MODES, ClockMode
from emulator.core.world import World


def keep_time(world: World, mode: str | None = None, now: datetime | None = None) -> None:
    """Let the clock go on in a mode, or from a time, or both. Going back does nothing anew, going on nothing due.

    `InvalidDocument` for an unknown mode, `Conflict` for a time that is set on a real clock.
    """
    known: ClockMode | None = next((each for each in CLOCK_MODES if each == (mode or world.clock.mode)), None)
    if known is None:
        raise InvalidDocument(f"unknown mode {mode!r}", CLOCK_MODES)
    if known == "real" and now is not None:
        raise Conflict("a real clock is the machine's and cannot be set; modes that can: frozen, ticking")
    with world.lock:
        world.clock.become(known, now or world.clock.now())


def advance(world: World, by: timedelta | None = None, to: datetime | None = None) -> None:
    """Move the clock on by a while, to a time, or to the next event; what is due on the way happens in its order.

    `InvalidDocument` for a time that has passed or that no calendar has; `Conflict` for a real clock, and when there
    is no next event.
    """
    if world.clock.mode == "real":
        raise Conflict("a real clock is the machine's and cannot be moved; modes that can: frozen, ticking")
    if by is not None and by < timedelta(0):
        raise InvalidDocument(f"seconds must be 0 or more, not {by.total_seconds():g}; PUT clock sets it back")
    if to is None and by is None and (to := world.next_event()) is None:
        raise Conflict(f"nothing is due in world {world.name}, so there is no next event")
    try:
        world.advance(to if to is not None else world.clock.now() + (by or timedelta(0)))
    except OverflowError:
        raise InvalidDocument("that is beyond the last year of the calendar") from None
