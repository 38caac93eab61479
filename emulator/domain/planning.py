"""The planner: choose stock locations, and create the packages and transfer orders that it decides on.

It compares stock first, then distance, and never exceeds a quota. The rules of real planners are not known. These are
assumed: the simplest that use all three.
"""

from __future__ import annotations

import base64
import hashlib
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

from emulator.core.errors import Conflict
from emulator.core.json_text import JsonObject, compact_json
from emulator.core.records import (
    Address,
    City,
    Columns,
    ColumnValue,
    LocationAddress,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Product,
    State,
    StockLocation,
    TransferItem,
    TransferOrder,
)
from emulator.domain.state_graph import (
    ITEM_STATE_VALUES,
    ITEM_STATUS,
    TRANSFER_STATUS,
    TRANSFER_WAITING,
    WAITING,
    require_state,
    sibling_state,
    sibling_state_id,
)
from emulator.domain.stock import Quantities, available_quantities, can_fulfill, has_quota, reserve_item
from emulator.state.store import Reader, Transaction

EARTH_RADIUS_KM = 6371
FAR_AWAY = float("inf")
PLAN_ITEM_OFFSET = 66
"""Difference between the plan item and the id of a package, as in the documented samples."""
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SIGNING_SALT = b"oms-emulator id_encrypted"


# --- choice of locations ------------------------------------------------------------------------------------------


class FulfillmentPlan(NamedTuple):
    """The location that packs a package, and the pieces that each other location transfers to it."""

    location: StockLocation
    transfers: tuple[tuple[StockLocation, Quantities], ...] = ()


def plan_fulfillment(
    view: Reader, pieces: Quantities, address: Address, pickup: StockLocation | None = None
) -> FulfillmentPlan:
    """Decide where these pieces are packed. Raise `Conflict` if stock or quotas do not suffice."""
    check_total_stock(view, pieces, pickup)
    location = choose_packing_location(view, pieces, address) if pickup is None else pickup
    if not has_quota(view, location):
        raise Conflict(f"location {location.id} {location.name} has no quota left")
    missing = pieces - available_quantities(view, location, pieces)
    return FulfillmentPlan(location, tuple(plan_transfers(view, location, missing)))


def check_total_stock(view: Reader, pieces: Quantities, pickup: StockLocation | None) -> None:
    """Raise `Conflict` if the total stock of all locations does not suffice."""
    locations = {each.id: each for each in (*sending_locations(view), pickup) if each is not None}
    total = sum((available_quantities(view, each, pieces) for each in locations.values()), Counter())
    lacking = [
        f"{view.get_existing(Product, product).sku}: {number} wanted, {total[product]} there"
        for product, number in pieces.items()
        if total[product] < number
    ]
    if lacking:
        raise Conflict("not enough stock of " + "; ".join(lacking))


def sending_locations(view: Reader) -> list[StockLocation]:
    """Return the active fulfillment centers, which pack orders and send transfers."""
    return [each for each in view.all(StockLocation) if each.is_active and each.is_fulfillment_center]


def choose_packing_location(view: Reader, pieces: Quantities, address: Address) -> StockLocation:
    """Return the location with quota that has most of the pieces. Among equals, return the nearest to the address."""
    locations = [location for location in sending_locations(view) if has_quota(view, location)]
    if not locations:
        raise Conflict("no location that packs has quota left")
    return min(
        locations,
        key=lambda each: (-available_quantities(view, each, pieces).total(), *distance_rank(view, each, address)),
    )


def plan_transfers(
    view: Reader, location: StockLocation, missing: Quantities
) -> Iterator[tuple[StockLocation, Quantities]]:
    """Yield the transfers of the missing pieces, each from the location that has most of them, or is nearest."""

    def rank(other: StockLocation) -> tuple[int, float, int, int]:
        return (-available_quantities(view, other, missing).total(), *distance_rank(view, other, location))

    others = [each for each in sending_locations(view) if each.id != location.id]
    while missing:
        source = min(others, key=rank)
        pieces = available_quantities(view, source, missing)
        yield source, pieces
        missing -= pieces
        others.remove(source)


def resolve_pickup_location(view: Reader, order: Order, address: Address) -> StockLocation | None:
    """Return the store that the order names for collection, or else the nearest one. None: the order is shipped."""
    if not order.is_click_and_collect:
        return None
    stores = {each.id: each for each in view.all(StockLocation) if each.is_active and each.is_pickup_location}
    if order.retail_store_id in stores:
        return stores[order.retail_store_id]
    if order.retail_store_id is not None:
        raise Conflict(f"location {order.retail_store_id} does not offer click and collect", list(stores))
    if not stores:
        raise Conflict("no active location offers click and collect")
    return min(stores.values(), key=lambda store: distance_rank(view, store, address))


