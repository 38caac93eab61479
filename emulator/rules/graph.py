"""The state graph: which transition is meant, and whether the record's state allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import ValidationFailed
from emulator.core.records import ABSENT, Package, State, TransferOrder, Transition, TransitionLog
from emulator.core.store import View

ITEM_VALUES = {
    "200": "250",
    "300": "150",
    "600": "700",
    "650": "750",
    "700": "800",
    "800": "900",
    "900": "600",
}
"""Package state value -> its items' value, where that is another: 250, 150, 900 and 600 are the samples'; the rest
keeps clear of those (assumed)."""

COMMAND = "command"

KINDS: dict[str, tuple[type[Any], str]] = {
    "packages": (Package, "PackageStatus"),
    "transfers": (TransferOrder, "TransferStatus"),
}
"""Name of a graph -> the records, and the enum class of their states."""


def refuse(key: str, message: str) -> ValidationFailed:
    """Give the error of a command: one key, one message."""
    return ValidationFailed({key: [message]})


def allowed(view: View, subject: Any, asked: Mapping[str, Any]) -> Transition:
    """Give the transition that `transition` and `slug` name, if the subject's state allows it.

    Raises `ValidationFailed` with the documented keys: `slug` for an unknown or disagreeing slug, `transition`
    for all else.
    """
    transition = named(view, asked.get("transition"), asked.get("slug"))
    if transition.source_state == subject.state:
        return transition
    source, present = (view.one(State, id_).name for id_ in (transition.source_state, subject.state))
    message = f'"{transition.label}" starts from state "{source}", but {subject.number} is in state "{present}".'
    raise refuse("transition", message)


def named(view: View, id_: int | None, slug: str | None) -> Transition:
    """Give the transition with this id, this slug, or both."""
    if id_ is None and slug is None:
        raise refuse("transition", "Either transition or slug is required.")
    if id_ is None:
        return by_slug(view, str(slug))
    transition = view.get(Transition, id_)
    if transition is None or transition.actor != COMMAND:
        raise refuse("transition", f'Invalid pk "{id_}" - object does not exist.')
    if slug is not None and by_slug(view, slug).id != id_:
        raise refuse("slug", f'"{slug}" is not the slug of transition {id_}, which is "{printed(transition)}".')
    return transition


def by_slug(view: View, slug: str) -> Transition:
    for transition in view.find(Transition, "slug", slug):
        if transition.actor == COMMAND:
            return transition
    raise refuse("slug", f"Object with slug={slug} does not exist.")


def printed(transition: Transition) -> str:
    """Give the transition's slug, or its label where an installation shows none."""
    return transition.label if transition.slug is ABSENT else str(transition.slug)


def explained(view: View, subject: Any) -> str:
    """Give the state of the subject, how it got there, and what is allowed now, in one line."""
    state = view.one(State, subject.state)
    last = next(view.latest(TransitionLog, "subject", (state.content_type, subject.id)), None)
    since = "since the scenario's start"
    if last is not None and last.request_id == "":
        since = f"by itself since {last.created_date:%Y-%m-%dT%H:%M:%S}Z"
    elif last is not None and last.request_id is not None:
        since = f"since request {last.request_id} at {last.created_date:%Y-%m-%dT%H:%M:%S}Z"
    now = ", ".join(f"{found.id} {printed(found)}" for found in offered(view, subject.state)) or "nothing"
    return f'{subject.number} is in state {state.id} "{state.name}" {since}; allowed now: {now}'


def offered(view: View, state: int) -> list[Transition]:
    """Give the transitions that commands may take from a state, in the installation's order."""
    found = [each for each in view.find(Transition, "source_state", state) if each.actor == COMMAND]
    return sorted(found, key=lambda transition: transition.position)


def move_of(view: View, subject: Any, code: str) -> Transition | None:
    """Give the move with this code that carrier, planner or operator make from the subject's state, if any."""
    for transition in view.find(Transition, "source_state", subject.state):
        if transition.command_code == code and transition.actor != COMMAND:
            return transition
    return None


def state_valued(view: View, enum_class: str, value: str, *, beside: State) -> State | None:
    """Give the installation's state with this enum value, for the kind of record that `beside` is a state of."""
    found = view.find(State, "value", (enum_class, beside.content_type, value))
    return found[0] if found else None


def states_of(view: View, kind: type[Any], enum_class: str) -> list[State]:
    """Give the states of one kind of record: items may share its enum class, under a later content type."""
    found = [state for state in view.all(State) if state.enum_class == enum_class]
    first = min((state.content_type for state in found), default=0)
    return [state for state in found if state.content_type == first or kind is Package]


def transitions_of(view: View, states: list[State]) -> list[Transition]:
    """Give the transitions that lead out of these states, in the installation's order."""
    ids = {state.id for state in states}
    found = [each for each in view.all(Transition) if each.source_state in ids]
    return sorted(found, key=lambda each: (each.position, each.id))


def row_of(transition: Transition) -> dict[str, Any]:
    """Give what reports and the control API show of a transition."""
    return {
        "id": transition.id,
        "slug": None if transition.slug is ABSENT else transition.slug,
        "label": transition.label,
        "command": transition.command_code,
        "source": transition.source_state,
        "destination": transition.destination_state,
        "actor": transition.actor,
    }


def name_of(view: View, transition: Transition) -> str:
    """Give what a transition is called in reports, whatever its id is in one installation or the next: its slug, with
    the id where there is none, or where the slug alone leads to another.
    """
    if transition.slug is ABSENT:
        return f"#{transition.id}"
    slug = str(transition.slug)
    first = next((each.id for each in view.find(Transition, "slug", slug) if each.actor == COMMAND), None)
    return slug if first == transition.id else f"{slug} #{transition.id}"
