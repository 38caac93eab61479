"""Control API: provenance of every behaviour, and the state graph of a world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response

from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES
from emulator.api.serializers.fields import state_name
from emulator.core.json_text import JsonObject
from emulator.core.records import Package, State, TransferOrder
from emulator.domain import installation
from emulator.domain.commands import COMMANDS
from emulator.domain.state_graph import STATE_GRAPHS, states_of_kind, transition_summary, transitions_from
from emulator.state.store import Reader
from emulator.web.admin.shared import api, compact_json, control_settings, current_world
from emulator.web.provenance import notes, provenance

SUBJECTS: dict[str, type[Any]] = {"package": Package, "transfer_order": TransferOrder}
ANY_OPERATION = "*"
"""All operations."""

FidelityRow = JsonObject


@api.get("/fidelity")
def fidelity() -> Response:
    world = current_world()
    graph = graph_document(world.records, world.settings.source.installation, world.settings.language)
    item_states = item_state_rows(world.records, world.settings.source.installation, world.settings.language)
    sections = {**fidelity_document(), **graph_rows(graph), "item_states": item_states}
    if (evidence := control_settings().evidence) is not None:
        sections = {part: [evidence.applied_to(part, row) for row in rows] for part, rows in sections.items()}
    return compact_json(sections)


def fidelity_document() -> dict[str, list[FidelityRow]]:
    """Return the provenance of everything that does not depend on the installation."""
    return {
        "operations": list(operation_rows()),
        "statuses": [
            {"operation": operation, "status": int(status), **note}
            for operation, rows in notes()["statuses"].items()
            for status, note in rows.items()
        ],
        "shapes": [{"shape": name, **note} for name, note in notes()["shapes"].items()],
        "webhooks": [{"rule": rule, **note} for rule, note in notes()["webhooks"].items()],
        "live": [{"rule": rule, **note} for rule, note in notes()["live"].items()],
        "protocol": [
            {"class": name, "rule": rule, **note}
            for name, rules in notes()["protocol"].items()
            for rule, note in rules.items()
        ],
        "filters": list(filter_rows()),
        "commands": list(command_rows()),
    }


def graph_rows(graph: JsonObject) -> dict[str, list[FidelityRow]]:
    """Return the states and transitions of a graph as flat lists."""
    return {
        key: [{"of": part, **row} for part, rows in graph.items() for row in rows[key]]
        for key in ("states", "transitions")
    }


def operation_rows() -> Iterator[FidelityRow]:
    for route in ROUTES:
        row = {"operation": route.operation, "method": route.method, "path": route.path, "doc": route.doc}
        yield row | notes()["operations"][route.operation]


def filter_rows() -> Iterator[FidelityRow]:
    """Yield the filters of each list operation."""
    for name, table in FILTER_SETS.items():
        names = [route.operation for route in ROUTES if route.filter_set == name]
        for each in table.filters:
            row = {"name": each.name, "aliases": list(each.aliases), "type": each.value_type, "lookup": each.lookup}
            reason = {"reason" if each.provenance == "assumed" else "note": each.reason} if each.reason else {}
            lookup = {} if each.lookup_provenance is None else {"lookup_provenance": each.lookup_provenance}
            yield {"operations": names, **row, "doc": each.doc, "provenance": each.provenance, **lookup, **reason}


def command_rows() -> Iterator[FidelityRow]:
    """Yield each command with its parameters, in the order of the tables."""
    for subject, kind in SUBJECTS.items():
        for code, command in COMMANDS[kind].items():
            note = dict(notes()["commands"][subject][code])
            parameter_notes = note.pop("parameters")
            parameters = [
                {"name": name, "type": type(field).__name__, "required": getattr(field, "required", True)}
                | parameter_notes[name]
                for name, field in command.parameters.items()
            ]
            yield {"of": subject, "command": code, "parameters": parameters, **note}


@api.get("/graph")
def graph() -> Response:
    world = current_world()
    return compact_json(graph_document(world.records, world.settings.source.installation, world.settings.language))


def graph_document(view: Reader, name: str, language: str) -> JsonObject:
    """Return the state graphs of packages and of transfer orders, with the number of records per state."""
    base = installation.complete_installation(name)
    return {
        part: {
            "states": [state_row(each, counts, language) | provenance(each, base) for each in states],
            "transitions": [
                transition_summary(each) | provenance(each, base) for each in transitions_from(view, states)
            ],
        }
        for part, (kind, enum_class) in STATE_GRAPHS.items()
        for states, counts in [(states_of_kind(view, kind, enum_class), count_by_state(view, kind))]
    }


def item_state_rows(view: Reader, name: str, language: str) -> list[FidelityRow]:
    """Return the states of records without a state graph: items, orders and shipments."""
    base = installation.complete_installation(name)
    graphs = {enum_class for _, enum_class in STATE_GRAPHS.values()}
    return [
        {"of": state.enum_class, "id": state.id, "name": state_name(state, language), "enum_value": state.enum_value}
        | provenance(state, base)
        for state in view.all(State)
        if state.enum_class not in graphs
    ]


def count_by_state(view: Reader, kind: type[Any]) -> Mapping[int, int]:
    """Return the number of records in each state."""
    counts: Counter[int] = Counter()
    for key, count in view.tally(kind).items():
        counts[key[-1] if isinstance(key, tuple) else key] += count
    return counts


def state_row(state: State, counts: Mapping[int, int], language: str) -> JsonObject:
    return {
        "id": state.id,
        "name": state_name(state, language),
        "enum_value": state.enum_value,
        "count": counts.get(state.id, 0),
    }
