"""The state graph: find states and transitions, check that a record's state allows them, and move records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias, TypeVar, TypeVarTuple

import orjson

from emulator.core.errors import Conflict, InvalidDocument, ValidationFailed
from emulator.core.json_text import JsonObject, compact_json
from emulator.core.records import (
    OMITTED,
    Json,
    Order,
    OrderItem,
    Package,
    PackageItem,
    RecordKind,
    State,
    TransferItem,
    TransferOrder,
    Transition,
    TransitionLog,
    User,
)
from emulator.state.store import Reader, Transaction

Subject: TypeAlias = Package | TransferOrder
"""A record that commands move through the state graph."""
S = TypeVar("S", bound=Subject)
R = TypeVar("R", bound=Order | OrderItem | Package | PackageItem | TransferOrder | TransferItem)

COMMAND = "command"
"""The actor of a transition that clients make through the API."""
PACKAGE_STATUS, ITEM_STATUS, TRANSFER_STATUS = "PackageStatus", "PackageItemStatus", "TransferStatus"
ORDER_STATUS = "OrderStatus"
WAITING, WAITING_FOR_TRANSFER, TRANSFER_WAITING = "100", "300", "waiting"
STATE_GRAPHS: dict[str, tuple[RecordKind, str]] = {
    "packages": (Package, PACKAGE_STATUS),
    "transfers": (TransferOrder, TRANSFER_STATUS),
}
"""Name of a graph -> kind of its records, and enum class of their states."""
GRAPH_SUBJECTS = {"packages": "package", "transfers": "transfer_order"}
"""Name of a graph -> kind of its records, as events and the fidelity list name it."""
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
STATE_ALIASES: Mapping[str, str] = {"packed": "500", "out of stock": "920", "all items packed": "500"}
"""Other name in the documentation, in lower case -> enum value."""


CachedT = TypeVar("CachedT")
KeyT = TypeVarTuple("KeyT")


def cache_with_base(
    kind: RecordKind, other: RecordKind | None = None
) -> Callable[[Callable[[Reader, *KeyT], CachedT]], Callable[[Reader, *KeyT], CachedT]]:
    """Return a decorator that keeps what a function finds among records of a kind or two, if a world changed none.

    The results are kept with the base dataset, which the worlds of a scenario share. None is not kept, because
    clients can ask for any name.
    """

    def decorate(find: Callable[[Reader, *KeyT], CachedT]) -> Callable[[Reader, *KeyT], CachedT]:
        def call(view: Reader, *args: *KeyT) -> CachedT:
            if view.maps.get(kind) is not None or view.maps.get(other) is not None:
                return find(view, *args)
            results, key = view.base.caches, (find, args)
            result: CachedT | None = results.get(key)
            if result is None:
                result = find(view, *args)
                if result is not None:
                    results[key] = result
            return result

        return call

    return decorate


cache_graph = cache_with_base(State, Transition)


def command_error(key: str, message: str) -> ValidationFailed:
    """Return the error of a command: one key with one message."""
    return ValidationFailed({key: [message]})


def unknown_id_error(key: str, id_: object) -> ValidationFailed:
    return command_error(key, f'Invalid pk "{id_}" - object does not exist.')


def resolve_transition(view: Reader, subject: Subject, body: JsonObject) -> Transition:
    """Return the transition that `transition` and `slug` name, if the subject's state allows it.

    Raise `ValidationFailed` with the documented keys: `slug` for an unknown or contradictory slug, `transition`
    for other errors.
    """
    transition = find_transition(view, body.get("transition"), body.get("slug"))
    if transition.source_state == subject.state:
        return transition
    source, current = (view.get_existing(State, id_) for id_ in (transition.source_state, subject.state))
    if source.content_type != current.content_type:
        message = f"Transition {transition.id} belongs to {owners_of(source)}, and {subject.number} is none of these."
        raise command_error("transition", message)
    raise wrong_state_error(transition, source, subject, current)


def wrong_state_error(transition: Transition, source: State, subject: Subject, current: State) -> ValidationFailed:
    """Return the error of a command on a record that is not in the source state of the transition."""
    return command_error(
        "transition",
        f'"{transition.label}" starts from state "{source.name}", but {subject.number} is in state "{current.name}".',
    )


def owners_of(state: State) -> str:
    """Return the plural name of the records that have a state."""
    return "transfer orders" if state.enum_class == TRANSFER_STATUS else "packages"


@cache_graph
def find_transition(view: Reader, id_: int | None, slug: str | None) -> Transition:
    """Return the transition with this id, this slug, or both."""
    if id_ is None and slug is None:
        raise command_error("transition", "Either transition or slug is required.")
    if id_ is None:
        return find_transition_by_slug(view, str(slug))
    transition = view.get(Transition, id_)
    if transition is None or transition.actor != COMMAND:
        raise unknown_id_error("transition", id_)
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
        since = f"since an automatic transition at {last.created_date:%Y-%m-%dT%H:%M:%S}Z"
    elif last is not None and last.request_id is not None:
        since = f"since request {last.request_id} at {last.created_date:%Y-%m-%dT%H:%M:%S}Z"
    allowed = ", ".join(f"{each.id} {slug_or_label(each)}" for each in offered_transitions(view, subject.state))
    return f'{subject.number} is in state {state.id} "{state.name}" {since}; allowed now: {allowed or "nothing"}'


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


def sibling_state(view: Reader, state: State, value: str) -> State | None:
    """Return the state with this enum value, for the same kind of record as the given state."""
    return next(iter(view.find(State, "value", (state.enum_class, state.content_type, value))), None)


def sibling_state_id(view: Reader, state: int, value: str) -> int:
    """Return the id of the state with this enum value, or the given id if the installation has no such state."""
    sibling = sibling_state(view, view.get_existing(State, state), value)
    return state if sibling is None else sibling.id


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


@cache_graph
def find_transition_name(view: Reader, id_: int | None, slug: str | None) -> tuple[str, str]:
    """Return the enum class of the states of a transition, and its name. Raise the errors of `find_transition`."""
    transition = find_transition(view, id_, slug)
    return view.get_existing(State, transition.source_state).enum_class, transition_name(view, transition)


def transition_name(view: Reader, transition: Transition) -> str:
    """Return the name of a transition in reports, which does not depend on the ids of one installation.

    It is the slug. The id is added if another transition has the same slug, and replaces a missing slug.
    """
    if transition.slug is OMITTED:
        return f"#{transition.id}"
    slug = str(transition.slug)
    first = next((each.id for each in view.find(Transition, "slug", slug) if each.actor == COMMAND), None)
    return slug if first == transition.id else f"{slug} #{transition.id}"


def require_state(view: Reader, enum_class: str, value: str, *, of_items: bool = False) -> State:
    """Return the state with this value. `of_items` selects transfer items, which share the transfers' enum class."""
    known = [state for state in view.all(State) if state.enum_class == enum_class]
    types = sorted({state.content_type for state in known})
    content_type = (types[-1] if of_items else types[0]) if types else None
    for state in known:
        if (state.content_type, state.enum_value) == (content_type, value):
            return state
    raise Conflict(f"the installation has no {enum_class} {value}", sorted({state.enum_value for state in known}))


