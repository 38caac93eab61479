"""Stories: demonstrations in chapters, the calls that show them, and the worlds in which they happen.

Each chapter has a snapshot, from which a world can start.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

from flask import Response, request

from emulator.api.serializers.events import record_events
from emulator.core import json_text
from emulator.core.errors import UnknownRecord
from emulator.core.json_text import JsonObject
from emulator.core.records import Package
from emulator.domain.scenario_files import find_scenario
from emulator.domain.state_graph import offered_transitions, slug_or_label
from emulator.state.persistence import WorldSnapshot
from emulator.state.steps import Step
from emulator.state.world import World, WorldServices
from emulator.web.admin.shared import (
    api,
    json_response,
    list_response,
    require_no_document,
    world_name,
    world_registry,
)
from emulator.web.app import WORLD_PREFIX
from emulator.worlds.loading.scenarios import (
    DEFAULT_USER,
    UnreplayableStep,
    replay_step,
    settings_of,
    starting_snapshot,
)
from emulator.worlds.webhooks import WebhookDispatcher

FOLDER = Path(__file__).parents[2] / "fixtures" / "stories"
STORY_WORLD = "story-"
"""Prefix of the names of worlds that show a story. A chapter replaces the state of such a world."""


# Calls


@api.get("/stories")
def list_stories() -> Response:
    results = [
        {"name": name, "title": story["title"], "description": story.get("description", "")}
        | {"chapters": [chapter["title"] for chapter in story["chapters"]]}
        for name, story in stories().items()
    ]
    return list_response(results)


@api.get("/stories/<name>")
def get_story(name: str) -> Response:
    story, prepared = find_story(name), prepared_story(name)
    chapters = [
        {**chapter, "show": chapter.get("show", "overview").format_map(state.packages)}
        for chapter, state in zip(story["chapters"], prepared.chapters, strict=True)
    ]
    return json_response({"name": name, **story, "chapters": chapters})


@api.post("/stories/<name>/<int:chapter>")
def open_chapter(name: str, chapter: int) -> Response:
    """Show a chapter: in the addressed world if it shows a story, otherwise in a new world."""
    require_no_document()
    return json_response(show_chapter(name, chapter))


@api.get("/stories/<name>/<int:chapter>/open")
def open_link(name: str, chapter: int) -> Response:
    """Create a world at a chapter, and redirect to its inspector. It is the address to share."""
    document = show_chapter(name, chapter, is_new=True)
    response = json_response(document, 303)
    response.location = request.script_root.removesuffix(f"{WORLD_PREFIX}{world_name()}") + document["path"]
    return response


def show_chapter(name: str, number: int, *, is_new: bool = False) -> JsonObject:
    """Put a world into the state of a chapter. Return the name of the world and the path of its inspector."""
    find_story(name)
    prepared, worlds = prepared_story(name), world_registry()
    if not 1 <= number <= len(prepared.chapters):
        raise UnknownRecord(f"the story has the chapters 1 to {len(prepared.chapters)}, not {number}")
    target = world_name()
    if is_new or not target.startswith(STORY_WORLD):
        target = next(free for index in count(1) if (free := f"{STORY_WORLD}{index}") not in worlds)
    worlds.branch(target, prepared.world, prepared.chapters[number - 1].snapshot)
    return {"world": target, "path": f"{WORLD_PREFIX}{target}/__admin/ui/#/stories/{name}/{number}"}


# The worlds in which stories happen


class Chapter(NamedTuple):
    """The state of the world at a chapter."""

    snapshot: WorldSnapshot
    packages: Mapping[str, int]
    """Ids of the packages that the story names."""


class PreparedStory(NamedTuple):
    """A world in which the whole story has happened, and its states on the way."""

    world: World
    chapters: tuple[Chapter, ...]


@cache
def stories() -> Mapping[str, JsonObject]:
    """Return the documents of all stories by name."""
    return {path.stem: json_text.load_json(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def find_story(name: str) -> JsonObject:
    """Return the document of a story. Raise `UnknownRecord` if there is none."""
    if name not in stories():
        raise UnknownRecord(f"no story is named {name!r}", stories())
    return stories()[name]


def prepare_story(name: str, services: WorldServices) -> PreparedStory:
    """Run all steps of a story in a world that no server has."""
    story = find_story(name)
    scenario = find_scenario(story["scenario"])
    world = World(name, settings_of(scenario), starting_snapshot(scenario, "frozen"), services)
    packages: dict[str, int] = {}
    chapters = []
    for chapter in story["chapters"]:
        for step in chapter.get("steps", ()):
            run_step(world, step, packages)
        chapters.append(Chapter(world.snapshot(), dict(packages)))
    return PreparedStory(world, tuple(chapters))


def run_step(world: World, step: JsonObject, packages: dict[str, int]) -> None:
    """Run one step. An order adds its first package to the named packages."""
    if "advance" in step:
        world.advance(by=timedelta(seconds=step["advance"]))
    elif "order" in step:
        before = len(world.records.added_ids(Package))
        send(world, "control_make_order", step["order"])
        packages[step["as"]] = world.records.added_ids(Package)[before]
    elif "carrier" in step:
        send(world, "control_report_carrier", {"event": step["carrier"]}, pk=packages[step["of"]])
    else:
        pk = packages[step["of"]]
        slug = find_command(world, pk, step["command"])
        body = {"slug": slug, "input_parameters": step.get("parameters", {})}
        send(world, "command_package", body, pk=pk)


def send(world: World, operation: str, body: JsonObject, **path: int) -> None:
    replay_step(world, Step(operation, user=DEFAULT_USER, request_id=world.new_request_id(), path=path, body=body))


def find_command(world: World, package: int, code: str) -> str:
    """Return the slug of the first command with this code that the package allows."""
    state = world.records.get_existing(Package, package).state
    for transition in offered_transitions(world.records, state):
        if transition.command_code == code:
            return slug_or_label(transition)
    raise UnreplayableStep(f"package {package} does not allow {code}")


@lru_cache(maxsize=4)
def prepared_story(name: str) -> PreparedStory:
    """Return a story whose steps ran once. The receiver in the process accepts its webhooks."""
    return prepare_story(name, WorldServices(record_events, sender=WebhookDispatcher(has_demo_receiver=True).sender))
