"""Snapshots of a world, by name."""

from __future__ import annotations

from emulator.core.keeping import keep_snapshot
from emulator.core.refusals import Conflict, UnknownRecord
from emulator.core.world import Moment, World

MOST_SNAPSHOTS = 1_000


def take(world: World, name: str) -> Moment:
    """Keep what a world is now under a name; an earlier snapshot of the name is replaced. `Conflict` at too many."""
    if len(world.snapshots) >= MOST_SNAPSHOTS and name not in world.snapshots:
        raise Conflict(f"world {world.name} already has {MOST_SNAPSHOTS} snapshots, which is the maximum")
    return keep_snapshot(world, name)


def snapshot_named(world: World, name: str) -> Moment:
    """Give what a world kept under a name; `UnknownRecord` if it kept nothing."""
    try:
        return world.snapshots[name]
    except KeyError:
        raise UnknownRecord(f"no snapshot with the name {name!r}", list(world.snapshots)) from None
