"""After any sequence of operations, stock is never below zero, and the planner exceeds no quota."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import Emulator
from emulator.core.errors import Conflict, ControlError, ValidationFailed
from emulator.core.records import (
    DenialReason,
    Package,
    PackageItem,
    Reservation,
    Stock,
    StockLocation,
    TransferOrder,
)
from emulator.domain.commands import run_command
from emulator.domain.state_graph import offered_transitions
from emulator.domain.stock import used_quota

pytestmark = pytest.mark.slow

SKUS = ("PZ-101-02-L", "PZ-101-05-S", "PZ-102-02-M")
PLACES = (1, 11, 12, 17)
QUOTA = 3
CITIES = ("İstanbul", "Ankara", "Milano")

LINES = st.lists(
    st.fixed_dictionaries({"sku": st.sampled_from(SKUS), "quantity": st.integers(1, 4)}), min_size=1, max_size=3
)
PICK = st.integers(0, 1_000_000)
STEPS = st.lists(
    st.tuples(st.just("order"), LINES, st.sampled_from(CITIES), st.booleans())
    | st.tuples(st.sampled_from(["package", "transfer", "cancel", "cancel order", "arrange"]), PICK, PICK)
    | st.tuples(st.just("carrier"), PICK, st.sampled_from(["attempted", "failed", "delivered", "cancelled"]))
    | st.tuples(st.just("stock"), st.sampled_from(PLACES), st.sampled_from(SKUS), st.integers(0, 4)),
    min_size=5,
    max_size=40,
)


def small_world() -> Emulator:
    """Return a world of four locations with little stock and small quotas."""
    oms = Emulator("empty")
    with oms.world.transaction() as tx:
        for stock in list(tx.all(Stock)):
            tx.change(stock, quantity=0)
        for place in list(tx.all(StockLocation)):
            tx.change(place, is_active=place.id in PLACES, max_quota=QUOTA)
    for location in PLACES:
        for number, sku in enumerate(SKUS):
            oms.stock(location, sku, (location + number) % 4)
    return oms


def order(oms: Emulator, lines: Any, city: str, fetched: bool) -> None:
    made = oms.order(lines=lines, shipping_address={"city": city}, is_click_and_collect=fetched)
    root = oms.world.records
    location = root.get_existing(Package, made["packages"][0]).stock_location
    assert used_quota(root, location) <= QUOTA
    items = root.find(PackageItem, "package", made["packages"][0])
    assert len(items) == sum(line["quantity"] for line in lines)
    claims = root.find(Reservation, "package", made["packages"][0])
    assert [claim.quantity for claim in claims] == [1] * len(items)


def command(oms: Emulator, kind: type[Any], pick: int, which: int) -> None:
    """Run one of the commands that a record's state offers."""
    root = oms.world.records
    if not (ids := root.ids(kind)):
        return
    subject = root.get_existing(kind, ids[pick % len(ids)])
    if not (transitions := offered_transitions(root, subject.state)):
        return
    items = [item.id for item in root.find(PackageItem, "package", subject.id)] if kind is Package else []
    erp_code = root.get_existing(StockLocation, PLACES[which % len(PLACES)]).erp_code
    parameters = {
        "package_items": items[: 1 + which % 2],
        "assignment_groups": [{"package_items": items, "erp_code": erp_code}],
        "denial_reason": next(iter(root.ids(DenialReason))),
        "tracking_number": "T-1",
        "cargo_company": 1,
        "invoice_number": "I-1",
        "invoice_document_type": "pdf",
        "document_content": "x",
        "invoice_date": "2023-04-05",
    }
    asked = {"transition": transitions[which % len(transitions)].id, "input_parameters": parameters}
    with oms.world.transaction() as tx:
        run_command(tx.get_existing(kind, subject.id), asked, tx)


def step(oms: Emulator, what: str, *values: Any) -> None:
    packages = oms.world.records.ids(Package)
    pk = packages[values[0] % len(packages)] if packages and isinstance(values[0], int) else 0
    match what:
        case "order":
            order(oms, *values)
        case "package" | "transfer":
            command(oms, Package if what == "package" else TransferOrder, *values)
        case "carrier":
            oms.carrier(pk, values[1])
        case "cancel":
            oms.cancel_package(pk)
        case "cancel order":
            oms.cancel_order(values[0])
        case "arrange":
            oms.package(stock_location=PLACES[values[0] % len(PLACES)], items=1 + values[1] % 3)
        case "stock":
            oms.stock(*values)


def check(oms: Emulator) -> None:
    root = oms.world.records
    assert all(stock.quantity >= 0 for stock in root.all(Stock))
    claims = Counter(claim.package_item for claim in root.all(Reservation))
    assert max(claims.values(), default=1) == 1, "an item claims twice"
    places = {id_: root.get_existing(PackageItem, id_).package for id_ in claims}
    assert all(claim.package == places[claim.package_item] for claim in root.all(Reservation))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(STEPS)
def test_stock_and_quota_limits_hold(steps: list[tuple[Any, ...]]) -> None:
    """The counts are checked after every step. A refused step changes nothing."""
    oms = small_world()
    for each in steps:
        before = oms.world.records
        try:
            step(oms, *each)
        except (ControlError, ValidationFailed):
            assert oms.world.records is before
        check(oms)


def test_cancelled_order_returns_its_stock() -> None:
    """Every reservation is given back at its location, also for goods in a transfer."""
    oms = small_world()
    before = {stock.id: stock.quantity for stock in oms.world.records.all(Stock)}
    made = oms.order(lines=[{"sku": SKUS[0], "quantity": 5}], shipping_address={"city": "İstanbul"})
    assert made["transfers"]
    assert {stock.id: stock.quantity for stock in oms.world.records.all(Stock)} != before
    oms.cancel_order(made["order"])
    assert {stock.id: stock.quantity for stock in oms.world.records.all(Stock)} == before
    assert list(oms.world.records.all(Reservation)) == []


def test_exhausted_quota_is_a_conflict() -> None:
    """The planner uses the next location, and refuses the order if all are full."""
    oms = small_world()
    for place in PLACES:
        oms.stock(place, SKUS[0], 100)
    locations: Counter[int] = Counter()
    for _ in range(QUOTA * len(PLACES)):
        made = oms.order(lines=[{"sku": SKUS[0]}], shipping_address={"city": "İstanbul"})
        locations[oms.world.records.get_existing(Package, made["packages"][0]).stock_location] += 1
    assert locations == dict.fromkeys(PLACES, QUOTA)
    with pytest.raises(Conflict, match="no location that packs has quota left"):
        oms.order(lines=[{"sku": SKUS[0]}])