def nearest_with_stock(tx: Transaction, package: Package, items: list[PackageItem]) -> StockLocation | None:
    """Return the other fulfillment center with quota and all items that is nearest to the customer."""
    pieces = Counter(tx.get_existing(OrderItem, item.order_item).product for item in items)
    address = tx.get_existing(Address, package.shipping_address)
    locations = [
        location
        for location in sending_locations(tx)
        if location.id != package.stock_location and has_quota(tx, location) and can_fulfill(tx, location, pieces)
    ]
    return min(locations, key=lambda location: distance_rank(tx, location, address), default=None)


def find_other_source(tx: Transaction, transfer: TransferOrder) -> StockLocation | None:
    """Return the first active location, except source and destination, that has all items of a transfer."""
    pieces = Counter(item.product for item in tx.find(TransferItem, "transfer_order", transfer.id))
    for location in tx.all(StockLocation):
        is_candidate = location.is_active and location.id not in {transfer.source, transfer.destination}
        if is_candidate and can_fulfill(tx, location, pieces):
            return location
    return None


def distance_rank(view: Reader, location: StockLocation, target: Address | StockLocation) -> tuple[float, int, int]:
    """Return the sort key that puts the nearest location first, then the lowest priority and id."""
    kilometres = distance_km(view, location, target)
    return (FAR_AWAY if kilometres is None else kilometres, location.priority, location.id)


def distance_km(view: Reader, location: StockLocation, target: Address | StockLocation) -> float | None:
    """Return the kilometres to another location or to the city of an address, or None without coordinates."""
    start = view.get_existing(LocationAddress, location.address)
    end: LocationAddress | City = (
        view.get_existing(City, target.city)
        if isinstance(target, Address)
        else view.get_existing(LocationAddress, target.address)
    )
    degrees = (start.latitude, start.longitude, end.latitude, end.longitude)
    return None if None in degrees else great_circle_km(*(float(str(each)) for each in degrees))


