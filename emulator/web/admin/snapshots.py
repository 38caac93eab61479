"""Snapshots of a world, and undo."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from emulator.core.snapshots import WorldSnapshot
from emulator.rules.scenarios import as_text
from emulator.web.admin.documents import answered, no_document
from emulator.web.admin.here import Here
from emulator.worlds import checked_name


def add_snapshots(pages: Blueprint, here: Here) -> None:
    @pages.get("/snapshots")
    def list_snapshots() -> Response:
        kept = [snapshot_document(name, snapshot) for name, snapshot in here.world().snapshots.items()]
        return answered({"count": len(kept), "results": kept})

    @pages.put("/snapshots/<name>")
    def take_snapshot(name: str) -> Response:
        no_document()
        return answered(snapshot_document(name, here.world().take_snapshot(checked_name(name, "snapshot"))), 201)

    @pages.post("/snapshots/<name>/restore")
    def restore_snapshot(name: str) -> Response:
        no_document()
        world = here.world()
        snapshot = world.snapshots[name]
        world.restore(snapshot)
        return answered(snapshot_document(name, snapshot))

    @pages.post("/undo")
    def undo() -> Response:
        no_document()
        return answered({"undone": here.world().undo()})


def snapshot_document(name: str, snapshot: WorldSnapshot) -> dict[str, Any]:
    return {"name": name, "now": as_text(snapshot.now), "steps": len(snapshot.steps)}
