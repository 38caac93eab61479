"""Commands name a transition by id or slug. Every refusal has its documented key and a reason."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest

from emulator import Emulator
from emulator.api.views.records import find_user
from emulator.core.errors import ValidationFailed
from emulator.core.records import OMITTED, Package, PackageItem, State, TransferOrder, Transition, Webhook
from emulator.domain.state_graph import (
    COMMAND,
    actor_transition,
    cache_with_base,
    find_transition,
    offered_transitions,
    resolve_transition,
    sibling_state,
    sibling_state_id,
    slug_or_label,
)
from emulator.state.store import Reader, Snapshot
from tests.support.worlds import build_world

ROOT = Emulator("demo").world.records
PREPARE = "package__prepare_package_command__waiting__preparing"
PACK = "package__complete_packaging__waiting__packed-all-items"


def in_state(kind: type[Any], state: int, root: Snapshot = ROOT) -> Any:
    return next(record for record in root.all(kind) if record.state == state)


WAITING, DELIVERED = in_state(Package, 35), in_state(Package, 47)
TRANSFER = in_state(TransferOrder, 73)


@pytest.mark.parametrize(
    "asked",
    [{"transition": 199}, {"slug": PREPARE}, {"transition": 199, "slug": PREPARE}, {"transition": 199, "slug": None}],
    ids=str,
)
def test_transition_is_found_by_id_slug_or_both(asked: dict[str, Any]) -> None:
    assert resolve_transition(ROOT, WAITING, asked).id == 199


REFUSALS: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    "neither": (WAITING, {}, "transition", "Either transition or slug is required."),
    "both null": (
        WAITING,
        {"transition": None, "slug": None},
        "transition",
        "Either transition or slug is required.",
    ),
    "unknown id": (WAITING, {"transition": 25}, "transition", 'Invalid pk "25" - object does not exist.'),
    "unknown id with a good slug": (
        *(WAITING, {"transition": 25, "slug": PREPARE}, "transition"),
        'Invalid pk "25" - object does not exist.',
    ),
    "huge id": (WAITING, {"transition": 10**30}, "transition", f'Invalid pk "{10**30}" - object does not exist.'),
    "unknown slug": (WAITING, {"slug": "x"}, "slug", "Object with slug=x does not exist."),
    "unknown slug with a good id": (
        *(WAITING, {"transition": 199, "slug": "x"}, "slug"),
        "Object with slug=x does not exist.",
    ),
    "empty slug": (WAITING, {"slug": ""}, "slug", "Object with slug= does not exist."),
    "disagreeing": (
        *(WAITING, {"transition": 3, "slug": PREPARE}, "slug"),
        f'"{PREPARE}" is not the slug of transition 3, which is "{PACK}".',
    ),
    "wrong state": (
        *(DELIVERED, {"transition": 199}, "transition"),
        f'"waiting to prep" starts from state "Waiting", but {DELIVERED.number} is in state "Delivered".',
    ),
    "a package's on a transfer": (
        *(TRANSFER, {"transition": 199}, "transition"),
        f"Transition 199 belongs to packages, and {TRANSFER.number} is none of these.",
    ),
}


@pytest.mark.parametrize(("subject", "asked", "key", "message"), REFUSALS.values(), ids=REFUSALS)
def test_refusal_has_one_key_and_one_message(subject: Any, asked: Any, key: str, message: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        resolve_transition(ROOT, subject, asked)
    assert caught.value.errors == {key: [message]}


every_command = pytest.mark.parametrize(
    "transition", [each for each in ROOT.all(Transition) if each.actor == COMMAND], ids=attrgetter("slug")
)
every_other_move = pytest.mark.parametrize(
    "transition", [each for each in ROOT.all(Transition) if each.actor != COMMAND], ids=attrgetter("slug")
)


@every_command
def test_every_command_is_found_by_its_slug(transition: Transition) -> None:
    assert (
        find_transition(ROOT, None, str(transition.slug)) == find_transition(ROOT, transition.id, None) == transition
    )


@every_other_move
def test_external_transition_is_not_a_command(transition: Transition) -> None:
    """Its id and slug are unknown to commands, and no record offers it."""
    with pytest.raises(ValidationFailed) as caught:
        find_transition(ROOT, transition.id, None)
    assert caught.value.errors == {"transition": [f'Invalid pk "{transition.id}" - object does not exist.']}
    with pytest.raises(ValidationFailed) as caught:
        find_transition(ROOT, None, str(transition.slug))
    assert caught.value.errors == {"slug": [f"Object with slug={transition.slug} does not exist."]}
    assert transition not in offered_transitions(ROOT, transition.source_state)


@every_other_move
def test_external_transition_is_found_by_code_and_source_state(transition: Transition) -> None:
    kind: type[Any] = (
        TransferOrder if ROOT.get_existing(State, transition.source_state).content_type == 6 else Package
    )
    for subject in {record.state: record for record in ROOT.all(kind)}.values():
        found = actor_transition(ROOT, subject, transition.command_code)
        assert (found == transition) == (subject.state == transition.source_state)


@every_command
def test_command_is_allowed_only_in_its_source_state(transition: Transition) -> None:
    kind: type[Any] = (
        TransferOrder if ROOT.get_existing(State, transition.source_state).content_type == 6 else Package
    )
    states = {record.state: record for record in ROOT.all(kind)}
    for state, subject in states.items():
        if state == transition.source_state:
            assert resolve_transition(ROOT, subject, {"transition": transition.id}) == transition
        else:
            with pytest.raises(ValidationFailed):
                resolve_transition(ROOT, subject, {"transition": transition.id})
    assert len(states) > 3


def test_transition_without_a_slug_is_shown_by_its_label() -> None:
    assert slug_or_label(Transition(1, 1, 2, label="Pack", slug=OMITTED)) == "Pack"
    root = build_world([Transition(1, 1, 2, label="Pack"), Transition(2, 1, 2, slug="two")]).records
    with pytest.raises(ValidationFailed) as caught:
        find_transition(root, 1, "two")
    assert caught.value.errors == {"slug": ['"two" is not the slug of transition 1, which is "Pack".']}


def test_sibling_state_has_the_same_kind() -> None:
    item = next(iter(ROOT.all(PackageItem)))
    state = ROOT.get_existing(State, item.state)
    sibling = sibling_state(ROOT, state, "900")
    assert sibling is not None
    assert sibling.id == 70
    assert sibling.enum_class == "PackageItemStatus"
    assert sibling_state(ROOT, state, "12345") is None
    assert sibling_state_id(ROOT, state.id, "900") == 70
    assert sibling_state_id(ROOT, state.id, "12345") == state.id


def test_result_is_kept_until_a_world_changes_a_record_of_the_kind() -> None:
    found: list[int] = []

    @cache_with_base(Webhook)
    def url_of(view: Reader, id_: int) -> str | None:
        found.append(id_)
        hook = view.get(Webhook, id_)
        return None if hook is None else hook.target_url

    world, other = Emulator("demo").world, Emulator("demo").world
    first = world.records.ids(Webhook)[0]
    url = url_of(world.records, first)
    assert (url_of(world.records, first), url_of(other.records, first), found) == (url, url, [first])
    with world.transaction() as tx:
        tx.change(tx.get_existing(Webhook, first), target_url="http://changed")
        assert url_of(tx, first) == "http://changed"
    assert (url_of(world.records, first), url_of(other.records, first)) == ("http://changed", url)


def test_missing_record_is_not_kept() -> None:
    """Otherwise the names that clients ask for would stay in memory."""
    records = Emulator("demo").world.records
    for name in ("unknown-user-1", "unknown-user-2"):
        assert find_user(records, name) is None
    assert not any("unknown-user" in str(key) for key in records.base.caches)
