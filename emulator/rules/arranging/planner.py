"""The customer's planner: which location packs an order, and what comes to it from others.

By stock first, then by distance; quotas are never exceeded. Which rules an installation's planner has is not known:
these are assumed, the simplest that use all three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.core.records import Address, LocationAddress, Order, OrderItem, Product, StockLocation
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction, View
from emulator.rules.arranging.geography import code_of
from emulator.rules.arranging.lines import lines_of, order_items, wanted
from emulator.rules.arranging.making import new_item, new_package, new_transfer
from emulator.rules.arranging.orders import new_order
from emulator.rules.arranging.states import WAITING, WAITING_FOR_TRANSFER
from emulator.rules.planning import distance, great_circle, has_quota
from emulator.rules.stock import free_stock

FAR_AWAY = float("inf")
Pieces = Counter[int]
"""Product -> how many of it."""


class Plan(NamedTuple):
    """Where a package is packed, and which pieces come from which other locations."""

    location: StockLocation
    transfers: tuple[tuple[StockLocation, Pieces], ...] = ()


class Arranged(NamedTuple):
    """The ids of what an order is made of."""

    order: int
    packages: list[int]
    transfers: list[int]


def place_order(tx: Transaction, asked: Mapping[str, Any]) -> Arranged:
    """Make an order, let the planner decide, and make the package and the transfer orders that it decides on."""
    lines = lines_of(tx, asked["lines"])
    order = new_order(tx, asked)
    address = tx.one(Address, order.shipping_address)
    planned = plan(tx, wanted(lines), address, pickup_of(tx, order, address))
    if order.is_click_and_collect:
        order = tx.change(order, retail_store_id=planned.location.id)
    country = code_of(tx, address.country)
    bought = [item for line in lines for item in order_items(tx, order, line, country)]
    return carry_out(tx, order, planned, bought)


def carry_out(tx: Transaction, order: Order, planned: Plan, bought: list[OrderItem]) -> Arranged:
    """Make what was planned: one package, and a transfer order from each other location."""
    value = WAITING_FOR_TRANSFER if planned.transfers else WAITING
    package = new_package(tx, order, planned.location, value)
    left = list(bought)
    transfers = []
    for source, pieces in planned.transfers:
        items = [new_item(tx, package, each, source.id) for each in taken(left, pieces)]
        transfers.append(new_transfer(tx, package, source, items).id)
    for each in left:
        new_item(tx, package, each)
    tx.queue("package.created", package)
    return Arranged(order.id, [package.id], transfers)


def taken(left: list[OrderItem], pieces: Pieces) -> list[OrderItem]:
    """Take so many pieces of each product out of what is left."""
    found = []
    wanted_still = Counter(pieces)
    for item in list(left):
        if wanted_still[item.product] > 0:
            wanted_still[item.product] -= 1
            left.remove(item)
            found.append(item)
    return found


def plan(view: View, pieces: Pieces, address: Address, pickup: StockLocation | None = None) -> Plan:
    """Decide where these pieces are packed; `Conflict` where stock or quotas do not suffice."""
    check_stock(view, pieces, pickup)
    location = packer(view, pieces, address) if pickup is None else pickup
    if not has_quota(view, location):
        raise Conflict(f"location {location.id} {location.name} has no quota left")
    missing = pieces - on_hand(view, location, pieces)
    return Plan(location, tuple(gathered(view, location, missing)))


def check_stock(view: View, pieces: Pieces, pickup: StockLocation | None) -> None:
    """Insist that there is enough of everything, wherever it lies."""
    places = {place.id: place for place in [*senders(view), *([] if pickup is None else [pickup])]}
    lacking = []
    for product, number in pieces.items():
        there = sum(on_hand(view, place, Counter({product: number}))[product] for place in places.values())
        if there < number:
            lacking.append(f"{view.one(Product, product).sku}: {number} wanted, {there} there")
    if lacking:
        raise Conflict("not enough stock of " + "; ".join(lacking))


def senders(view: View) -> list[StockLocation]:
    """Give the locations that pack, and send goods to others."""
    return [place for place in view.all(StockLocation) if place.is_active and place.is_fulfillment_center]


def packer(view: View, pieces: Pieces, address: Address) -> StockLocation:
    """Give the location with quota that has most of the pieces; among equals the nearest to the address."""

    def rank(place: StockLocation) -> tuple[int, float, int, int]:
        far = distance(view, place, address)
        return (-on_hand(view, place, pieces).total(), FAR_AWAY if far is None else far, place.priority, place.id)

    able = [place for place in senders(view) if has_quota(view, place)]
    if not able:
        raise Conflict("no location that packs has quota left")
    return min(able, key=rank)


def gathered(view: View, location: StockLocation, missing: Pieces) -> Iterator[tuple[StockLocation, Pieces]]:
    """Give from where the missing pieces come: always from the location that has most of them, or is nearest."""

    def rank(place: StockLocation) -> tuple[int, float, int, int]:
        return (-on_hand(view, place, missing).total(), between(view, place, location), place.priority, place.id)

    others = [place for place in senders(view) if place.id != location.id]
    while missing:
        source = min(others, key=rank)
        pieces = on_hand(view, source, missing)
        yield source, pieces
        missing -= pieces
        others.remove(source)


def on_hand(view: View, location: StockLocation, pieces: Pieces) -> Pieces:
    """Give which of the pieces may be promised at a location."""
    return +Counter({id_: min(number, free_stock(view, location.id, id_)) for id_, number in pieces.items()})


def between(view: View, one: StockLocation, other: StockLocation) -> float:
    """Give the kilometres between two locations; one without a point on the map is far away."""
    here, there = view.one(LocationAddress, one.address), view.one(LocationAddress, other.address)
    points = (here.latitude, here.longitude, there.latitude, there.longitude)
    if any(point is None for point in points):
        return FAR_AWAY
    return great_circle(*(float(str(point)) for point in points))


def pickup_of(view: View, order: Order, address: Address) -> StockLocation | None:
    """Give where the customer fetches the order: the store that it names, or the nearest; None if it is sent."""
    if not order.is_click_and_collect:
        return None
    stores = [place for place in view.all(StockLocation) if place.is_active and place.is_pickup_location]
    if order.retail_store_id is not None:
        stores = [place for place in stores if place.id == order.retail_store_id] or unknown_store(order, stores)
    if not stores:
        raise Conflict("no active location offers click and collect")

    def rank(place: StockLocation) -> tuple[float, int, int]:
        far = distance(view, place, address)
        return (FAR_AWAY if far is None else far, place.priority, place.id)

    return min(stores, key=rank)


def unknown_store(order: Order, stores: list[StockLocation]) -> list[StockLocation]:
    known = [place.id for place in stores]
    raise Conflict(f"location {order.retail_store_id} does not offer click and collect", known)
