"""Filter results equal those of testing every record."""

from __future__ import annotations

import random
from typing import Any

import pytest

from emulator.api.filters import FILTER_SETS, Condition, FilterSet, ListQuery
from emulator.api.filters.query import DEPENDENTS_BY_KIND, find_ids, query_cache_of, scan_records
from emulator.client.emulator import Emulator
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
from emulator.domain.scenario_files import find_scenario
from emulator.domain.seeding import make_demo_dataset
from emulator.state.store import Snapshot, Transaction, follow_path, read_column

START = find_scenario("demo").start
TABLES = [FILTER_SETS["package"], FILTER_SETS["transfer"]]
PATHS = sorted(
    {(table.kind, path.column) for table in TABLES for one in table.filters for path in one.paths}
    | {(table.kind, path) for table in TABLES for path in table.sortable.values()},
    key=str,
)


@pytest.mark.parametrize(("packages", "seed"), [(0, 1), (1, 1), (4, 2), (78, 3), (203, 1), (391, 77)])
def test_columns_from_plans_equal_the_records(packages: int, seed: int) -> None:
    """Every column that filters use has the values that the paths from the records lead to."""
    base = make_demo_dataset(packages, seed, START)
    for kind, path in PATHS:
        assert list(base.column(kind, path)) == read_column(base, kind, path), path


def some_values(root: Snapshot, table: FilterSet, rng: random.Random) -> ListQuery:
    """Return a query of one to three conditions on values that records have."""
    conditions = []
    for one in rng.sample([one for one in table.filters if one.paths], rng.choice((1, 1, 2, 3))):
        path = one.paths[0]
        kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
        record = root.get(kind, rng.choice(root.ids(kind)))
        value = next(
            (found for found in follow_path(root, kind, record, steps.split(".")) if found is not None), None
        )
        if value is not None:
            conditions.append(Condition(one, frozenset({value}) if one.value_type.endswith("list") else value))
    names = rng.sample(sorted(table.sortable), rng.choice((0, 1, 2)))
    return ListQuery(table, tuple(conditions), tuple(rng.choice(("", "-")) + table.sortable[name] for name in names))


def agrees(root: Snapshot, query: ListQuery) -> bool:
    return list(find_ids(root, query)) == scan_records(root, query, query.sort or query.filters.order)


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
"""Kinds that filters look at -> what a test changes of them."""


def change(tx: Transaction, rng: random.Random) -> None:
    kind = rng.choice(list(CHANGES))
    record = tx.get_existing(kind, rng.choice(tx.ids(kind)))
    column = rng.choice(list(CHANGES[kind]))
    tx.change(record, **{column: CHANGES[kind][column]})


def add(tx: Transaction, rng: random.Random) -> None:
    package = tx.get_existing(Package, rng.choice(tx.ids(Package)))
    new = tx.add(package._replace(id=tx.new_id(Package), number=f"{package.number}X", created_date=tx.now))
    item = tx.get_existing(PackageItem, rng.choice(tx.ids(PackageItem)))
    tx.change(item, package=new.id)


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_a_changed_world_is_found_as_if_looked_through(seed: int, table: FilterSet) -> None:
    """After any changes, of any kind that filters look at, a query finds what looking at every record finds."""
    rng = random.Random(seed)
    world = Emulator("demo", packages=83, seed=seed).world
    for _ in range(12):
        with world.transaction() as tx:
            rng.choice((change, change, add))(tx, rng)
        for _ in range(8):
            query = some_values(world.records, table, rng)
            assert agrees(world.records, query), query


def test_every_kind_on_a_path_leads_to_its_list() -> None:
    """A kind that a path goes through and that no table leads from would make answers stale."""
    for table in TABLES:
        through = {
            kind for one in table.filters for path in one.paths for kind in on_the_way(table.kind, path.column)
        }
        assert through <= set(DEPENDENTS_BY_KIND[table.kind])


def on_the_way(kind: type[Any], column: str) -> list[type[Any]]:
    from emulator.core.records import REFERENCES  # noqa: PLC0415
    from emulator.state.store import TO_MANY_STEPS  # noqa: PLC0415 - a detail of this walk

    found = [kind]
    for step in column.split(".")[:-1]:
        kind = TO_MANY_STEPS[kind, step][0] if (kind, step) in TO_MANY_STEPS else REFERENCES[kind][step]
        found.append(kind)
    return found


def test_equal_queries_use_the_caches() -> None:
    """The same root returns the same object; another root uses the cached result for the base."""
    world = Emulator("demo", packages=83).world
    one = next(one for one in FILTER_SETS["package"].filters if one.name == "state")
    query = ListQuery(FILTER_SETS["package"], (Condition(one, 35),))
    first = find_ids(world.records, query)
    assert find_ids(world.records, query) is first
    kept = dict(query_cache_of(world.base)._results)
    with world.transaction() as tx:
        tx.change(tx.get_existing(Package, first[0]), state=37)
    assert list(find_ids(world.records, query)) == list(first)[1:]
    assert query_cache_of(world.base)._results == kept
