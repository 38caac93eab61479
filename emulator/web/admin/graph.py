"""`GET /__admin/graph`: the states and transitions of a world, and how many records are in each state now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from emulator.core.records import State, Transition
from emulator.core.store import View
from emulator.core.world import World
from emulator.rules import installation
from emulator.rules.graph import KINDS, row_of, states_of, transitions_of
from emulator.rules.installation import Origin
from emulator.shapes.fields import state_name

BY_ID = Origin("assumed", "recorded answers show its id alone")
SHOWN = Origin("observed")


def add_graph(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/graph")
    def graph() -> Response:
        present = world()
        return jsonify(graph_of(present.root, present.settings.installation, present.settings.language))


def graph_of(view: View, name: str, language: str) -> dict[str, Any]:
    """Give the graph of packages and the graph of transfer orders."""
    origin = origin_in(installation.whole(name))
    return {
        part: {
            "states": [state_row(each, counts, origin, language) for each in states],
            "transitions": [transition_row(each, origin) for each in transitions_of(view, states)],
        }
        for part, (kind, enum_class) in KINDS.items()
        for states, counts in [(states_of(view, kind, enum_class), counted(view, kind))]
    }


def counted(view: View, kind: type[Any]) -> Mapping[int, int]:
    """Give how many records there are in each state."""
    counts: Counter[int] = Counter()
    for key, count in view.tally(kind).items():
        counts[key[-1] if isinstance(key, tuple) else key] += count
    return counts


def state_row(
    state: State, counts: Mapping[int, int], origin: Callable[[Any], Origin], language: str
) -> dict[str, Any]:
    return {
        "id": state.id,
        "name": state_name(state, language),
        "enum_value": state.enum_value,
        "count": counts.get(state.id, 0),
        **noted(origin(state)),
    }


def transition_row(transition: Transition, origin: Callable[[Any], Origin]) -> dict[str, Any]:
    return {**row_of(transition), **noted(origin(transition))}


def noted(origin: Origin) -> dict[str, str]:
    """Give the provenance, and the reason where there is one."""
    return {key: value for key, value in origin._asdict().items() if value is not None}


def origin_in(whole: installation.Installation) -> Callable[[Any], Origin]:
    """Give what tells the origin of a state or transition: the installation's entry, or recorded answers."""

    def origin(record: Any) -> Origin:
        kind = type(record)
        if whole.records.get(kind, {}).get(record.id) == record:
            return whole.origins[kind, record.id]
        return BY_ID if kind is State and record.name == f"State {record.id}" else SHOWN

    return origin
