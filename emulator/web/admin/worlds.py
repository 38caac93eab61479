"""The worlds of the server: listed, made, replaced, deleted, started anew."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.rules.scenarios import as_text
from emulator.web.admin.documents import answered, asked_or_empty, nothing
from emulator.web.admin.here import Here
from emulator.web.admin.scenario import asked_scenario, start_wanted
from emulator.worlds import Worlds, checked_name


def add_worlds(pages: Blueprint, here: Here) -> None:
    worlds = here.worlds

    @pages.post("/reset")
    def reset() -> Response:
        worlds.reset(here.name)
        return nothing()

    @pages.get("/worlds")
    def list_worlds() -> Response:
        found = [world_document(name, worlds.named(name, using=False)) for name in worlds]
        return answered({"count": len(found), "results": found})

    @pages.put("/worlds/<name>")
    def put_world(name: str) -> Response:
        asked = start_wanted("world", asked_or_empty())
        is_new = checked_name(name) not in worlds
        return answered(world_document(name, made(worlds, name, asked, here)), 201 if is_new else 200)

    @pages.delete("/worlds/<name>")
    def delete_world(name: str) -> Response:
        worlds.delete(name)
        return nothing()


def made(worlds: Worlds, name: str, asked: Any, here: Here) -> World:
    """Make the world that a document describes."""
    if "world" in asked:
        return worlds.branch(name, worlds.named(asked["world"]))
    if "snapshot" in asked:
        origin = here.world()
        return worlds.branch(name, origin, origin.snapshots[asked["snapshot"]])
    return worlds.put(name, asked_scenario(asked, worlds.scenario))


def world_document(name: str, world: World) -> dict[str, Any]:
    settings = world.settings
    return {
        "name": name,
        "scenario": settings.scenario,
        "seed": settings.seed,
        "packages": settings.source.packages,
        "clock": world.clock.mode,
        "now": as_text(world.clock.now()),
        "steps": len(world.steps),
        "requests": len(world.journal),
        "snapshots": len(world.snapshots),
    }
