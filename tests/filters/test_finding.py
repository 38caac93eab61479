"""What indexes and splices find is what looking at every record finds."""

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
    {(table.kind, path.column) for table in TABLES for one in table.filters for path in one.paths}
    | {(table.kind, path) for table in TABLES for path in table.sortable.values()},
    key=str,
)


@pytest.mark.parametrize(("packages", "seed"), [(0, 1), (1, 1), (4, 2), (78, 3), (203, 1), (391, 77)])
def test_plans_tell_what_records_will_say(packages: int, seed: int) -> None:
    """Every column that filters use, from the plans alone, is what following the path gives."""
    base = demo_base(packages, seed, START)
    for kind, path in PATHS:
        made, wanted = base.column(kind, path), gathered(base, kind, base.ids(kind), path)
        assert entries(made) == entries(wanted), path


def entries(column: Any) -> list[tuple[int, Any]]:
    owners = column.owners if column.owners is not None else range(len(column.values))
    values = (None if column.null is not None and value == column.null else value for value in column.values)
    return list(zip(owners, values, strict=True))


def some_values(root: Root, table: FilterSet, dice: random.Random) -> Wanted:
    """Give a query of one to three conditions on values that records have."""
    conditions = []
    for one in dice.sample([one for one in table.filters if one.paths], dice.choice((1, 1, 2, 3))):
        path = one.paths[0]
        kind, steps = (path.kind, path.tail) if path.kind else (table.kind, path.column)
        record = root.get(kind, dice.choice(root.ids(kind)))
        value = next((found for found in follow(root, kind, record, steps.split(".")) if found is not None), None)
        if value is not None:
            conditions.append(Condition(one, frozenset({value}) if one.type.endswith("list") else value))
    names = dice.sample(sorted(table.sortable), dice.choice((0, 1, 2)))
    return Wanted(table, tuple(conditions), tuple(dice.choice(("", "-")) + table.sortable[name] for name in names))


def agrees(root: Root, wanted: Wanted) -> bool:
    found = find(root, wanted)
    ids = [found[at] for at in range(len(found))]
    return ids == scanned(root, wanted, wanted.sort or wanted.filters.order)


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


def change(tx: Transaction, dice: random.Random) -> None:
    kind = dice.choice(list(CHANGES))
    record = tx.one(kind, dice.choice(tx.ids(kind)))
    column = dice.choice(list(CHANGES[kind]))
    tx.change(record, **{column: CHANGES[kind][column]})


def add(tx: Transaction, dice: random.Random) -> None:
    package = tx.one(Package, dice.choice(tx.ids(Package)))
    new = tx.add(package._replace(id=tx.new_id(Package), number=f"{package.number}X", created_date=tx.now))
    item = tx.one(PackageItem, dice.choice(tx.ids(PackageItem)))
    tx.change(item, package=new.id)


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_a_changed_world_is_found_as_if_looked_through(seed: int, table: FilterSet) -> None:
    """After any changes, of any kind that filters look at, a query finds what looking at every record finds."""
    dice = random.Random(seed)
    world = Emulator("demo", packages=83, seed=seed).world
    for _ in range(12):
        with world.transaction() as tx:
            dice.choice((change, change, add))(tx, dice)
        for _ in range(8):
            wanted = some_values(world.root, table, dice)
            assert agrees(world.root, wanted), wanted


def test_every_kind_on_a_path_leads_to_its_list() -> None:
    """A kind that a path goes through and that no table leads from would make answers stale."""
    for table in TABLES:
        through = {
            kind for one in table.filters for path in one.paths for kind in on_the_way(table.kind, path.column)
        }
        assert through <= set(LEADS[table.kind])


def on_the_way(kind: type[Any], column: str) -> list[type[Any]]:
    from emulator.core.columns import MANY  # noqa: PLC0415 - a detail of this walk
    from emulator.core.records import REFERENCES  # noqa: PLC0415

    found = [kind]
    for step in column.split(".")[:-1]:
        kind = MANY[kind, step][0] if (kind, step) in MANY else REFERENCES[kind][step]
        found.append(kind)
    return found


def test_equal_queries_are_answered_from_what_was_found() -> None:
    """With the same root the very same result; with another root the base's part is not found anew."""
    world = Emulator("demo", packages=83).world
    one = next(one for one in FILTER_SETS["package"].filters if one.name == "state")
    wanted = Wanted(FILTER_SETS["package"], (Condition(one, 35),))
    first = find(world.root, wanted)
    assert find(world.root, wanted) is first
    kept = dict(indexes_of(world.base)._found)
    with world.transaction() as tx:
        tx.change(tx.one(Package, first[0]), state=37)
    assert list(find(world.root, wanted)) == list(first)[1:]
    assert indexes_of(world.base)._found == kept
