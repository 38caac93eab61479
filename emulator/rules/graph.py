"""The state graph: which transition is meant, and whether the record's state allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import ValidationFailed
from emulator.core.records import ABSENT, State, Transition
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
    if (transition := view.get(Transition, id_)) is None:
        raise refuse("transition", f'Invalid pk "{id_}" - object does not exist.')
    if slug is not None and by_slug(view, slug).id != id_:
        raise refuse("slug", f'"{slug}" is not the slug of transition {id_}, which is "{printed(transition)}".')
    return transition


def by_slug(view: View, slug: str) -> Transition:
    for transition in view.all(Transition):
        if transition.slug == slug:
            return transition
    raise refuse("slug", f"Object with slug={slug} does not exist.")


def printed(transition: Transition) -> str:
    """Give the transition's slug, or its label where an installation shows none."""
    return transition.label if transition.slug is ABSENT else str(transition.slug)


def state_valued(view: View, enum_class: str, value: str, *, beside: State) -> State | None:
    """Give the installation's state with this enum value, for the kind of record that `beside` is a state of."""
    for state in view.all(State):
        same_kind = state.enum_class == enum_class and state.content_type == beside.content_type
        if same_kind and state.enum_value == value:
            return state
    return None
