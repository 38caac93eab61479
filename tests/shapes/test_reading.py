"""Documents that are kept ready are never stale, stay within their bytes, and are nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.core.records import (
    Address,
    CargoCompany,
    OrderItem,
    Package,
    PackageItem,
    Product,
    ProductImage,
    State,
    StockLocation,
    TransferOrder,
    Transition,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.core.store import Root
from emulator.core.world import World
from emulator.loading import open_world
from emulator.rules.scenarios import scenario
from emulator.shapes.documents import SHAPES, rendered
from emulator.shapes.reading import Kept, Reading, Rendered
from tests.support.worlds import world_of

pytestmark = pytest.mark.slow

LANGUAGES = ("en-us", "tr-tr")
SMALL = scenario("demo").sized(10, 3)

CHANGED: dict[type[Any], tuple[str, Any]] = {
    Package: ("remote_id", str),
    PackageItem: ("serial_no", str),
    OrderItem: ("net_amount", str),
    Product: ("sku", str),
    State: ("name", str),
    StockLocation: ("name", str),
    CargoCompany: ("name", str),
    Address: ("line", str),
    TransferOrder: ("invoice_number", str),
    Webhook: ("target_url", str),
    Transition: ("source_state", int),
}
"""What the writes of these tests change, of all that documents are made of."""
CHANGES = st.tuples(st.sampled_from(list(CHANGED)), st.integers(0, 1000), st.integers(35, 40))
ADDITIONS = st.tuples(st.sampled_from([PackageItem, ProductImage, TransitionLog]), st.integers(0, 1000), st.none())
WRITES = st.lists(st.lists(st.one_of(CHANGES, ADDITIONS), min_size=1, max_size=3), min_size=1, max_size=4)


def write(world: World, steps: list[Any]) -> None:
    with world.transaction() as tx:
        for kind, at, value in steps:
            ids = tx.ids(kind)
            record = tx.one(kind, ids[at % len(ids)])
            if value is None:
                tx.add(record._replace(id=tx.new_id(kind)))
            else:
                column, type_ = CHANGED[kind]
                tx.change(record, **{column: type_(value)})


def shown(world: World, kept: Kept, root: Root | None = None) -> dict[Any, bytes | None]:
    """Render every document of a world."""
    view = world.root if root is None else root
    return {
        (name, id_, language): rendered(name, id_, view, language, kept)
        for name, shape in SHAPES.items()
        for id_ in view.ids(shape.kind)
        for language in LANGUAGES
    }


def fresh(world: World, root: Root | None = None) -> dict[Any, bytes | None]:
    return shown(world, Kept(world.kept.language, world.kept.base_url), root)


def small_world() -> World:
    return open_world(SMALL, "frozen")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WRITES)
def test_no_document_is_stale_whatever_was_written(writes: list[list[Any]]) -> None:
    """In the world as it is, in the one that it was before, and in another that was not written to."""
    world, other = small_world(), small_world()
    start = world.root
    assert shown(world, world.kept) == shown(other, other.kept)
    for steps in writes:
        write(world, steps)
        assert shown(world, world.kept) == fresh(world)
        assert shown(other, other.kept) == fresh(other)
    assert shown(world, world.kept, start) == fresh(world, start)


def test_a_document_is_made_once_while_nothing_that_it_shows_changes() -> None:
    world = small_world()
    package = world.root.ids(Package)[0]
    first = rendered("package", package, world.root, "en-us", world.kept)
    write(world, [(Package, 1, 35)])
    assert rendered("package", package, world.root, "en-us", world.kept) is first
    write(world, [(Package, 0, 35)])
    assert rendered("package", package, world.root, "en-us", world.kept) is not first


def test_two_worlds_on_one_base_keep_what_they_did_not_change_together() -> None:
    one, other = small_world(), small_world()
    assert one.kept is other.kept
    package = one.root.ids(Package)[0]
    write(one, [(Package, 0, 35)])
    ours, theirs = (rendered("package", package, world.root, "en-us", one.kept) for world in (one, other))
    assert b'"remote_id":"35"' in (ours or b"")
    assert b'"remote_id":null' in (theirs or b"")
    assert rendered("package", package, one.root, "en-us", one.kept) is ours
    assert rendered("package", package, other.root, "en-us", one.kept) is theirs


def test_languages_are_kept_apart() -> None:
    world = small_world()
    package = world.root.ids(Package)[0]
    english, turkish = (rendered("package", package, world.root, one, world.kept) for one in LANGUAGES)
    assert english != turkish
    assert rendered("package", package, world.root, "en-us", world.kept) is english


def test_a_record_that_is_not_there_has_no_document() -> None:
    world = small_world()
    assert rendered("package", 10**9, world.root, "en-us", world.kept) is None


def view() -> Root:
    return world_of().root


def test_kept_text_stays_within_its_bytes_and_the_oldest_goes_first() -> None:
    kept, calls = Kept("en-us", "", limit=100), []

    def ask(key: str, size: int) -> Rendered:
        def make(reading: Reading) -> bytes:
            calls.append(key)
            return b"x" * size

        return kept.get(key, view(), "en-us", make)

    for key in ("a", "b", "c"):
        ask(key, 40)
    assert kept.size == sum(len(entry.body) for entry in kept._entries.values()) == 80
    ask("b", 40)
    ask("c", 40)
    assert calls == ["a", "b", "c"]
    ask("a", 40)
    assert calls[-1] == "a"


def test_a_text_larger_than_all_the_room_is_given_and_not_kept() -> None:
    kept = Kept("en-us", "", limit=10)
    assert len(kept.get("a", view(), "en-us", lambda _: b"x" * 50).body) == 50
    assert (kept.size, kept._entries) == (0, {})


def test_a_text_that_is_made_anew_takes_the_place_of_the_old() -> None:
    world, kept = world_of([Package(1, 1, 1, 1, 1)]), Kept("en-us", "", limit=1000)

    def make(reading: Reading) -> bytes:
        return reading.one(Package, 1).number.encode() or b"none"

    assert kept.get("a", world.root, "en-us", make).body == b"none"
    with world.transaction() as tx:
        tx.change(tx.one(Package, 1), number="P1")
    assert kept.get("a", world.root, "en-us", make).body == b"P1"
    assert (kept.size, len(kept._entries)) == (2, 1)


def test_stored_payloads_do_not_change_with_their_subject() -> None:
    """An event tells what was, also after its package went on."""
    world = small_world()
    event = world.root.ids(WebhookEvent)[0]
    before = rendered("webhook-event", event, world.root, "en-us", world.kept)
    subject = world.root.one(WebhookEvent, event).object_id
    with world.transaction() as tx:
        record = tx.get(Package, subject) or tx.one(TransferOrder, subject)
        tx.change(record, remote_id="changed")
    assert rendered("webhook-event", event, world.root, "en-us", world.kept) == before