def resolve_package_state(view: Reader, name_or_id: str | int) -> State:
    """Return the package state with this enum value, name or id."""
    states = [state for state in view.all(State) if state.enum_class == PACKAGE_STATUS]
    text = str(name_or_id).strip().casefold()
    value = STATE_ALIASES.get(text, text)
    for matches in (
        lambda state: state.enum_value == value,
        lambda state: value in state_names(state),
        lambda state: str(state.id) == value,
    ):
        for state in filter(matches, states):
            return state
    raise InvalidDocument(f"unknown package state {name_or_id!r}", [state.name for state in states], name_or_id)


def state_names(state: State) -> set[str]:
    """Return the names of the state in all languages, in lower case."""
    stored = state.translations if isinstance(state.translations, bytes) else b"null"
    translations = orjson.loads(stored) or {}
    return {state.name.casefold()} | {str(each.get("name", "")).casefold() for each in translations.values()}


def shortest_path(view: Reader, start: int, end: int) -> list[Transition]:
    """Return the shortest path between two states, with documented transitions first, or an empty list."""
    paths: dict[int, list[Transition]] = {start: []}
    queue = [start]
    for state in queue:  # grows during the iteration
        for transition in sorted(view.find(Transition, "source_state", state), key=lambda each: each.position):
            if transition.destination_state not in paths:
                paths[transition.destination_state] = [*paths[state], transition]
                queue.append(transition.destination_state)
    return paths.get(end, [])


class CommandStep(NamedTuple):
    """One state transition, with the transaction, the user and the request that make it."""

    tx: Transaction
    transition: Transition
    user: User | None = None
    request_id: str | None = None


def apply_transition(subject: S, step: CommandStep) -> S:
    """Move the subject to the transition's destination, and log it unless the state stays. Return the subject."""
    tx, transition = step.tx, step.transition
    if transition.source_state == transition.destination_state:
        return tx.change(subject, modified_date=tx.now)
    user = None if step.user is None else step.user.id
    content_type, attributes = log_columns(tx, transition.id, user)
    tx.add(
        TransitionLog(
            id=tx.new_id(TransitionLog),
            old_state=subject.state,
            new_state=transition.destination_state,
            object_id=subject.id,
            content_type=content_type,
            user=user,
            attributes=attributes,
            created_date=tx.now,
            request_id=step.request_id,
        )
    )
    return tx.change(subject, state=transition.destination_state, modified_date=tx.now)


@cache_graph
def log_columns(view: Reader, id_: int, user: int | None) -> tuple[int, Json]:
    """Return content type and attributes of a transition's log: command, transition and user, if a user made it."""
    transition = view.get_existing(Transition, id_)
    content_type = view.get_existing(State, transition.source_state).content_type
    command = {"slug": transition.command_code, "transition_id": id_, "remote_user_pk": str(user)}
    return content_type, b"{}" if user is None else compact_json({"command": command})


def set_state(tx: Transaction, record: R, value: str) -> R:
    """Move the record to the state of its kind with this enum value, if the installation has one."""
    state = sibling_state_id(tx, record.state, value)
    return record if state == record.state else tx.change(record, state=state, modified_date=tx.now)


def items_of(tx: Transaction, package: Package) -> list[PackageItem]:
    return tx.find(PackageItem, "package", package.id)


def move_items(tx: Transaction, package: Package) -> None:
    """Move all items of the package to the item state that corresponds to its state."""
    for item in items_of(tx, package):
        state = item_state(tx, package.state, item.state)
        if state != item.state:
            tx.change(item, state=state, modified_date=tx.now)


@cache_graph
def item_state(view: Reader, package_state: int, state: int) -> int:
    """Return the state of an item after its package has moved to a state."""
    value = view.get_existing(State, package_state).enum_value
    return sibling_state_id(view, state, ITEM_STATE_VALUES.get(value, value))


def set_order_item_states(tx: Transaction, package: Package, value: str) -> None:
    """Move the order items of the package to an order state."""
    for item in items_of(tx, package):
        set_state(tx, tx.get_existing(OrderItem, item.order_item), value)
