"""Deleted, replaced and expired worlds leave no memory behind, and every cache is bounded by what it holds."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from emulator import Emulator
from emulator.api.serializers.rendering import RenderCache, render_cache
from emulator.state.journal import Exchange, Journal, RequestInfo
from emulator.state.steps import UndoStack
from emulator.state.world import World
from tests.support.worlds import START

LIST = "/api/v1/oms/packages/"
SEED = 4_711
"""A seed that no other test has, so that no other world shares its documents."""


def delete(oms: Emulator) -> None:
    oms.session().delete("/__admin/worlds/other").raise_for_status()


def replace(oms: Emulator) -> None:
    oms.session().put("/__admin/worlds/other", json={}).raise_for_status()


def reset(oms: Emulator) -> None:
    oms.session().post("/w/other/__admin/reset").raise_for_status()


def expire(oms: Emulator) -> None:
    oms.worlds.idle_seconds = 0.0
    oms.worlds._close_idle(at_once=True)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Turn off the garbage collector, which would free what a reference cycle keeps."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def owns_documents(cache: RenderCache) -> bool:
    return any(owner is cache for owner, _ in cache.store.entries)


def use_world(oms: Emulator) -> None:
    """Read and write in the world `other`, with a hook, a snapshot and an undo."""
    other = oms.in_world("other")
    client = other.session()
    other.hooks.add("http://127.0.0.1:9/", "package.created")
    package = other.package(state="Packed")
    client.get(LIST).raise_for_status()
    client.get(f"{LIST}{package['id']}/").raise_for_status()
    client.get("/whisperer/hook_events/").raise_for_status()
    client.put("/__admin/snapshots/one", json={}).raise_for_status()
    other.package(state="Packed")
    client.get(LIST).raise_for_status()
    client.post("/__admin/undo").raise_for_status()


@pytest.mark.medium
@pytest.mark.parametrize("end", [delete, replace, reset, expire])
@pytest.mark.usefixtures("no_collection")
def test_closed_world_is_freed_at_once(end: Callable[[Emulator], None]) -> None:
    oms = Emulator("demo", seed=SEED, clock="ticking", live=60, delivery="flush")
    world: World | None = oms.in_world("other").world
    assert world is not None
    use_world(oms)
    cache, freed = render_cache(world), weakref.ref(world)
    assert owns_documents(cache)
    world = None
    end(oms)
    oms.stop()  # the thread of the live traffic may still use the world
    assert freed() is None
    oms.session().get(LIST)
    assert {entry.value.world for entry in oms._emulator_app.fast_path.answers._entries.values()} == {"default"}
    assert not owns_documents(cache)
    oms.close()


@pytest.mark.medium
def test_documents_of_a_freed_world_are_removed() -> None:
    """An emulator that is never closed."""
    caches = []
    for _ in range(2):
        oms = Emulator("demo", seed=SEED)
        gc.collect()
        oms.package(state="Packed")
        oms.session().get(LIST)
        caches.append(render_cache(oms.world))
    assert [owns_documents(cache) for cache in caches] == [False, True]


def test_removal_of_one_worlds_documents_keeps_those_of_others() -> None:
    oms = Emulator("demo", seed=SEED)
    for name in ("one", "two"):
        oms.in_world(name).package(state="Packed")
        oms.in_world(name).session().get(LIST)
    one, two = (render_cache(oms.in_world(name).world) for name in ("one", "two"))
    shared = sum(owner == two.shared_owner for owner, _ in two.store.entries)
    one.clear()
    assert (owns_documents(one), owns_documents(two)) == (False, True)
    assert sum(owner == two.shared_owner for owner, _ in two.store.entries) == shared > 0


@pytest.mark.medium
def test_closed_world_stores_no_documents() -> None:
    """A request that is still answered when its world is deleted."""
    oms = Emulator("demo", seed=SEED)
    oms.in_world("other").package(state="Packed")
    world = oms.in_world("other").world
    delete(oms)
    cache = render_cache(world)
    cache.get("key", world.records, "en-us", lambda reader: b"x" if reader.related(int, "x", 1) else b"y")
    assert (cache.is_closed, [key for key in cache.store.entries if key[0] is cache]) == (True, [])


@pytest.mark.medium
def test_cached_documents_keep_no_snapshot() -> None:
    oms = Emulator("demo", seed=SEED)
    oms.package(state="Packed")
    maps = weakref.ref(oms.world.records.maps)
    oms.session().get(LIST)
    oms.package(state="Packed")
    oms.world.undo_stack = UndoStack()
    gc.collect()
    assert maps() is None


@pytest.mark.medium
def test_known_answers_count_urls() -> None:
    oms = Emulator("demo", seed=SEED)
    cache, session = oms._emulator_app.fast_path.answers, oms.session()
    cache.max_bytes = 100_000
    for number in range(30):
        session.get(f"{LIST}?limit=1&unknown={number}" + "x" * 3_000)
    assert 2 <= len(cache) <= 10


def test_document_store_counts_reads() -> None:
    oms = Emulator("demo", seed=SEED)
    oms.session().get(LIST)
    store = render_cache(oms.world).store
    assert store.size > sum(len(entry.body) for entry in store.entries.values())


def test_journal_counts_paths_and_response_headers() -> None:
    journal = Journal(byte_limit=100_000)
    for number in range(100):
        headers = {"X-Emulator-Hint": "x" * 5_000}
        journal.add(Exchange(str(number), START, "GET", "/" * 5_000, "", 200, RequestInfo(), {}, headers, b""))
    assert len(journal) == 9
