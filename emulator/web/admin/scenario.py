"""The scenario that a world started from: shown, changed, and the world as a scenario of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from emulator.core.refusals import InvalidDocument
from emulator.core.scenario import Scenario
from emulator.core.world import World
from emulator.exporting import as_file, exported
from emulator.handlers.control import checked
from emulator.rules.installation import title_of
from emulator.rules.scenarios import as_text, bundled, from_document, misfit
from emulator.rules.scenarios import scenario as find_scenario
from emulator.web.admin.documents import answered, asked_document
from emulator.web.admin.here import Here


def add_scenario(pages: Blueprint, here: Here) -> None:
    @pages.get("/scenario")
    def scenario() -> Response:
        return answered(scenario_document(here.world()))

    @pages.put("/scenario")
    def put_scenario() -> Response:
        asked = start_wanted("scenario-wanted", asked_document())
        here.world()
        loaded = asked_scenario(asked, here.worlds.scenario)
        return answered(scenario_document(here.worlds.put(here.name, loaded)))

    @pages.get("/scenarios")
    def scenarios() -> Response:
        found = [{"name": one.name, "description": one.description} for one in bundled().values()]
        return answered({"count": len(found), "results": found})

    @pages.get("/export")
    def export() -> Response:
        return answered(as_file(exported(here.world())))


def start_wanted(schema: str, asked: Any) -> Mapping[str, Any]:
    """Give what a world is to start from if it fits its schema; a scenario's document in it stays as it came."""
    if not isinstance(asked, dict) or not isinstance(asked.get("document"), dict):
        return checked(schema, asked)
    return {**checked(schema, asked | {"document": {}}), "document": asked["document"]}


def asked_scenario(asked: Mapping[str, Any], usual: Scenario) -> Scenario:
    """Give the scenario that a document asks for: by name, as a document, or the usual one."""
    if "document" in asked:
        if wrong := misfit(asked["document"]):
            raise InvalidDocument(f"document: {wrong}")
        return from_document(asked["document"])
    name = asked.get("scenario", asked.get("name"))
    found = usual if name is None else find_scenario(name)
    return found.sized(asked.get("packages"), asked.get("seed"))


def scenario_document(world: World) -> dict[str, Any]:
    settings = world.settings
    source = settings.source
    found = {
        "name": settings.scenario,
        "description": source.description,
        "installation": title_of(settings.installation),
        "packages": source.packages,
        "seed": settings.seed,
        "clock": as_text(settings.start),
        "language": settings.language,
        "error_style": settings.error_style,
        "steps": len(source.steps),
    }
    return found if settings.request is None else found | {"request": settings.request}
