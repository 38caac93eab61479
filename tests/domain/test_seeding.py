"""A demo dataset is complete, depends on its seed alone, and matches its plans."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import Any

import pytest

from emulator.core.records import (
    KINDS,
    REFERENCES,
    RELATIONS,
    Address,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Shipment,
    ShippingLabel,
    TransferOrder,
    TransitionLog,
    WebhookEvent,
)
from emulator.domain.seeding import MAX_CACHED_BLOCKS, DemoDataset, make_demo_dataset
from emulator.domain.seeding.plans import (
    ID_RANGES,
    KINDS_WITHOUT_GAPS,
    PACKAGES_PER_BLOCK,
    PackagePlan,
    TransferPlan,
)
from emulator.domain.seeding.pools import pool
from emulator.state.store import Snapshot
from tests.domain.seeded import PACKAGE, SIZES, START, TRANSFER, demo, packages_of, transfers_of

pytestmark = pytest.mark.slow

# --- what there is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packages", [0, 1, 3, 4, 5, 199, 200, 36_404, 100_000])
def test_number_of_packages_and_transfers(packages: int) -> None:
    base = demo(packages)
    assert len(base.ids(Package)) == packages
    assert len(base.ids(TransferOrder)) == packages // 5
    assert isinstance(base.ids(Package), range)
    assert isinstance(base.ids(TransferOrder), range)


@pytest.mark.parametrize("packages", [0, 1, 3, 4, 7, 199, 200])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_ids_are_ascending_and_complete(packages: int, kind: type[Any]) -> None:
    """No other id has a record, and the next id is free."""
    base = demo(packages)
    ids = list(base.ids(kind))
    assert ids == sorted(set(ids))
    assert all(base.get(kind, id_).id == id_ for id_ in ids)
    next_id = base.next_id(kind)
    if kind in ID_RANGES:
        assert [id_ for id_ in range(ID_RANGES[kind].first - 9, next_id + 9) if base.get(kind, id_)] == ids
    assert base.get(kind, next_id) is None
    assert not ids or next_id > ids[-1]


@pytest.mark.parametrize("kind", ID_RANGES, ids=lambda kind: kind.__name__)
def test_block_uses_only_its_reserved_ids(kind: type[Any]) -> None:
    base = demo(500)
    used = Counter((id_ - ID_RANGES[kind].first) // ID_RANGES[kind].per_block for id_ in base.ids(kind))
    assert max(used.values()) <= ID_RANGES[kind].per_block
    assert (set(used.values()) == {ID_RANGES[kind].per_block}) is (kind in KINDS_WITHOUT_GAPS)


@pytest.mark.parametrize("packages", [203, 36_404])
def test_every_reference_leads_to_a_record(packages: int) -> None:
    base = demo(packages)
    last = base.plans.blocks - 1
    blocks = range(last + 1) if packages < 1000 else (0, 77, 4_000, last)
    for block in blocks:
        for kind, table in base._block(block).tables.items():
            for column, other in REFERENCES[kind].items():
                for record in table.values():
                    id_ = getattr(record, column)
                    assert id_ is None or base.get(other, id_) is not None, (record, column)


def test_relations_match_a_full_search() -> None:
    base = demo(203)
    for kind, relations in RELATIONS.items():
        for relation, columns in relations.items():
            expected: dict[Any, list[int]] = {}
            for id_ in base.ids(kind):
                expected.setdefault(attrgetter(*columns)(base.get(kind, id_)), []).append(id_)
            for key, ids in expected.items():
                assert base.related(kind, relation, key) == tuple(ids), (kind, relation, key)


@pytest.mark.parametrize(
    ("kind", "relation", "key"),
    [
        (Package, "order", 0),
        (Package, "order", 10**9),
        (PackageItem, "package", -5),
        (TransitionLog, "subject", (PACKAGE, 1)),
        (TransitionLog, "subject", (99, 6501)),
        (WebhookEvent, "subject", (TRANSFER, 10**9)),
        (TransferOrder, "package", 6500),
    ],
)
def test_relation_is_empty_for_an_unknown_key(kind: type[Any], relation: str, key: Any) -> None:
    assert demo().related(kind, relation, key) == ()


# --- the same again, and another ---------------------------------------------------------------------------------


def everything(base: DemoDataset) -> list[Any]:
    return [base.get(kind, id_) for kind in ID_RANGES for id_ in base.ids(kind)]


def test_records_depend_on_the_seed() -> None:
    assert everything(make_demo_dataset(60, 7, START)) == everything(make_demo_dataset(60, 7, START))
    ours, theirs = everything(make_demo_dataset(60, 7, START)), everything(make_demo_dataset(60, 8, START))
    assert not set(ours) & set(theirs) - {record for record in ours if isinstance(record, ShippingLabel)}


def test_evicted_block_is_created_again_unchanged() -> None:
    """Other reads in between do not change it."""
    kept = demo(200)
    forgetful = DemoDataset(kept.plans, dict(kept._fixed._records), kept_blocks=2)
    forwards = [forgetful.get(Package, id_) for id_ in kept.ids(Package)]
    backwards = [forgetful.get(Package, id_) for id_ in reversed(kept.ids(Package))]
    assert forwards == backwards[::-1] == [kept.get(Package, id_) for id_ in kept.ids(Package)]


def test_threads_see_the_same_records() -> None:
    kept = demo(200)
    forgetful = DemoDataset(kept.plans, dict(kept._fixed._records), kept_blocks=2)
    ids = list(kept.ids(Package)) * 4
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda id_: forgetful.get(Package, id_), ids)) == [
            kept.get(Package, id_) for id_ in ids
        ]


@pytest.mark.slow
def test_cache_is_limited() -> None:
    """The number of cached blocks does not depend on the number of reads."""
    base = make_demo_dataset(36_404, 3, START)
    for id_ in base.ids(Package)[:: 5 * PACKAGES_PER_BLOCK]:
        base.get(Package, id_)
    assert base._block.cache_info().currsize == MAX_CACHED_BLOCKS


@pytest.mark.parametrize("kind", ID_RANGES, ids=lambda kind: kind.__name__)
def test_has_agrees_with_ids(kind: type[Any]) -> None:
    """Tested for ids of records, in gaps, before the first and after the last record."""
    base = demo()
    ids = set(base.ids(kind))
    around = range(min(ids) - 2, max(ids) + 50)
    assert {id_ for id_ in around if base.has(kind, id_)} == ids


def test_lookup_makes_only_one_block() -> None:
    """Also for a kind whose ids have gaps."""
    base = make_demo_dataset(36_404, 3, START)
    log = base.related(TransitionLog, "subject", (PACKAGE, base.ids(Package)[-1]))[0]
    assert (base.has(TransitionLog, log), base.has(TransitionLog, log + 10**9)) == (True, False)
    assert base._block.cache_info().currsize == 1


def test_records_are_made_without_faker() -> None:
    """The server does not import faker."""
    code = (
        "import sys, emulator.domain.seeding as s, datetime as d; s.make_demo_dataset(5, 1, d.datetime.now(d.UTC)); "
    )
    code += "sys.exit('faker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- plans -------------------------------------------------------------------------------------------------------


def plan_of(root: Snapshot, package: Package) -> PackagePlan:
    block, position = divmod(package.id - ID_RANGES[Package].first, PACKAGES_PER_BLOCK)
    plan: PackagePlan = root.base.plans.block_plans(block)[position]  # type: ignore[attr-defined]  # a DemoBase
    return plan


@pytest.mark.parametrize("size", SIZES)
def test_package_plan_matches_the_records(size: int) -> None:
    for root, package in packages_of(size):
        plan = plan_of(root, package)
        order, shipment = root.get_existing(Order, package.order), root.get(Shipment, package.shipment or 0)
        address = root.get_existing(Address, package.shipping_address)
        items = root.find(PackageItem, "package", package.id)
        products = [root.get_existing(OrderItem, item.order_item).product for item in items]
        goods = pool("products")
        assert (plan.id, plan.number, plan.state, plan.packing_location.id, plan.delivery_range) == (
            *(package.id, package.number, package.state, package.stock_location, package.delivery_range),
        )
        assert [goods[at]["id"] for at in plan.product_positions] == products
        assert plan.carrier == (shipment and shipment.cargo_company)
        assert (plan.order.id, plan.order.number, plan.order.channel) == (order.id, order.number, order.channel)
        assert plan.order.destination.district.id == address.district
        assert (plan.order.first_name, plan.order.last_name) == (address.first_name, address.last_name)


@pytest.mark.parametrize("size", SIZES)
def test_transfer_plan_matches_the_records(size: int) -> None:
    for root, package, transfer in transfers_of(size):
        package_plan = plan_of(root, package)
        assert package_plan.slot.transfer is not None
        plan = TransferPlan(package_plan, package_plan.slot.transfer)
        assert (plan.id, plan.number, plan.state, plan.source) == (
            *(transfer.id, transfer.number, transfer.state, transfer.source),
        )
        assert plan.package.id == package.id
