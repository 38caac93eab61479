"""What is kept of a world beside its writes: snapshots, and what was counted of calls that wrote nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from emulator.core.faults import Counted, Faults
from emulator.core.moments import Moment
from emulator.core.refusals import NotKept
from emulator.core.world import World, at_once


def keep_snapshot(world: World, name: str) -> Moment:
    """Keep what a world is now under a name, in place of what was kept under it."""
    with world.lock:
        moment = world.moment()
        safe = at_once if world.keeper is None else world.keeper.keep_snapshot(world, name, moment)
        world.snapshots[name] = moment
    safe()
    return moment


def keep_faults(world: World) -> None:
    """Keep which faults are armed."""
    if world.keeper is not None:
        with world.lock:
            safe = world.keeper.keep_faults(world)
        safe()


def keep_counts(world: World, faults: Faults, counted: Sequence[Counted]) -> None:
    """Keep how often faults were met. Where nothing can be kept any more, calls go on."""
    if world.keeper is not None and counted:
        with suppress(NotKept):
            with world.lock:
                safe = world.keeper.keep_counts(world, counted) if world.faults is faults else at_once
            safe()


def keep_calls(world: World) -> None:
    """Keep which limited calls were counted. Where nothing can be kept any more, calls go on."""
    if world.keeper is not None:
        with suppress(NotKept):
            with world.lock:
                safe = world.keeper.keep_time(world)
            safe()
