"""The state graph: find transitions, and check that a record's state allows them."""

from __future__ import annotations

from typing import TypeAlias

from emulator.core.errors import ValidationFailed
from emulator.core.json_text import JsonObject
from emulator.core.records import OMITTED, Package, RecordKind, State, TransferOrder, Transition, TransitionLog
from emulator.state.store import Reader

Subject: TypeAlias = Package | TransferOrder
"""A record that commands move through the state graph."""
ITEM_STATE_VALUES = {
    "200": "250",
    "300": "150",
    "600": "700",
    "650": "750",
    "700": "800",
    "800": "900",
    "900": "600",
}
"""Package state value -> state value of its items, if different.

250, 150, 900 and 600 are from samples. The others are assumed, and chosen to differ from those.
"""

COMMAND = "command"

STATE_GRAPHS: dict[str, tuple[RecordKind, str]] = {
    "packages": (Package, "PackageStatus"),
    "transfers": (TransferOrder, "TransferStatus"),
}
"""Name of a graph -> kind of its records, and enum class of their states."""


def command_error(key: str, message: str) -> ValidationFailed:
    """Return the error of a command: one key with one message."""
    return ValidationFailed({key: [message]})


def resolve_transition(view: Reader, subject: Subject, body: JsonObject) -> Transition:
    """Return the transition that `transition` and `slug` name, if the subject's state allows it.

    Raise `ValidationFailed` with the documented keys: `slug` for an unknown or contradictory slug, `transition`
    for other errors.
    """
    transition = find_transition(view, body.get("transition"), body.get("slug"))
    if transition.source_state == subject.state:
        return transition
    source, current = (view.get_existing(State, id_).name for id_ in (transition.source_state, subject.state))
    message = f'"{transition.label}" starts from state "{source}", but {subject.number} is in state "{current}".'
    raise command_error("transition", message)


def find_transition(view: Reader, id_: int | None, slug: str | None) -> Transition:
    """Return the transition with this id, this slug, or both."""
    if id_ is None and slug is None:
        raise command_error("transition", "Either transition or slug is required.")
    if id_ is None:
        return find_transition_by_slug(view, str(slug))
    transition = view.get(Transition, id_)
    if transition is None or transition.actor != COMMAND:
        raise command_error("transition", f'Invalid pk "{id_}" - object does not exist.')
    if slug is not None and find_transition_by_slug(view, slug).id != id_:
        raise command_error(
            "slug", f'"{slug}" is not the slug of transition {id_}, which is "{slug_or_label(transition)}".'
        )
    return transition


def find_transition_by_slug(view: Reader, slug: str) -> Transition:
    for transition in view.find(Transition, "slug", slug):
        if transition.actor == COMMAND:
            return transition
    raise command_error("slug", f"Object with slug={slug} does not exist.")


def slug_or_label(transition: Transition) -> str:
    """Return the transition's slug, or its label if it has no slug."""
    return transition.label if transition.slug is OMITTED else str(transition.slug)


def describe_state(view: Reader, subject: Subject) -> str:
    """Describe the subject's state, its last transition, and the transitions allowed now, in one line."""
    state = view.get_existing(State, subject.state)
    last = next(view.latest(TransitionLog, "subject", (state.content_type, subject.id)), None)
    since = "since the scenario's start"
    if last is not None and last.request_id == "":
        since = f"by itself since {last.created_date:%Y-%m-%dT%H:%M:%S}Z"
    elif last is not None and last.request_id is not None:
        since = f"since request {last.request_id} at {last.created_date:%Y-%m-%dT%H:%M:%S}Z"
    now = (
        ", ".join(f"{each.id} {slug_or_label(each)}" for each in offered_transitions(view, subject.state))
        or "nothing"
    )
    return f'{subject.number} is in state {state.id} "{state.name}" {since}; allowed now: {now}'


def offered_transitions(view: Reader, state: int) -> list[Transition]:
    """Return the transitions that commands can make from a state, in the installation's order."""
    transitions = [each for each in view.find(Transition, "source_state", state) if each.actor == COMMAND]
    return sorted(transitions, key=lambda transition: transition.position)


def actor_transition(view: Reader, subject: Subject, code: str) -> Transition | None:
    """Return the transition from the subject's state with this code by carrier, planner or operator, if any."""
    for transition in view.find(Transition, "source_state", subject.state):
        if transition.command_code == code and transition.actor != COMMAND:
            return transition
    return None


def state_with_value(view: Reader, enum_class: str, value: str, *, beside: State) -> State | None:
    """Return the state with this enum value, for the same kind of record as the state `beside`."""
    return next(iter(view.find(State, "value", (enum_class, beside.content_type, value))), None)


def states_of_kind(view: Reader, kind: RecordKind, enum_class: str) -> list[State]:
    """Return the states of one kind of record. Transfer items share its enum class, with a higher content type."""
    states = [state for state in view.all(State) if state.enum_class == enum_class]
    content_type = min((state.content_type for state in states), default=0)
    return [state for state in states if state.content_type == content_type or kind is Package]


def transitions_from(view: Reader, states: list[State]) -> list[Transition]:
    """Return the transitions from these states, in the installation's order."""
    ids = {state.id for state in states}
    transitions = (each for each in view.all(Transition) if each.source_state in ids)
    return sorted(transitions, key=lambda each: (each.position, each.id))


def transition_summary(transition: Transition) -> JsonObject:
    """Return the summary of a transition for reports and the control API."""
    return {
        "id": transition.id,
        "slug": None if transition.slug is OMITTED else transition.slug,
        "label": transition.label,
        "command": transition.command_code,
        "source": transition.source_state,
        "destination": transition.destination_state,
        "actor": transition.actor,
    }


def transition_name(view: Reader, transition: Transition) -> str:
    """Return the name of a transition in reports, which does not depend on the ids of one installation.

    It is the slug. The id is added if another transition has the same slug, and replaces a missing slug.
    """
    if transition.slug is OMITTED:
        return f"#{transition.id}"
    slug = str(transition.slug)
    first = next((each.id for each in view.find(Transition, "slug", slug) if each.actor == COMMAND), None)
    return slug if first == transition.id else f"{slug} #{transition.id}"
