"""The records of a demo dataset are consistent with each other."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest

from emulator.core.records import (
    Address,
    Channel,
    City,
    Country,
    Customer,
    DeliveryRange,
    District,
    LocationAddress,
    Order,
    OrderItem,
    Package,
    PackageItem,
    PriceList,
    Product,
    ProductImage,
    Shipment,
    ShippingLabel,
    State,
    Stock,
    StockLocation,
    Township,
    TransferItem,
    TransferOrder,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.domain.planning import parse_interval
from emulator.domain.seeding.pools import pool
from emulator.domain.state_graph import ITEM_STATE_VALUES
from emulator.state.store import Snapshot
from tests.domain.seeded import PACKAGE, SIZES, START, TRANSFER, demo, orders_of, packages_of, transfers_of

WAITING, WAITING_FOR_TRANSFER, PACKED, WAITING_LABEL = 35, 36, 40, 41
ON_THE_ROAD = {42, 45, 46, 47}
OPEN_TRANSFERS, TRANSFERRED, CANCELED_TRANSFER = {73, 74, 78}, 76, 75
APPROVED, PREPARING, CANCELED = 23, 28, 19
SECOND = timedelta(seconds=1)

sizes = pytest.mark.parametrize("size", SIZES)


def states(content_type: int) -> set[int]:
    return {state.id for state in Snapshot(demo(), {}).all(State) if state.content_type == content_type}


def ascending(*times: datetime | None) -> bool:
    given = [time for time in times if time is not None]
    return given == sorted(given)


# --- states ------------------------------------------------------------------------------------------------------


@pytest.mark.medium
@pytest.mark.parametrize("packages", [200, 203])
def test_cycle_contains_every_state(packages: int) -> None:
    base = demo(packages)
    in_order = [base.get(Package, id_).state for id_ in base.ids(Package)]
    transfers = [base.get(TransferOrder, id_).state for id_ in base.ids(TransferOrder)]
    assert all(set(in_order[at : at + 25]) == states(PACKAGE) for at in range(packages - 24))
    assert all(set(transfers[at : at + 5]) == states(TRANSFER) for at in range(len(transfers) - 4))


def test_common_states_are_frequent() -> None:
    base = demo(200)
    counts = Counter(base.get(Package, id_).state for id_ in base.ids(Package))
    assert min(counts[common] for common in (WAITING, 37, PACKED, 42, 47)) > max(
        counts[rare] for rare in (49, 50, 53)
    )


@sizes
def test_item_states_correspond_to_the_package_state(size: int) -> None:
    for root, package in packages_of(size):
        value = root.get_existing(State, package.state).enum_value
        items = root.find(PackageItem, "package", package.id)
        assert {root.get_existing(State, item.state).enum_value for item in items} == {
            ITEM_STATE_VALUES.get(value, value)
        }


@sizes
def test_order_item_states_correspond_to_the_latest_package(size: int) -> None:
    for root, package in packages_of(size):
        wanted = (
            PREPARING
            if package.state in ON_THE_ROAD | {PACKED, WAITING_LABEL}
            else CANCELED
            if package.state == 48
            else APPROVED
        )
        for item in root.find(PackageItem, "package", package.id):
            assert root.get_existing(OrderItem, item.order_item).state == wanted or package.state in {51, 52}


# --- orders ------------------------------------------------------------------------------------------------------


@sizes
def test_items_of_an_order_are_divided_among_its_packages(size: int) -> None:
    """Each item is in one package, or in two if the second package replaces the first."""
    for root, order in orders_of(size):
        packages = root.find(Package, "order", order.id)
        assert [package.number for package in packages] == [f"{order.number}P{n + 1}" for n in range(len(packages))]
        packed = [item.order_item for package in packages for item in root.find(PackageItem, "package", package.id)]
        bought = list(root.related(OrderItem, "order", order.id))
        replanned = len(packages) > 1 and "parent_package" in orjson.loads(packages[1].extra_information)
        assert packed == (bought * 2 if replanned else bought)
        assert bought


@sizes
def test_amounts_add_up(size: int) -> None:
    for root, order in orders_of(size):
        italian = root.get_existing(Address, order.shipping_address).country == 2
        for item in root.find(OrderItem, "order", order.id):
            prices = (item.retail_price, item.price, item.net_amount, item.discount_amount, item.tax_rate)
            assert all(re.fullmatch(r"\d+\.\d\d", price) for price in prices)
            retail, price, net, discount, tax = map(Decimal, prices)
            assert retail >= price >= net > 0
            assert net == price - discount
            assert tax in ({22} if italian else {8, 10, 18, 20})
            assert item.price_currency == ("eur" if italian else "try")
            assert root.get_existing(PriceList, item.price_list).currency == item.price_currency


@sizes
def test_pay_on_delivery_amount_is_the_total_of_the_items(size: int) -> None:
    for root, package in packages_of(size):
        if package.shipment is None:
            continue
        shipment, order = root.get_existing(Shipment, package.shipment), root.get_existing(Order, package.order)
        items = root.find(PackageItem, "package", package.id)
        total = sum(Decimal(root.get_existing(OrderItem, item.order_item).net_amount) for item in items)
        wanted = str(total) if order.payment_type == "pay_on_delivery" else None
        assert shipment.pay_on_delivery_amount == wanted


@sizes
def test_numbers_are_unique_and_have_the_documented_form(size: int) -> None:
    orders = [order for _, order in orders_of(size)]
    assert len({order.number for order in orders}) == len(orders)
    assert all(re.fullmatch(r"\d{16}", order.number) for order in orders)
    assert [order.number for order in orders] == sorted(order.number for order in orders)
    for _, package, transfer in transfers_of(size):
        assert transfer.number == f"{package.number}T1"
    signed = [package.id_encrypted for _, package in packages_of(size)]
    assert len(set(signed)) == len(signed)
    assert all(re.fullmatch(r"[A-Za-z0-9+/]+:[0-9A-Za-z]{6}:[-\w]{43}", text) for text in signed)


def test_encrypted_id_contains_the_id_in_base_64() -> None:
    """As in the documentation: 6636 is NjYzNg."""
    package = demo(200).get(Package, 6636)
    assert package is not None
    assert package.id_encrypted.startswith("NjYzNg:")


@pytest.mark.parametrize("kind", [Shipment, ShippingLabel, WebhookEvent])
def test_unique_columns_are_unique(kind: type[Any]) -> None:
    base = demo(200)
    column = "awb_number" if kind is Shipment else "uuid"
    values = [getattr(base.get(kind, id_), column) for id_ in base.ids(kind)]
    assert len(set(values)) == len(values) > 50


# --- people and places -------------------------------------------------------------------------------------------


@sizes
def test_address_is_consistent(size: int) -> None:
    for root, order in orders_of(size):
        customer = root.get_existing(Customer, order.customer)
        for address in (
            root.get_existing(Address, order.shipping_address),
            root.get_existing(Address, order.billing_address),
        ):
            district = root.get_existing(District, address.district or 0)
            assert (district.township, district.city) == (address.township, address.city)
            assert root.get_existing(Township, address.township).city == address.city
            assert root.get_existing(City, address.city).country == address.country
            assert (address.first_name, address.last_name) == (customer.first_name, customer.last_name)
            assert (address.phone_number, address.email) == (customer.phone_number, customer.email)
            assert address.customer == customer.id
            assert address.is_corporate == bool(address.company_name) == bool(address.tax_no)
            assert pool("postcodes")[str(address.township)] == address.postcode


@sizes
def test_names_belong_to_the_country(size: int) -> None:
    for root, order in orders_of(size):
        address = root.get_existing(Address, order.shipping_address)
        code = root.get_existing(Country, address.country).code
        assert address.first_name in pool("people")[code]["first_names"]
        assert address.last_name in pool("people")[code]["last_names"]
        assert address.phone_number.startswith({"tr": "+90", "it": "+39"}[code])
        assert (root.get_existing(Channel, order.channel).name == "PZ Italia") == (code == "it")
        assert root.get_existing(Customer, order.customer).channel == order.channel
        assert re.fullmatch(r"[a-z]+\.[a-z]+@example\.com", root.get_existing(Customer, order.customer).email)


def test_both_countries_and_all_payment_types_occur() -> None:
    orders = [order for _, order in orders_of(200)]
    root = Snapshot(demo(200), {})
    assert {root.get_existing(Address, order.shipping_address).country for order in orders} == {1, 2}
    assert {order.payment_type for order in orders} == {"credit_card", "funds_transfer", "pay_on_delivery"}
    assert {order.is_click_and_collect for order in orders} == {True, False}
    assert {order.has_gift_box for order in orders} == {True, False}
    assert len({order.billing_address == order.shipping_address for order in orders}) == 2


@sizes
def test_package_is_packed_by_a_fulfillment_center_of_its_country(size: int) -> None:
    for root, package in packages_of(size):
        location = root.get_existing(StockLocation, package.stock_location)
        assert location.is_active
        assert location.is_fulfillment_center
        assert country_of(root, location.id) == root.get_existing(Address, package.shipping_address).country
        assert package.shipping_address == root.get_existing(Order, package.order).shipping_address


def country_of(root: Snapshot, location: int) -> int:
    return root.get_existing(LocationAddress, root.get_existing(StockLocation, location).address).country


@sizes
def test_collected_orders_have_a_pickup_location(size: int) -> None:
    for root, order in orders_of(size):
        assert order.is_click_and_collect == (order.retail_store_id is not None)
        if order.retail_store_id is not None:
            store = root.get_existing(StockLocation, order.retail_store_id)
            assert store.is_active
            assert store.is_pickup_location
            assert country_of(root, store.id) == root.get_existing(Address, order.shipping_address).country


def test_distances_match_the_coordinates() -> None:
    for _, package in packages_of(200):
        assert 0 <= orjson.loads(package.extra_information)["distance_to_shipping_address"] < 1500


# --- dates -------------------------------------------------------------------------------------------------------


@sizes
def test_dates_are_ascending(size: int) -> None:
    for root, package in packages_of(size):
        order = root.get_existing(Order, package.order)
        logs = root.find(TransitionLog, "subject", (PACKAGE, package.id))
        assert order.date_placed <= order.created_date < package.created_date
        assert ascending(package.created_date, *(log.created_date for log in logs), package.modified_date, START)
        assert len({log.created_date for log in logs}) == len(logs)
        assert package.created_date < package.modified_date < START
        address = root.get_existing(Address, package.shipping_address)
        assert ascending(address.created_date, address.modified_date, package.created_date)
        for item in root.find(PackageItem, "package", package.id):
            assert ascending(package.created_date, item.created_date, item.modified_date, START)
            bought = root.get_existing(OrderItem, item.order_item)
            assert ascending(order.created_date, bought.created_date, bought.modified_date, START)


@sizes
def test_newer_packages_have_higher_ids(size: int) -> None:
    dates = [package.created_date for _, package in packages_of(size)]
    assert dates == sorted(dates)


def test_newest_package_is_less_than_a_day_old() -> None:
    for size in SIZES:
        base = demo(size)
        newest = base.get(Package, base.ids(Package)[-1])
        assert newest is not None
        assert timedelta(hours=6) < START - newest.created_date < timedelta(days=1)


@sizes
def test_target_dates_follow_the_intervals_of_the_location(size: int) -> None:
    for root, package in packages_of(size):
        location = root.get_existing(StockLocation, package.stock_location)
        placed = root.get_existing(Order, package.order).date_placed
        wait = parse_interval(location.target_packing_interval)
        assert package.target_packing_date == placed + wait
    for root, package, transfer in transfers_of(size):
        location = root.get_existing(StockLocation, package.stock_location)
        wait = parse_interval(location.target_transfer_interval)
        assert transfer.target_transfer_date == transfer.created_date + wait


def test_delivery_ranges_are_future_working_days() -> None:
    ranges = list(Snapshot(demo(), {}).all(DeliveryRange))
    assert len(ranges) == 30
    assert ranges[0].lower > START
    assert all((each.lower.hour, each.upper.hour, each.bounds) == (6, 15, "[)") for each in ranges)
    assert all(each.lower.date() == each.upper.date() and each.lower.weekday() != 6 for each in ranges)
    assert [each.lower for each in ranges] == sorted(each.lower for each in ranges)
    assert any(package.delivery_range for _, package in packages_of(200))


# --- history -----------------------------------------------------------------------------------------------------


@sizes
def test_package_log_leads_from_waiting_to_its_state(size: int) -> None:
    """A package with a transfer order waits for it first."""
    for root, package in packages_of(size):
        logs = root.find(TransitionLog, "subject", (PACKAGE, package.id))
        path = [*(log.old_state for log in logs[:1]), *(log.new_state for log in logs)] or [package.state]
        assert all(one.new_state == other.old_state for one, other in pairwise(logs))
        assert path[-1] == package.state
        first = WAITING_FOR_TRANSFER if root.related(TransferOrder, "package", package.id) else WAITING
        assert path[0] == first
        assert len(set(path)) == len(path)


@sizes
def test_log_users_exist(size: int) -> None:
    for root, package in packages_of(size):
        for log in root.find(TransitionLog, "subject", (PACKAGE, package.id)):
            attributes = orjson.loads(log.attributes)
            assert attributes == ({} if log.user is None else {"command": {"remote_user_pk": "298"}})


@sizes
def test_shipped_packages_have_shipment_label_and_number(size: int) -> None:
    for root, package in packages_of(size):
        if package.state in ON_THE_ROAD:
            assert package.shipping_label is not None
            assert package.shipment_date is not None
        else:
            assert package.shipment_date is None
        if package.shipment is None:
            assert package.state not in ON_THE_ROAD
            assert (package.shipping_label, package.tracking_number, package.invoice_number) == (None, None, None)
            continue
        shipment = root.get_existing(Shipment, package.shipment)
        assert shipment.state == 99
        assert (shipment.package, shipment.transfer_order) == (package.id, None)
        assert package.tracking_number == shipment.awb_number == shipment.query_number
        assert ascending(
            package.created_date, shipment.update_date_time, shipment.created_date, package.shipment_date
        )
        assert ascending(shipment.created_date, shipment.modified_date, START)
        assert (package.shipping_label is None) == (package.state == WAITING_LABEL)
        if package.shipping_label is not None:
            assert root.get_existing(ShippingLabel, package.shipping_label).package == package.id


def test_only_some_packed_packages_have_a_shipment() -> None:
    packed = [package for _, package in packages_of(200) if package.state == PACKED]
    assert {package.shipment is None for package in packed} == {True, False}
    assert any(package.invoice_number for _, package in packages_of(200))


@sizes
def test_replacement_names_its_parent(size: int) -> None:
    found = 0
    for root, package in packages_of(size):
        parent = orjson.loads(package.extra_information).get("parent_package")
        if parent is None:
            continue
        found += 1
        before = root.get_existing(Package, parent["id"])
        assert before.number == parent["number"]
        assert (before.order, before.id) == (package.order, package.id - 1)
        assert before.state in {51, 52}
        assert before.stock_location != package.stock_location
        assert timedelta(0) < package.created_date - before.modified_date < SECOND
    assert found > 5


# --- transfer orders ---------------------------------------------------------------------------------------------


@sizes
def test_transfer_order_matches_its_package(size: int) -> None:
    for root, package, transfer in transfers_of(size):
        assert (transfer.state in OPEN_TRANSFERS) == (package.state == WAITING_FOR_TRANSFER)
        assert transfer.destination == package.stock_location != transfer.source
        assert country_of(root, transfer.source) == country_of(root, transfer.destination)
        source = root.get_existing(StockLocation, transfer.source)
        assert source.is_active
        assert source.is_fulfillment_center
        assert transfer.plan_item == package.plan_item


@sizes
def test_package_that_waits_for_a_transfer_has_one(size: int) -> None:
    for root, package in packages_of(size):
        if package.state == WAITING_FOR_TRANSFER:
            assert len(root.related(TransferOrder, "package", package.id)) == 1


@sizes
def test_transfer_items_are_the_items_of_the_package(size: int) -> None:
    for root, package, transfer in transfers_of(size):
        items = root.find(PackageItem, "package", package.id)
        moved = root.find(TransferItem, "transfer_order", transfer.id)
        assert [item.package_item for item in moved] == [item.id for item in items]
        assert [item.product for item in moved] == [
            root.get_existing(OrderItem, item.order_item).product for item in items
        ]
        value = root.get_existing(State, transfer.state).enum_value
        assert {root.get_existing(State, item.state).enum_value for item in moved} == {value}
        refers = None if transfer.state == CANCELED_TRANSFER else transfer.id
        assert {item.transfer_order for item in items} == {refers}
        assert all(ascending(transfer.created_date, item.created_date, item.modified_date, START) for item in moved)


@sizes
def test_transfer_order_moves_before_its_package(size: int) -> None:
    for root, package, transfer in transfers_of(size):
        logs = root.find(TransitionLog, "subject", (TRANSFER, transfer.id))
        states_ = [73, *(log.new_state for log in logs)]
        assert [log.old_state for log in logs] == states_[:-1]
        assert states_[-1] == transfer.state
        times = [log.created_date for log in logs]
        waited = root.find(TransitionLog, "subject", (PACKAGE, package.id))[:1]
        assert ascending(package.created_date, transfer.created_date, *times, transfer.modified_date, START)
        assert ascending(transfer.modified_date, *(log.created_date for log in waited))
        assert (transfer.transfer_shipment is None) == (transfer.state not in {74, TRANSFERRED})
        if transfer.transfer_shipment is not None:
            shipment = root.get_existing(Shipment, transfer.transfer_shipment)
            assert (shipment.package, shipment.transfer_order) == (None, transfer.id)


# --- hooks, products, stock --------------------------------------------------------------------------------------

EVENTS = {PACKED: "package.status.packed", 42: "package.status.shipped"}
TRANSFER_EVENTS = {73: "transfer.status.created", 75: "transfer.status.cancelled"}


@sizes
def test_last_change_of_each_record_has_an_event(size: int) -> None:
    for root, package in packages_of(size):
        logs = root.related(TransitionLog, "subject", (PACKAGE, package.id))
        wanted = EVENTS.get(package.state, "package.status.transitioned") if logs else "package.created"
        assert [hook_of(root, event) for event in events(root, PACKAGE, package)] == [wanted]
    for root, _, transfer in transfers_of(size):
        wanted = TRANSFER_EVENTS.get(transfer.state, "transfer.status.transitioned")
        assert [hook_of(root, event) for event in events(root, TRANSFER, transfer)] == [wanted]


def events(root: Snapshot, content_type: int, subject: Any) -> list[WebhookEvent]:
    found = root.find(WebhookEvent, "subject", (content_type, subject.id))
    for event in found:
        assert event.request_payload is None
        assert ascending(subject.created_date, event.created_date, event.modified_date, START)
        assert event.created_date - subject.modified_date < SECOND
    return found


def hook_of(root: Snapshot, event: WebhookEvent) -> str:
    return root.get_existing(Webhook, event.webhook).event_type


@pytest.mark.medium
def test_most_events_were_delivered() -> None:
    found = list(Snapshot(demo(), {}).all(WebhookEvent))
    failed = [event for event in found if not event.delivered]
    assert 0 < len(failed) < len(found) / 10
    assert {(event.response_http_status, event.retry_count) for event in failed} == {(502, 19)}
    delivered = [event for event in found if event.delivered]
    assert {(event.response_http_status, event.response_content) for event in delivered} == {(200, "b'200 OK'")}
    assert all(len(orjson.loads(event.request_datetimes)) == 1 for event in delivered)


def test_hooks_call_reserved_hosts_only() -> None:
    for hook in Snapshot(demo(), {}).all(Webhook):
        assert hook.target_url.startswith("https://integration.example.com/oms/")


@pytest.mark.medium
@pytest.mark.parametrize("size", [200, 36_404])
def test_waiting_items_are_in_stock(size: int) -> None:
    """The packages of a location never wait for more pieces of a product than its stock."""
    base = demo(size)
    goods = [row["id"] for row in pool("products")]
    waiting: Counter[tuple[int, int]] = Counter()
    for plan in base.plans.all_packages():
        if plan.state in {35, 36, 37, 38, 39, 49}:
            waiting.update((goods[at], plan.packing_location.id) for at in plan.product_positions)
    stock = {(row.product, row.stock_location): row.quantity for row in Snapshot(base, {}).all(Stock)}
    assert all(stock[key] >= count for key, count in waiting.items())
    assert len(waiting) > 50


@pytest.mark.medium
def test_products_have_images() -> None:
    root = Snapshot(demo(), {})
    assert len(root.ids(Product)) == 80
    assert all(root.related(ProductImage, "product", id_) for id_ in root.ids(Product))
