"""The state graphs that a report needs, as plain values that a coverage file can hold."""

from __future__ import annotations

from typing import Any

from emulator.core.bases import Base, TableBase
from emulator.core.records import State, Transition
from emulator.core.store import Root
from emulator.rules import installation
from emulator.rules.graph import COMMAND, KINDS, name_of, row_of, states_of, transitions_of

Graph = dict[str, Any]


def graph_of(name: str, base: Base | None = None) -> Graph:
    """Return the graphs of packages and of transfer orders, from a base or from the installation of this name."""
    view = Root(base or TableBase(installation.load(name)), {})
    graph: Graph = {"installation": name}
    for part, (kind, enum_class) in KINDS.items():
        states = states_of(view, kind, enum_class)
        transitions = [transition_row(view, transition) for transition in transitions_of(view, states)]
        graph[part] = {"states": [state_row(state) for state in states], "transitions": transitions}
    return graph


def default_graph() -> Graph:
    return graph_of(installation.DEFAULT)


def state_row(state: State) -> dict[str, Any]:
    return {"id": state.id, "name": state.name, "value": state.enum_value}


def transition_row(view: Root, transition: Transition) -> dict[str, Any]:
    return {"name": name_of(view, transition), **row_of(transition)}


def command_transitions(graph: Graph, part: str) -> list[dict[str, Any]]:
    """Return the transitions that commands of the API run, without those of carrier, planner and operator."""
    return [transition for transition in graph[part]["transitions"] if transition["actor"] == COMMAND]