def great_circle_km(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Return the kilometres between two points in degrees."""
    south, west, north, east = map(radians, (latitude, longitude, to_latitude, to_longitude))
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


# --- packages -----------------------------------------------------------------------------------------------------


def replan(tx: Transaction, package: Package, items: list[PackageItem]) -> JsonObject | None:
    """Create a package of these items at another location. Return the documented response.

    Return None if no location has the items, or if the installation has no waiting state for the new package.
    """
    if not items or sibling_state(tx, tx.get_existing(State, package.state), WAITING) is None:
        return None
    location = nearest_with_stock(tx, package, items)
    return None if location is None else create_group_package(tx, package, location, items)


def create_group_package(
    tx: Transaction, parent: Package, location: StockLocation, items: list[PackageItem]
) -> JsonObject:
    """Create a waiting package of these items at a location. Return the documented response."""
    order = tx.get_existing(Order, parent.order)
    child = create_package(tx, order, location, parent, state=sibling_state_id(tx, parent.state, WAITING))
    for item in items:
        add_package_item(tx, child, item.order_item, state=sibling_state_id(tx, item.state, WAITING))
    tx.queue_event("package.created", child)
    return {
        "package__id": child.id,
        "package__number": child.number,
        "package__stock_location__id": location.id,
        "package__stock_location__name": location.name,
        "is_same_location": location.id == parent.stock_location,
    }


def create_package(
    tx: Transaction, order: Order, location: StockLocation, parent: Package | None = None, **columns: ColumnValue
) -> Package:
    """Create a package without items. `parent` is the package that it replaces.

    The columns must contain the state. They replace the default values of other columns.
    """
    id_ = tx.new_id(Package)
    address = order.shipping_address if parent is None else parent.shipping_address
    extra: JsonObject = {} if parent is None else {"parent_package": {"id": parent.id, "number": parent.number}}
    kilometres = distance_km(tx, location, tx.get_existing(Address, address))
    numbers = (package.number for package in tx.find(Package, "order", order.id))
    defaults: Columns = {
        "number": f"{order.number}P{1 + highest_suffix(numbers, 'P')}",
        "target_packing_date": order.date_placed + parse_interval(location.target_packing_interval),
        "delivery_range": None if parent is None else parent.delivery_range,
        "created_date": tx.now,
        "modified_date": tx.now,
        "extra_information": compact_json(extra | {"distance_to_shipping_address": round(kilometres or 0)}),
    }
    return tx.add(
        Package(
            id=id_,
            order=order.id,
            shipping_address=address,
            stock_location=location.id,
            plan_item=id_ + PLAN_ITEM_OFFSET if parent is None else parent.plan_item,
            id_encrypted=encrypted_id(id_, tx.now),
            **(defaults | columns),
        )
    )


def highest_suffix(numbers: Iterable[str], mark: str) -> int:
    """Return the highest suffix of numbers such as `...P3` or `...T2`, or 0."""
    suffixes = (number.rpartition(mark)[2] for number in numbers)
    return max((int(suffix) for suffix in suffixes if suffix.isascii() and suffix.isdigit()), default=0)


def parse_interval(text: str) -> timedelta:
    """Parse a duration in the vendor's form, such as `5 00:00:00`."""
    days, _, clock = text.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    return timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def encrypted_id(id_: int, signed_at: datetime) -> str:
    """Return `<base64 of the id>:<seconds in base 62>:<signature>`, the form of Django's timestamp signer.

    The vendor shows it next to the id of a package, and signs it at the time of the response. The emulator uses the
    creation time of the package, so that responses are deterministic.
    """
    value = base64.urlsafe_b64encode(str(id_).encode()).rstrip(b"=").decode()
    signed = f"{value}:{base62(int(signed_at.timestamp()))}"
    digest = hashlib.sha256(SIGNING_SALT + signed.encode()).digest()
    return f"{signed}:{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def base62(number: int) -> str:
    """Return a number in Django's base 62."""
    number, digit = divmod(number, 62)
    return (base62(number) if number else "") + DIGITS[digit]


def create_package_item(
    tx: Transaction, package: Package, order_item: OrderItem, source: int | None = None, **columns: ColumnValue
) -> PackageItem:
    """Add an order item to a package, in the item state that corresponds to the package's state."""
    value = tx.get_existing(State, package.state).enum_value
    state = require_state(tx, ITEM_STATUS, ITEM_STATE_VALUES.get(value, value))
    return add_package_item(tx, package, order_item.id, source, state=state.id, **columns)


def add_package_item(
    tx: Transaction, package: Package, order_item: int, source: int | None = None, **columns: ColumnValue
) -> PackageItem:
    """Add an order item to a package, and reserve it at the source. The default is the package's location."""
    item = tx.add(
        PackageItem(
            id=tx.new_id(PackageItem),
            order_item=order_item,
            package=package.id,
            created_date=tx.now,
            modified_date=tx.now,
            **columns,
        )
    )
    reserve_item(tx, package, item, source)
    return item


# --- transfer orders ----------------------------------------------------------------------------------------------


def create_transfer_order(
    tx: Transaction, package: Package, source: StockLocation, items: list[PackageItem]
) -> TransferOrder:
    """Create the transfer order that moves these items from a source to the package's location."""
    transfer = add_transfer_order(
        tx,
        package,
        source,
        state=require_state(tx, TRANSFER_STATUS, TRANSFER_WAITING).id,
        destination=package.stock_location,
        plan_item=package.plan_item,
    )
    for item in items:
        create_transfer_item(tx, transfer, item)
    tx.queue_event("transfer.status.created", transfer)
    return transfer


def create_transfer_item(tx: Transaction, transfer: TransferOrder, item: PackageItem) -> None:
    tx.add(
        TransferItem(
            id=tx.new_id(TransferItem),
            state=require_state(tx, TRANSFER_STATUS, TRANSFER_WAITING, of_items=True).id,
            package_item=item.id,
            product=tx.get_existing(OrderItem, item.order_item).product,
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    tx.change(item, transfer_order=transfer.id)


def recreate_transfer(tx: Transaction, transfer: TransferOrder, source: int) -> TransferOrder:
    """Create a waiting transfer order of the same items to the same destination."""
    successor = add_transfer_order(
        tx,
        tx.get_existing(Package, transfer.package),
        tx.get_existing(StockLocation, source),
        state=sibling_state_id(tx, transfer.state, TRANSFER_WAITING),
        destination=transfer.destination,
        plan_item=transfer.plan_item,
    )
    for item in tx.find(TransferItem, "transfer_order", transfer.id):
        copy_transfer_item(tx, item, successor)
    tx.queue_event("transfer.status.created", successor)
    return successor


def copy_transfer_item(tx: Transaction, item: TransferItem, transfer: TransferOrder) -> None:
    """Add the same package item to another transfer order, waiting. The package item then refers to the new one."""
    tx.add(
        item._replace(
            id=tx.new_id(TransferItem),
            state=sibling_state_id(tx, item.state, TRANSFER_WAITING),
            transfer_order=transfer.id,
            created_date=tx.now,
            modified_date=tx.now,
        )
    )
    package_item = tx.get_existing(PackageItem, item.package_item)
    if package_item.transfer_order is not None:
        tx.change(package_item, transfer_order=transfer.id, modified_date=tx.now)


def add_transfer_order(
    tx: Transaction, package: Package, source: StockLocation, **columns: ColumnValue
) -> TransferOrder:
    """Add a transfer order without items."""
    numbers = (transfer.number for transfer in tx.find(TransferOrder, "package", package.id))
    return tx.add(
        TransferOrder(
            id=tx.new_id(TransferOrder),
            package=package.id,
            source=source.id,
            number=f"{package.number}T{1 + highest_suffix(numbers, 'T')}",
            target_transfer_date=tx.now + parse_interval(source.target_transfer_interval),
            created_date=tx.now,
            modified_date=tx.now,
            **columns,
        )
    )
