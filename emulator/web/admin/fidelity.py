"""`GET /__admin/fidelity`: how sure each behaviour is, and why where it is assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify

from emulator.core.records import Package, TransferOrder
from emulator.core.world import World
from emulator.routes import ROUTES
from emulator.rules.commands import COMMANDS
from emulator.rules.filters import FILTER_SETS
from emulator.web.admin.graph import graph_of

FILE = Path(__file__).parent.parent.parent / "fixtures" / "fidelity.json"
SUBJECTS: dict[str, type[Any]] = {"package": Package, "transfer_order": TransferOrder}
ANY = "*"
"""Stands for every operation."""

Row = dict[str, Any]


def add_fidelity(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/fidelity")
    def fidelity() -> Response:
        present = world()
        graph = graph_of(present.root, present.settings.installation, present.settings.language)
        return jsonify({**fidelity_of(), **of_graph(graph)})


def fidelity_of() -> dict[str, list[Row]]:
    """Give what is known of operations, statuses, shapes, webhooks, the live demo, filters and commands."""
    return {
        "operations": list(operations()),
        "statuses": list(statuses()),
        "shapes": [{"shape": name, **note} for name, note in notes()["shapes"].items()],
        "webhooks": [{"rule": rule, **note} for rule, note in notes()["webhooks"].items()],
        "live": [{"rule": rule, **note} for rule, note in notes()["live"].items()],
        "filters": list(filters()),
        "commands": list(commands()),
    }


def of_graph(graph: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Give the states and transitions of a graph, each with the part that it belongs to."""
    return {
        key: [{"of": part, **row} for part, found in graph.items() for row in found[key]]
        for key in ("states", "transitions")
    }


@cache
def notes() -> Any:
    return orjson.loads(FILE.read_bytes())


def operations() -> Iterator[Row]:
    for route in ROUTES:
        row = {"operation": route.operation, "method": route.method, "path": route.path, "doc": route.doc}
        yield row | notes()["operations"][route.operation]


def filters() -> Iterator[Row]:
    """Give each list's filters, as its table has them."""
    for name, table in FILTER_SETS.items():
        operations = [route.operation for route in ROUTES if route.filters == name]
        for one in table.filters:
            row = {"name": one.name, "aliases": list(one.aliases), "type": one.type, "lookup": one.lookup}
            why = {"reason" if one.provenance == "assumed" else "note": one.reason} if one.reason else {}
            yield {"operations": operations, **row, "doc": one.doc, "provenance": one.provenance, **why}


def statuses() -> Iterator[Row]:
    for operation, found in notes()["statuses"].items():
        yield from ({"operation": operation, "status": int(status), **note} for status, note in found.items())


def commands() -> Iterator[Row]:
    """Give each command with its parameters, in the order of their tables."""
    for subject, kind in SUBJECTS.items():
        for code, command in COMMANDS[kind].items():
            note = dict(notes()["commands"][subject][code])
            told = note.pop("parameters")
            parameters = [
                {"name": name, "type": type(field).__name__, "required": getattr(field, "required", True)}
                | told[name]
                for name, field in command.parameters.items()
            ]
            yield {"of": subject, "command": code, "parameters": parameters, **note}
