"""Control API: stories, and the worlds that show them."""

from __future__ import annotations

from functools import lru_cache
from itertools import count

from flask import Response, request

from emulator.api.serializers.events import record_events
from emulator.core.errors import UnknownRecord
from emulator.core.json_text import JsonObject
from emulator.loading.stories import PreparedStory, find_story, prepare_story, stories
from emulator.state.world import WorldServices
from emulator.web.admin.shared import api, json_response, require_no_document, world_name, world_registry
from emulator.web.app import WORLD_PREFIX
from emulator.webhooks import WebhookDispatcher

STORY_WORLD = "story-"
"""Prefix of the names of worlds that show a story. A chapter replaces the state of such a world."""


@lru_cache(maxsize=4)
def prepared_story(name: str) -> PreparedStory:
    """Return a story whose steps ran once. The receiver in the process accepts its webhooks."""
    return prepare_story(name, WorldServices(record_events, sender=WebhookDispatcher(has_demo_receiver=True).sender))


@api.get("/stories")
def list_stories() -> Response:
    results = [
        {"name": name, "title": story["title"], "description": story.get("description", "")}
        | {"chapters": [chapter["title"] for chapter in story["chapters"]]}
        for name, story in stories().items()
    ]
    return json_response({"count": len(results), "results": results})


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
