"""The store has the same content as plain dicts after any writes, and its snapshots never change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sized
from copy import deepcopy
from itertools import chain
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.core.records import RELATIONS, Package, PackageItem, Stock, TransitionLog
from emulator.state.persistent_map import MAX_CHUNK, MAX_ENTRIES, IdList, Ids
from emulator.state.store import Reader, Snapshot, TableDataset, Transaction
from emulator.state.world import World
from tests.support.worlds import START, build_world

KEYS = st.integers(1, 4)
KINDS: dict[type[Any], tuple[str, ...]] = {
    PackageItem: ("state", "order_item", "package"),
    TransitionLog: ("old_state", "new_state", "object_id", "content_type"),
    Stock: ("product", "stock_location"),
    Package: ("order", "shipping_address", "state", "stock_location"),
}
"""Kinds with a relation of one column, of two columns, with two relations, and with a tally."""

ADDS = st.tuples(st.just("add"), st.sampled_from(list(KINDS)), st.lists(KEYS, min_size=4, max_size=4))
CHANGES = st.tuples(st.just("change"), st.sampled_from(list(KINDS)), st.tuples(st.integers(0, 50), KEYS, KEYS))
REMOVALS = st.tuples(st.just("remove"), st.sampled_from(list(KINDS)), st.integers(0, 50))
STEPS = st.lists(st.one_of(ADDS, CHANGES, REMOVALS), max_size=8)
ROUNDS = st.lists(st.tuples(STEPS, st.booleans()), max_size=6)
"""Transactions: the steps of each, and whether it fails at its end."""
STARTS = st.lists(st.tuples(st.sampled_from(list(KINDS)), st.lists(KEYS, min_size=4, max_size=4)), max_size=8)

Model = dict[type[Any], dict[int, Any]]


def make_record(kind: type[Any], id_: int, values: list[int]) -> Any:
    return kind(id=id_, **dict(zip(KINDS[kind], values, strict=False)))


def make_model(start: Iterable[tuple[type[Any], list[int]]]) -> Model:
    model: Model = {kind: {} for kind in KINDS}
    for position, (kind, values) in enumerate(start):
        model[kind][10 + 3 * position] = make_record(kind, 10 + 3 * position, values)
    return model


def first_free(model: Model) -> dict[type[Any], int]:
    return {kind: max(table, default=0) + 1 for kind, table in model.items()}


def check_equal(view: Reader, model: Model) -> None:
    """Check that a reader has the content of the model."""
    for kind, table in model.items():
        ids = view.ids(kind)
        assert (list(ids), len(ids)) == (sorted(table), len(table))
        assert [ids[at] for at in range(-len(ids), 0)] == sorted(table)
        assert list(view.all(kind)) == [table[id_] for id_ in sorted(table)]
        assert all(view.get(kind, id_) == table.get(id_) for id_ in range(80))
        assert [id_ for id_ in range(80) if view.has(kind, id_)] == sorted(table)
        for relation, columns in RELATIONS[kind].items():
            for key in keys_of(columns):
                expected = [id_ for id_ in sorted(table) if attrgetter(*columns)(table[id_]) == key]
                assert list(view.related(kind, relation, key)) == expected
                assert view.find(kind, relation, key) == [table[id_] for id_ in expected]
    counted = Counter((package.stock_location, package.state) for package in model[Package].values())
    assert {key: number for key, number in view.tally(Package).items() if number} == counted
    assert all(view.count(Package, (a, b)) == counted[a, b] for a in range(6) for b in range(6))


def keys_of(columns: tuple[str, ...]) -> list[Any]:
    return list(range(6)) if len(columns) == 1 else [(a, b) for a in range(6) for b in range(6)]


class Failure(Exception):
    """The error of a handler."""


def run(world: World, model: Model, free: dict[type[Any], int], steps: list[Any], *, fails: bool) -> None:
    with world.transaction() as tx:
        for what, kind, values in steps:
            if what == "add":
                id_ = tx.new_id(kind)
                assert id_ == free[kind]
                free[kind] += 1
                model[kind][id_] = tx.add(make_record(kind, id_, values))
            elif what == "remove" and model[kind]:
                record = tx.get_existing(kind, sorted(model[kind])[values % len(model[kind])])
                tx.remove(record)
                del model[kind][record.id]
            elif model[kind]:
                at, first, second = values
                id_ = sorted(model[kind])[at % len(model[kind])]
                columns = dict(zip(KINDS[kind][-2:], (first, second), strict=True))
                model[kind][id_] = model[kind][id_]._replace(**columns)
                assert tx.change(tx.get_existing(kind, id_), **columns) == model[kind][id_]
        check_equal(tx, model)
        if fails:
            raise Failure


@pytest.mark.medium
@settings(max_examples=60, deadline=None)
@given(STARTS, ROUNDS)
def test_the_store_agrees_with_plain_dicts(start: Any, rounds: Any) -> None:
    """They are equal inside a transaction, after it, and after a failed one. Old snapshots do not change."""
    model = make_model(start)
    free = first_free(model)
    world = build_world(record for table in model.values() for record in table.values())
    snapshots: list[tuple[Snapshot, Model]] = [(world.records, deepcopy(model))]
    for steps, fails in rounds:
        attempt, taken, before = deepcopy(model), dict(free), (world.records, world.clock.now())
        if fails:
            with pytest.raises(Failure):
                run(world, attempt, taken, steps, fails=True)
            assert (world.records, world.clock.now()) == before
        else:
            run(world, attempt, taken, steps, fails=False)
            model, free = attempt, taken
        check_equal(world.records, model)
        snapshots.append((world.records, deepcopy(model)))
    for snapshot, expected in snapshots:
        check_equal(snapshot, expected)


def test_a_world_can_return_to_an_old_snapshot() -> None:
    """Ids that were used since are free again."""
    world = build_world()
    old = world.records
    for _ in range(2):
        with world.transaction() as tx:
            assert tx.add(Stock(tx.new_id(Stock), 1, 1)).id == 1
        assert list(world.records.ids(Stock)) == [1]
        world.records = old
        assert list(world.records.ids(Stock)) == []


def test_two_worlds_on_one_base_do_not_see_each_other() -> None:
    base = TableDataset({Stock: {1: Stock(1, 1, 1)}})
    one, other = build_world(), build_world()
    one.records, other.records = Snapshot(base, {}), Snapshot(base, {})
    with one.transaction() as tx:
        tx.change(tx.get_existing(Stock, 1), quantity=5)
    assert (one.records.get_existing(Stock, 1).quantity, other.records.get_existing(Stock, 1).quantity) == (5, 0)


def test_a_change_is_applied_to_the_current_version_of_the_record() -> None:
    """The caller may pass an older version."""
    world = build_world([Stock(1, 1, 1)])
    with world.transaction() as tx:
        old = tx.get_existing(Stock, 1)
        tx.change(old, quantity=5)
        assert tx.change(old, product=2) == Stock(1, 2, 1, 5)


def test_a_relation_has_a_record_whose_key_was_changed_back() -> None:
    world = build_world([Stock(1, 1, 1), Stock(2, 1, 1)])
    with world.transaction() as tx:
        tx.change(tx.get_existing(Stock, 1), product=2)
        tx.change(tx.get_existing(Stock, 1), product=1)
        assert tx.related(Stock, "place", (1, 1)) == (1, 2)
        assert tx.related(Stock, "place", (1, 2)) == ()


def test_a_removed_record_does_not_exist() -> None:
    """Its id is not used again. Old snapshots still have it."""
    world = build_world([Stock(1, 1, 1), Stock(2, 1, 1)])
    old = world.records
    with world.transaction() as tx:
        tx.remove(tx.get_existing(Stock, 2))
        with pytest.raises(LookupError):
            tx.change(Stock(2, 1, 1), quantity=1)
        with pytest.raises(LookupError):
            tx.remove(Stock(2, 1, 1))
        assert tx.new_id(Stock) == 3
    assert (list(world.records.ids(Stock)), world.records.find(Stock, "place", (1, 1))) == ([1], [Stock(1, 1, 1)])
    assert list(old.ids(Stock)) == [1, 2]


def test_an_unknown_relation_is_an_error() -> None:
    with pytest.raises(LookupError, match="Stock has no relation 'product'"):
        build_world([Stock(1, 1, 1)]).records.related(Stock, "product", 1)


def test_the_error_for_a_missing_record_names_kind_and_id() -> None:
    with pytest.raises(LookupError, match="no Package has the id 7"):
        build_world().records.get_existing(Package, 7)


def test_transaction_has_a_time() -> None:
    world = build_world()
    with world.transaction() as tx:
        assert START < tx.now == world.clock.next_write_time()
    assert world.clock.now() == tx.now


@pytest.mark.medium
@given(st.lists(st.sampled_from(["add", "remove first", "remove last", "remove middle"]), max_size=60))
def test_a_removed_record_that_is_not_in_the_base_leaves_no_trace(moves: list[str]) -> None:
    """In any order of removals the other records remain, and no map keeps an entry of a removed record."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    added: list[int] = []
    for move in moves:
        with world.transaction() as tx:
            if move == "add":
                added.append(tx.add(Stock(tx.new_id(Stock), 9, 9)).id)
            elif added:
                index = {"remove first": 0, "remove last": -1, "remove middle": len(added) // 2}[move]
                tx.remove(tx.get_existing(Stock, added.pop(index)))
    assert list(world.records.ids(Stock)) == [1, 2, *added]
    assert world.records.added_ids(Stock) == added
    assert world.records.related(Stock, "place", (9, 9)) == tuple(added)
    with world.transaction() as tx:
        for id_ in added:
            tx.remove(tx.get_existing(Stock, id_))
    assert list(world.records.ids(Stock)) == [1, 2]
    assert not any(world.records.maps.get(name) for name in (Stock, (Stock, "place")))


MANY = 50_000


def make_log(id_: int) -> TransitionLog:
    return TransitionLog(id_, old_state=1, new_state=2, object_id=1, content_type=18)


def ids_of_logs(reader: Reader) -> Ids:
    return reader.related(TransitionLog, "subject", (18, 1))


def count_copied(before: Iterable[Sized], after: Iterable[Sized]) -> int:
    """Return the number of parts, and of what is in those that are not shared."""
    shared, parts = set(map(id, before)), list(after)
    return len(parts) + sum(len(part) for part in parts if id(part) not in shared)


def count_copied_ids(before: Reader, after: Reader) -> int:
    one, other = (ids.chunks if isinstance(ids, IdList) else [ids] for ids in map(ids_of_logs, (before, after)))
    return count_copied(one, other)


def count_copied_entries(before: Reader, after: Reader) -> int:
    one, other = (reader.maps[TransitionLog]._rows for reader in (before, after))
    in_dictionaries = count_copied(chain(*one), chain(*other)) - sum(map(len, other))
    return count_copied(one, other) + in_dictionaries


@pytest.fixture(scope="module")
def many_logs() -> Snapshot:
    """Return a snapshot with 50,000 log entries of one package, which were written in this world."""
    transaction = Transaction(build_world().records, START)
    for id_ in range(2, MANY + 2):
        transaction.add(make_log(id_))
    return transaction.to_snapshot()


CHANGES_OF_MANY: dict[str, tuple[Callable[[Transaction], object], int]] = {
    "add": (lambda tx: tx.add(make_log(MANY + 2)), 1),
    "add before": (lambda tx: tx.add(make_log(1)), 1),
    "change": (lambda tx: tx.change(make_log(MANY // 2), new_state=3), 0),
    "remove": (lambda tx: tx.remove(make_log(MANY // 2)), -1),
}
"""Change -> function, and how many ids it adds."""


@pytest.mark.medium
@pytest.mark.parametrize("change", CHANGES_OF_MANY)
def test_a_write_copies_a_small_part_of_many_ids_and_records(change: str, many_logs: Snapshot) -> None:
    """All ids have the same key."""
    call, added = CHANGES_OF_MANY[change]
    transaction = Transaction(many_logs, START)
    call(transaction)
    assert (len(ids_of_logs(transaction)), len(ids_of_logs(many_logs))) == (MANY + added, MANY)
    assert count_copied_ids(many_logs, transaction) <= 3 * MAX_CHUNK
    assert count_copied_entries(many_logs, transaction) <= 5 * MAX_ENTRIES


@pytest.mark.medium
def test_a_new_id_does_not_copy_the_many_ids_of_the_base() -> None:
    base = Snapshot(TableDataset({TransitionLog: {id_: make_log(id_) for id_ in range(1, MANY + 1)}}), {})
    transaction = Transaction(base, START)
    transaction.add(make_log(MANY + 1))
    assert ids_of_logs(transaction)[-2:] == (MANY, MANY + 1)
    assert count_copied_ids(base, transaction) <= MAX_CHUNK
