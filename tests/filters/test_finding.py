"""Queries that use indexes find the same records as a scan of all records."""

from __future__ import annotations

import random
from typing import Any

import pytest

from emulator.core.columns import follow, gathered
from emulator.core.records import (
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
)
from emulator.core.store import Root, Transaction
from emulator.rules.filters import FILTER_SETS, Condition, FilterSet, Wanted
from emulator.rules.filters.changes import LEADS
from emulator.rules.filters.finding import find, indexes_of, scanned
from emulator.rules.scenarios import scenario
from emulator.rules.seeding import demo_base
from emulator.server import Emulator

START = scenario("demo").start
TABLES = [FILTER_SETS["package"], FILTER_SETS["transfer"]]
PATHS = sorted(
    {(table.kind, path.column) for table in TABLES for filter_ in table.filters for path in filter_.paths}
    | {(table.kind, path) for table in TABLES for path in table.sortable.values()},
    key=str,
)


@pytest.mark.parametrize(("packages", "seed"), [(0, 1), (1, 1), (4, 2), (78, 3), (203, 1), (391, 77)])
def test_columns_of_plans_equal_columns_of_records(packages: int, seed: int) -> None:
    """A column that is computed from the plans equals the one that is read from the records."""
    base = demo_base(packages, seed, START)
    for kind, path in PATHS:
        planned, expected = base.column(kind, path), gathered(base, kind, base.ids(kind), path)
        assert entries(planned) == entries(expected), path


def entries(column: Any) -> list[tuple[int, Any]]:
    owners = column.owners if column.owners is not None else range(len(column.values))
    values = (None if column.null is not None and value == column.null else value for value in column.values)
    return list(zip(owners, values, strict=True))


def random_query(root: Root, table: FilterSet, rng: random.Random) -> Wanted:
    """Return a query of one to three conditions with values that records have."""
    conditions = []
    filters = [filter_ for filter_ in table.filters if filter_.paths]
    for filter_ in rng.sample(filters, rng.choice((1, 1, 2, 3))):
        path = filter_.paths[0]
        kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
        record = root.get(kind, rng.choice(root.ids(kind)))
        value = next((each for each in follow(root, kind, record, steps.split(".")) if each is not None), None)
        if value is not None:
            conditions.append(Condition(filter_, frozenset({value}) if filter_.type.endswith("list") else value))
    names = rng.sample(sorted(table.sortable), rng.choice((0, 1, 2)))
    return Wanted(table, tuple(conditions), tuple(rng.choice(("", "-")) + table.sortable[name] for name in names))


def equals_scan(root: Root, query: Wanted) -> bool:
    result = find(root, query)
    ids = [result[index] for index in range(len(result))]
    return ids == scanned(root, query, query.sort or query.filters.order)


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
"""Kinds that filters read -> columns that the test changes, with their new values."""


def change(tx: Transaction, rng: random.Random) -> None:
    kind = rng.choice(list(CHANGES))
    record = tx.one(kind, rng.choice(tx.ids(kind)))
    column = rng.choice(list(CHANGES[kind]))
    tx.change(record, **{column: CHANGES[kind][column]})


def add(tx: Transaction, rng: random.Random) -> None:
    package = tx.one(Package, rng.choice(tx.ids(Package)))
    new = tx.add(package._replace(id=tx.new_id(Package), number=f"{package.number}X", created_date=tx.now))
    item = tx.one(PackageItem, rng.choice(tx.ids(PackageItem)))
    tx.change(item, package=new.id)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_query_after_random_changes_equals_a_scan(seed: int, table: FilterSet) -> None:
    rng = random.Random(seed)
    world = Emulator("demo", packages=83, seed=seed).world
    for _ in range(12):
        with world.transaction() as tx:
            rng.choice((change, change, add))(tx, rng)
        for _ in range(8):
            query = random_query(world.root, table, rng)
            assert equals_scan(world.root, query), query


def test_every_kind_on_a_filter_path_invalidates_its_list() -> None:
    """Otherwise results would be stale."""
    for table in TABLES:
        through = {
            kind
            for filter_ in table.filters
            for path in filter_.paths
            for kind in kinds_on_path(table.kind, path.column)
        }
        assert through <= set(LEADS[table.kind])


def kinds_on_path(kind: type[Any], column: str) -> list[type[Any]]:
    from emulator.core.columns import MANY  # noqa: PLC0415 - used only here
    from emulator.core.records import REFERENCES  # noqa: PLC0415

    kinds = [kind]
    for step in column.split(".")[:-1]:
        kind = MANY[kind, step][0] if (kind, step) in MANY else REFERENCES[kind][step]
        kinds.append(kind)
    return kinds


def test_equal_queries_use_the_cached_result() -> None:
    """The same root gives the same object. Another root reuses the result of the base."""
    world = Emulator("demo", packages=83).world
    state_filter = next(filter_ for filter_ in FILTER_SETS["package"].filters if filter_.name == "state")
    query = Wanted(FILTER_SETS["package"], (Condition(state_filter, 35),))
    first = find(world.root, query)
    assert find(world.root, query) is first
    cached = dict(indexes_of(world.base)._found)
    with world.transaction() as tx:
        tx.change(tx.one(Package, first[0]), state=37)
    assert list(find(world.root, query)) == list(first)[1:]
    assert indexes_of(world.base)._found == cached
