"""Control API: worlds, their scenarios and snapshots, and undo."""

from __future__ import annotations

from flask import Response

from emulator.api.control.operations import validated_document
from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.version import __version__
from emulator.domain.installation import display_name
from emulator.domain.scenario_files import (
    bundled_scenarios,
    check_client_installation,
    check_client_path,
    find_scenario,
    scenario_from_document,
    schema_problem,
)
from emulator.state.clock import format_time
from emulator.state.persistence import WorldSnapshot
from emulator.state.scenario import Scenario
from emulator.state.world import World
from emulator.web.admin.shared import (
    api,
    compact_json,
    current_world,
    json_response,
    list_response,
    no_content,
    parse_bool,
    query_parameters,
    read_document,
    read_optional_document,
    require_no_document,
    world_name,
    world_registry,
)
from emulator.worlds.loading.scenarios import encode_scenario_file, export_world
from emulator.worlds.registry import validated_name


@api.get("/health")
def health() -> Response:
    world = current_world()
    return compact_json(
        {
            "status": "ok",
            "version": __version__,
            "world": world_name(),
            "scenario": world.settings.source.name,
            "seed": world.settings.source.seed,
            "now": format_time(world.clock.now()),
        }
    )


@api.post("/reset")
def reset() -> Response:
    require_no_document()
    world_registry().reset(world_name())
    return no_content()


@api.get("/worlds")
def list_worlds() -> Response:
    return list_response([world_document(name, world_registry().get(name, using=False)) for name in world_registry()])


@api.put("/worlds/<name>")
def put_world(name: str) -> Response:
    document = validated_start("world", read_optional_document())
    is_new = validated_name(name) not in world_registry()
    world = create_world(name, document)
    return json_response(world_document(name, world), 201 if is_new else 200)


@api.delete("/worlds/<name>")
def delete_world(name: str) -> Response:
    world_registry().delete(name)
    return no_content()


@api.get("/scenario")
def scenario() -> Response:
    return json_response(scenario_document(current_world()))


@api.put("/scenario")
def put_scenario() -> Response:
    document = validated_start("scenario-wanted", read_document())
    current_world()
    loaded = requested_scenario(document, world_registry().scenario)
    return json_response(scenario_document(world_registry().create(world_name(), loaded)))


@api.get("/scenarios")
def scenarios() -> Response:
    return list_response([{"name": one.name, "description": one.description} for one in bundled_scenarios().values()])


@api.get("/export")
def export() -> Response:
    with_secrets = parse_bool("with_secrets", query_parameters("with_secrets").get("with_secrets", "false"))
    return json_response(encode_scenario_file(export_world(current_world(), with_secrets=with_secrets)))


@api.get("/snapshots")
def list_snapshots() -> Response:
    return list_response(
        [snapshot_document(name, snapshot) for name, snapshot in list(current_world().snapshots.items())]
    )


@api.put("/snapshots/<name>")
def take_snapshot(name: str) -> Response:
    require_no_document()
    return json_response(
        snapshot_document(name, current_world().take_snapshot(validated_name(name, "snapshot"))), 201
    )


@api.post("/snapshots/<name>/restore")
def restore_snapshot(name: str) -> Response:
    require_no_document()
    world = current_world()
    snapshot = world.snapshots[name]
    world.restore(snapshot)
    return json_response(snapshot_document(name, snapshot))


@api.post("/undo")
def undo() -> Response:
    require_no_document()
    return json_response({"undone": current_world().undo()})


def validated_start(schema: str, document: JsonValue) -> JsonObject:
    """Validate a document that describes the start of a world. A scenario document inside it is not changed."""
    if not isinstance(document, dict) or not isinstance(document.get("document"), dict):
        return validated_document(schema, document)
    return {**validated_document(schema, document | {"document": {}}), "document": document["document"]}


def requested_scenario(document: JsonObject, default: Scenario) -> Scenario:
    """Return the scenario that a document selects: by name, as a scenario document, or the default one."""
    if "document" in document:
        if problem := schema_problem(document["document"]):
            raise InvalidDocument(f"document: {problem}")
        check_client_installation(document["document"].get("installation"), default)
        return scenario_from_document(document["document"])
    name = document.get("scenario", document.get("name"))
    if name is not None:
        check_client_path(name, default)
    selected = default if name is None else find_scenario(name)
    return selected.with_size(document.get("packages"), document.get("seed"))


def create_world(name: str, document: JsonObject) -> World:
    """Create the world that a document describes: a branch of a world or snapshot, or a scenario."""
    worlds = world_registry()
    if "world" in document:
        return worlds.branch(name, worlds.get(document["world"]))
    if "snapshot" in document:
        origin = current_world()
        return worlds.branch(name, origin, origin.snapshots[document["snapshot"]])
    return worlds.create(name, requested_scenario(document, worlds.scenario))


def world_document(name: str, world: World) -> JsonObject:
    source = world.settings.source
    return {
        "name": name,
        "scenario": source.name,
        "seed": source.seed,
        "packages": source.packages,
        "clock": world.clock.mode,
        "now": format_time(world.clock.now()),
        "steps": len(world.steps),
        "requests": len(world.journal),
        "snapshots": len(world.snapshots),
    }


def scenario_document(world: World) -> JsonObject:
    source = world.settings.source
    document = {
        "name": source.name,
        "description": source.description,
        "installation": display_name(source.installation),
        "packages": source.packages,
        "seed": source.seed,
        "clock": format_time(source.start),
        "language": world.settings.language,
        "error_style": source.error_style,
        "steps": len(source.steps),
    }
    return document if source.request is None else document | {"request": source.request}


def snapshot_document(name: str, snapshot: WorldSnapshot) -> JsonObject:
    return {"name": name, "now": format_time(snapshot.now), "steps": len(snapshot.steps)}
