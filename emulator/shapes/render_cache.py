"""Finds the cache of rendered documents that a world uses."""

from __future__ import annotations

from emulator.core.world import World
from emulator.shapes.reading import Kept


def render_cache(world: World) -> Kept:
    """Return the cache that all worlds of one base share. It is kept with the base, for the scenario's settings."""
    settings, derived = world.settings, world.base.derived
    key = Kept, settings.language, settings.base_url
    cache: Kept | None = derived.get(key)
    if cache is None:
        cache = derived.setdefault(key, Kept(settings.language, settings.base_url))
    return cache
