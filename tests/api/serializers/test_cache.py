"""Cached documents are never stale, stay within a number of bytes, and are not mixed up between worlds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator import Emulator
from emulator.api.serializers import SERIALIZERS, render_document
from emulator.api.serializers.rendering import CachedDocument, DocumentStore, RenderCache, TrackedReader, render_cache
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
from emulator.domain.scenario_files import find_scenario
from emulator.state.store import Snapshot
from emulator.state.world import World
from emulator.worlds.loading.scenarios import open_world
from tests.support.worlds import build_world

LANGUAGES = ("en-us", "tr-tr")
SMALL = find_scenario("demo").with_size(10, 3)

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
"""Kind -> the column that these tests change, and its type."""
CHANGES = st.tuples(st.sampled_from(list(CHANGED)), st.integers(0, 1000), st.integers(35, 40))
ADDITIONS = st.tuples(st.sampled_from([PackageItem, ProductImage, TransitionLog]), st.integers(0, 1000), st.none())
WRITES = st.lists(st.lists(st.one_of(CHANGES, ADDITIONS), min_size=1, max_size=3), min_size=1, max_size=4)


def write(world: World, steps: list[Any]) -> None:
    with world.transaction() as tx:
        for kind, at, value in steps:
            ids = tx.ids(kind)
            record = tx.get_existing(kind, ids[at % len(ids)])
            if value is None:
                tx.add(record._replace(id=tx.new_id(kind)))
            else:
                column, type_ = CHANGED[kind]
                tx.change(record, **{column: type_(value)})


def all_documents(world: World, cache: RenderCache, snapshot: Snapshot | None = None) -> dict[Any, bytes | None]:
    """Render every document of a world."""
    reader = world.records if snapshot is None else snapshot
    return {
        (name, id_, language): render_document(name, id_, reader, language, cache)
        for name, serializer in SERIALIZERS.items()
        for id_ in reader.ids(serializer.kind)
        for language in LANGUAGES
    }


def render_uncached(world: World, snapshot: Snapshot | None = None) -> dict[Any, bytes | None]:
    return all_documents(world, RenderCache(render_cache(world).language, render_cache(world).base_url), snapshot)


def small_world() -> World:
    return open_world(SMALL)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WRITES)
@pytest.mark.slow
def test_no_document_is_stale_after_any_writes(writes: list[list[Any]]) -> None:
    """Check the changed world, its earlier snapshot and an unchanged world on the same base."""
    world, other = small_world(), small_world()
    start = world.records
    assert all_documents(world, render_cache(world)) == all_documents(other, render_cache(other))
    for steps in writes:
        write(world, steps)
        assert all_documents(world, render_cache(world)) == render_uncached(world)
        assert all_documents(other, render_cache(other)) == render_uncached(other)
    assert all_documents(world, render_cache(world), start) == render_uncached(world, start)


def test_document_is_rendered_once_until_one_of_its_records_changes() -> None:
    world = small_world()
    package = world.records.ids(Package)[0]
    first = render_document("package", package, world.records, "en-us", render_cache(world))
    write(world, [(Package, 1, 35)])
    assert render_document("package", package, world.records, "en-us", render_cache(world)) is first
    write(world, [(Package, 0, 35)])
    assert render_document("package", package, world.records, "en-us", render_cache(world)) is not first


def test_two_worlds_on_one_base_share_unchanged_documents() -> None:
    one, other = small_world(), small_world()
    assert render_cache(one).store is render_cache(other).store
    package = one.records.ids(Package)[0]
    write(one, [(Package, 0, 35)])
    ours, theirs = (
        render_document("package", package, world.records, "en-us", render_cache(one)) for world in (one, other)
    )
    assert b'"remote_id":"35"' in (ours or b"")
    assert b'"remote_id":null' in (theirs or b"")
    assert render_document("package", package, one.records, "en-us", render_cache(one)) is ours
    assert render_document("package", package, other.records, "en-us", render_cache(one)) is theirs


def test_languages_have_separate_entries() -> None:
    world = small_world()
    package = world.records.ids(Package)[0]
    english, turkish = (
        render_document("package", package, world.records, language, render_cache(world)) for language in LANGUAGES
    )
    assert english != turkish
    assert render_document("package", package, world.records, "en-us", render_cache(world)) is english


def test_missing_record_has_no_document() -> None:
    world = small_world()
    assert render_document("package", 10**9, world.records, "en-us", render_cache(world)) is None


def empty_snapshot() -> Snapshot:
    return build_world().records


def test_cache_stays_within_its_limit_and_evicts_the_oldest_entry() -> None:
    store, calls = DocumentStore(limit=100), []
    cache = RenderCache("en-us", "", store)

    def get(key: str, size: int) -> CachedDocument:
        def render(reader: TrackedReader) -> bytes:
            calls.append(key)
            return b"x" * size

        return cache.get(key, empty_snapshot(), "en-us", render)

    for key in ("a", "b", "c"):
        get(key, 40)
    assert store.size == sum(len(entry.body) for entry in store.entries.values()) == 80
    get("b", 40)
    get("c", 40)
    assert calls == ["a", "b", "c"]
    get("a", 40)
    assert calls[-1] == "a"


def test_text_larger_than_the_limit_is_returned_but_not_cached() -> None:
    store = DocumentStore(limit=10)
    cache = RenderCache("en-us", "", store)
    assert len(cache.get("a", empty_snapshot(), "en-us", lambda _: b"x" * 50).body) == 50
    assert (store.size, store.entries) == (0, {})


def test_new_text_replaces_the_stale_entry() -> None:
    world, store = build_world([Package(1, 1, 1, 1, 1)]), DocumentStore(limit=1000)
    cache = RenderCache("en-us", "", store)

    def render(reader: TrackedReader) -> bytes:
        return reader.get_existing(Package, 1).number.encode() or b"none"

    assert cache.get("a", world.records, "en-us", render).body == b"none"
    with world.transaction() as tx:
        tx.change(tx.get_existing(Package, 1), number="P1")
    assert cache.get("a", world.records, "en-us", render).body == b"P1"
    (entry,) = store.entries.values()
    assert store.size == entry.size


def test_stored_payloads_do_not_change_with_their_subject() -> None:
    """The payload shows the package as it was when the event was created."""
    world = small_world()
    event = world.records.ids(WebhookEvent)[0]
    before = render_document("webhook-event", event, world.records, "en-us", render_cache(world))
    subject = world.records.get_existing(WebhookEvent, event).object_id
    with world.transaction() as tx:
        record = tx.get(Package, subject) or tx.get_existing(TransferOrder, subject)
        tx.change(record, remote_id="changed")
    assert render_document("webhook-event", event, world.records, "en-us", render_cache(world)) == before


@pytest.mark.slow
def test_worlds_of_one_base_share_one_limit() -> None:
    """The base URL of a world contains its name, so it must not select a new store."""
    with Emulator("demo", packages=1) as oms:  # without a server, all worlds have one base URL
        for name in ("one", "two"):
            assert oms.session().put(f"/__admin/worlds/{name}", json={}).status_code == 201
            assert oms.session().get(f"/w/{name}/api/v1/oms/packages/").status_code == 200
        stores = [cache for cache in oms.world.base.caches.values() if isinstance(cache, DocumentStore)]
        assert len(stores) == 1
