"""The state graphs that a report needs, as plain values that a coverage file can hold."""

from __future__ import annotations

from typing import Any

from emulator.core.bases import Base, TableBase
from emulator.core.records import State, Transition
from emulator.core.store import Root
from emulator.rules import installation
from emulator.rules.graph import COMMAND, KINDS, states_of_kind, transition_name, transition_summary, transitions_from

Graph = dict[str, Any]


def graph_of(name: str, base: Base | None = None) -> Graph:
    """Return the graphs of packages and of transfer orders, from a base or from the installation of this name."""
    view = Root(base or TableBase(installation.load_installation(name)), {})
    graph: Graph = {"installation": name}
    for part, (kind, enum_class) in KINDS.items():
        states = states_of_kind(view, kind, enum_class)
        transitions = [transition_row(view, transition) for transition in transitions_from(view, states)]
        graph[part] = {"states": [state_row(state) for state in states], "transitions": transitions}
    return graph


def default_graph() -> Graph:
    return graph_of(installation.DEFAULT)


def state_row(state: State) -> dict[str, Any]:
    return {"id": state.id, "name": state.name, "value": state.enum_value}


def transition_row(view: Root, transition: Transition) -> dict[str, Any]:
    return {"name": transition_name(view, transition), **transition_summary(transition)}


def command_transitions(graph: Graph, part: str) -> list[dict[str, Any]]:
    """Return the transitions that commands of the API run, without those of carrier, planner and operator."""
    return [transition for transition in graph[part]["transitions"] if transition["actor"] == COMMAND]
