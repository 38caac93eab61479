"""The state graphs that a report needs: read from an installation once, then plain values that a file can hold."""

from __future__ import annotations

from typing import Any

from emulator.core.bases import Base, TableBase
from emulator.core.records import State, Transition
from emulator.core.store import Root
from emulator.rules import installation
from emulator.rules.graph import COMMAND, KINDS, name_of, row_of, states_of, transitions_of

Graph = dict[str, Any]


def graph_of(name: str, base: Base | None = None) -> Graph:
    """Give the graphs of packages and of transfer orders in a base, or else in the installation of this name; each
    transition with what it is called in reports.
    """
    view = Root(base or TableBase(installation.load(name)), {})
    found: Graph = {"installation": name}
    for part, (kind, enum_class) in KINDS.items():
        states = states_of(view, kind, enum_class)
        moves = [move_row(view, each) for each in transitions_of(view, states)]
        found[part] = {"states": [state_row(each) for each in states], "transitions": moves}
    return found


def default_graph() -> Graph:
    return graph_of(installation.DEFAULT)


def state_row(state: State) -> dict[str, Any]:
    return {"id": state.id, "name": state.name, "value": state.enum_value}


def move_row(view: Root, transition: Transition) -> dict[str, Any]:
    return {"name": name_of(view, transition), **row_of(transition)}


def commanded(graph: Graph, part: str) -> list[dict[str, Any]]:
    """Give the transitions of a graph that commands take: carrier, planner and operator move without the API."""
    return [each for each in graph[part]["transitions"] if each["actor"] == COMMAND]
