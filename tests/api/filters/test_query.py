"""Filter results equal those of testing every record."""

from __future__ import annotations

import random
from typing import Any, NoReturn

import pytest

from emulator.api.filters import FILTER_SETS, Condition, FilterSet, ListQuery
from emulator.api.filters.query import DEPENDENTS_BY_KIND, find_ids, query_cache_of, scan_records
from emulator.client.emulator import Emulator
from emulator.core.records import (
    REFERENCES,
    Address,
    Customer,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    StockLocation,
    TransferItem,
    TransferOrder,
    TransitionLog,
)
from emulator.domain.scenario_files import find_scenario
from emulator.domain.seeding import DemoDataset, make_demo_dataset
from emulator.state.store import TO_MANY_STEPS, Snapshot, Transaction, follow_path, read_column

START = find_scenario("demo").start
TABLES = [FILTER_SETS[name] for name in ("package", "transfer", "transition_log")]
PATHS = sorted(
    {(table.kind, path.column) for table in TABLES for filter_ in table.filters for path in filter_.paths}
    | {(table.kind, path) for table in TABLES for path in table.sortable.values()},
    key=str,
)


@pytest.mark.medium
@pytest.mark.parametrize(("packages", "seed"), [(0, 1), (1, 1), (4, 2), (78, 3), (203, 1), (391, 77)])
def test_columns_from_plans_equal_the_records(packages: int, seed: int) -> None:
    """Every column that filters use has the values that the paths from the records lead to."""
    base = make_demo_dataset(packages, seed, START)
    for kind, path in PATHS:
        assert list(base.column(kind, path)) == read_column(base, kind, path), path


def refuse_block(_: DemoDataset, number: int) -> NoReturn:
    pytest.fail(f"made the records of block {number}")


def test_logs_are_found_without_making_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids and the columns of all logs come from plans, because all records would take seconds to make."""
    monkeypatch.setattr(DemoDataset, "_make_block", refuse_block)
    base = make_demo_dataset(203, 1, START)
    ids = base.ids(TransitionLog)
    for path in {path for kind, path in PATHS if kind is TransitionLog}:
        assert len(base.column(TransitionLog, path)) == len(ids) > 203


def random_query(snapshot: Snapshot, table: FilterSet, rng: random.Random) -> ListQuery:
    """Return a query of one to three conditions on values that records have."""
    conditions = []
    for filter_ in rng.sample([each for each in table.filters if each.paths], rng.choice((1, 1, 2, 3))):
        path = filter_.paths[0]
        kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
        record = snapshot.get(kind, rng.choice(snapshot.ids(kind)))
        values = follow_path(snapshot, kind, record, steps.split("."))
        value = next((value for value in values if value is not None), None)
        if value is not None:
            conditions.append(
                Condition(filter_, frozenset({value}) if filter_.value_type.endswith("list") else value)
            )
    names = rng.sample(sorted(table.sortable), rng.choice((0, 1, 2)))
    return ListQuery(table, tuple(conditions), tuple(rng.choice(("", "-")) + table.sortable[name] for name in names))


def equals_scan(snapshot: Snapshot, query: ListQuery) -> bool:
    return list(find_ids(snapshot, query)) == scan_records(snapshot, query, query.sort or query.filters.order)


CHANGES: dict[type[Any], dict[str, Any]] = {
    Package: {"state": 37, "number": "OO1", "modified_date": START, "delivery_range": None},
    Order: {"number": "OO2", "delivery_type": "x", "date_placed": START, "is_click_and_collect": True},
    OrderItem: {"omnitron_id": 1, "product": 1},
    Customer: {"first_name": "Ada", "last_name": "İz"},
    Address: {"township": 457, "city": 40},
    Shipment: {"created_date": START, "cargo_company": 2, "awb_number": "77"},
    StockLocation: {"erp_code": "77", "stock_location_type": "dark"},
    TransferOrder: {"state": 75, "modified_date": START},
    TransferItem: {"product": 2},
}
"""Kind that filters read -> column -> the value that a test stores."""


def change_record(tx: Transaction, rng: random.Random) -> None:
    kind = rng.choice(list(CHANGES))
    record = tx.get_existing(kind, rng.choice(tx.ids(kind)))
    column = rng.choice(list(CHANGES[kind]))
    tx.change(record, **{column: CHANGES[kind][column]})


def add_package(tx: Transaction, rng: random.Random) -> None:
    package = tx.get_existing(Package, rng.choice(tx.ids(Package)))
    new = tx.add(package._replace(id=tx.new_id(Package), number=f"{package.number}X", created_date=tx.now))
    item = tx.get_existing(PackageItem, rng.choice(tx.ids(PackageItem)))
    tx.change(item, package=new.id)


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_query_of_a_changed_world_equals_a_scan(seed: int, table: FilterSet) -> None:
    """Change records of every kind that filters read, and compare queries with a scan of all records."""
    rng = random.Random(seed)
    world = Emulator("demo", packages=83, seed=seed).world
    for _ in range(12):
        with world.transaction() as tx:
            rng.choice((change_record, change_record, add_package))(tx, rng)
        for _ in range(8):
            query = random_query(world.records, table, rng)
            assert equals_scan(world.records, query), query


def test_every_kind_on_a_path_has_dependents() -> None:
    """Results would be stale after a change of a kind that a path uses but `DEPENDENTS_BY_KIND` lacks."""
    for table in TABLES:
        used = {
            kind
            for filter_ in table.filters
            for path in filter_.paths
            for kind in kinds_on_path(table.kind, path.column)
        }
        assert used <= set(DEPENDENTS_BY_KIND[table.kind])


def kinds_on_path(kind: type[Any], column: str) -> list[type[Any]]:
    kinds = [kind]
    for step in column.split(".")[:-1]:
        kind = TO_MANY_STEPS[kind, step][0] if (kind, step) in TO_MANY_STEPS else REFERENCES[kind][step]
        kinds.append(kind)
    return kinds


def test_equal_queries_use_the_caches() -> None:
    """The same snapshot returns the same object. Another snapshot uses the cached result of the base."""
    world = Emulator("demo", packages=83).world
    state = next(filter_ for filter_ in FILTER_SETS["package"].filters if filter_.name == "state")
    query = ListQuery(FILTER_SETS["package"], (Condition(state, 35),))
    first = find_ids(world.records, query)
    assert find_ids(world.records, query) is first
    cached = dict(query_cache_of(world.base)._results)
    with world.transaction() as tx:
        tx.change(tx.get_existing(Package, first[0]), state=37)
    assert list(find_ids(world.records, query)) == list(first)[1:]
    assert query_cache_of(world.base)._results == cached
