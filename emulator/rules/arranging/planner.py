"""The planner: decide which location packs an order, and what other locations transfer to it.

It compares stock first, then distance, and never exceeds a quota. The rules of real planners are not known. These are
assumed: the simplest that use all three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from emulator.core.jsontext import JsonObject
from emulator.core.records import Address, LocationAddress, Order, OrderItem, Product, StockLocation
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction, View
from emulator.rules.arranging.geography import code_of
from emulator.rules.arranging.lines import lines_of, order_items, wanted
from emulator.rules.arranging.making import new_item, new_package, new_transfer
from emulator.rules.arranging.orders import new_order
from emulator.rules.arranging.states import WAITING, WAITING_FOR_TRANSFER
from emulator.rules.planning import FAR_AWAY, distance_rank, great_circle, has_quota
from emulator.rules.stock import free_stock

Pieces = Counter[int]
"""Product id -> number of pieces."""


class Plan(NamedTuple):
    """The location that packs a package, and the pieces that each other location transfers to it."""

    location: StockLocation
    transfers: tuple[tuple[StockLocation, Pieces], ...] = ()


class Arranged(NamedTuple):
    """The ids of an order, its packages and its transfer orders."""

    order: int
    packages: list[int]
    transfers: list[int]


def place_order(tx: Transaction, document: JsonObject) -> Arranged:
    """Create an order, and the package and the transfer orders that the planner decides on."""
    lines = lines_of(tx, document["lines"])
    order = new_order(tx, document)
    address = tx.one(Address, order.shipping_address)
    planned = plan(tx, wanted(lines), address, pickup_of(tx, order, address))
    if order.is_click_and_collect:
        order = tx.change(order, retail_store_id=planned.location.id)
    country = code_of(tx, address.country)
    items = [item for line in lines for item in order_items(tx, order, line, country)]
    return carry_out(tx, order, planned, items)


def carry_out(tx: Transaction, order: Order, planned: Plan, items_bought: list[OrderItem]) -> Arranged:
    """Create the planned package, and a transfer order from each other location."""
    value = WAITING_FOR_TRANSFER if planned.transfers else WAITING
    package = new_package(tx, order, planned.location, value)
    remaining = list(items_bought)
    transfers = []
    for source, pieces in planned.transfers:
        items = [new_item(tx, package, each, source.id) for each in taken(remaining, pieces)]
        transfers.append(new_transfer(tx, package, source, items).id)
    for each in remaining:
        new_item(tx, package, each)
    tx.queue("package.created", package)
    return Arranged(order.id, [package.id], transfers)


def taken(remaining: list[OrderItem], pieces: Pieces) -> list[OrderItem]:
    """Remove the given quantities from the remaining items, and return the removed items."""
    needed = Counter(pieces)
    removed = []
    for item in list(remaining):
        if needed[item.product] > 0:
            needed[item.product] -= 1
            remaining.remove(item)
            removed.append(item)
    return removed


def plan(view: View, pieces: Pieces, address: Address, pickup: StockLocation | None = None) -> Plan:
    """Decide where these pieces are packed. Raise `Conflict` if stock or quotas do not suffice."""
    check_stock(view, pieces, pickup)
    location = packer(view, pieces, address) if pickup is None else pickup
    if not has_quota(view, location):
        raise Conflict(f"location {location.id} {location.name} has no quota left")
    missing = pieces - on_hand(view, location, pieces)
    return Plan(location, tuple(gathered(view, location, missing)))


def check_stock(view: View, pieces: Pieces, pickup: StockLocation | None) -> None:
    """Raise `Conflict` if the total stock of all locations does not suffice."""
    locations = {location.id: location for location in [*senders(view), *([] if pickup is None else [pickup])]}
    lacking = []
    for product, number in pieces.items():
        there = sum(on_hand(view, location, Counter({product: number}))[product] for location in locations.values())
        if there < number:
            lacking.append(f"{view.one(Product, product).sku}: {number} wanted, {there} there")
    if lacking:
        raise Conflict("not enough stock of " + "; ".join(lacking))


def senders(view: View) -> list[StockLocation]:
    """Return the active fulfilment centers, which pack orders and send transfers."""
    return [each for each in view.all(StockLocation) if each.is_active and each.is_fulfillment_center]


def packer(view: View, pieces: Pieces, address: Address) -> StockLocation:
    """Return the location with quota that has most of the pieces. Among equals, return the nearest to the address."""
    locations = [location for location in senders(view) if has_quota(view, location)]
    if not locations:
        raise Conflict("no location that packs has quota left")
    return min(
        locations, key=lambda each: (-on_hand(view, each, pieces).total(), *distance_rank(view, each, address))
    )


def gathered(view: View, location: StockLocation, missing: Pieces) -> Iterator[tuple[StockLocation, Pieces]]:
    """Yield the transfers of the missing pieces, each from the location that has most of them, or is nearest."""

    def rank(other: StockLocation) -> tuple[int, float, int, int]:
        return (-on_hand(view, other, missing).total(), between(view, other, location), other.priority, other.id)

    others = [each for each in senders(view) if each.id != location.id]
    while missing:
        source = min(others, key=rank)
        pieces = on_hand(view, source, missing)
        yield source, pieces
        missing -= pieces
        others.remove(source)


def on_hand(view: View, location: StockLocation, pieces: Pieces) -> Pieces:
    """Return how many of the pieces are available at a location."""
    return +Counter({id_: min(number, free_stock(view, location.id, id_)) for id_, number in pieces.items()})


def between(view: View, start: StockLocation, end: StockLocation) -> float:
    """Return the kilometres between two locations, or infinity if one of them has no coordinates."""
    first, second = view.one(LocationAddress, start.address), view.one(LocationAddress, end.address)
    degrees = (first.latitude, first.longitude, second.latitude, second.longitude)
    return FAR_AWAY if None in degrees else great_circle(*(float(str(each)) for each in degrees))


def pickup_of(view: View, order: Order, address: Address) -> StockLocation | None:
    """Return the store where the customer collects the order, or None if the order is shipped.

    It is the store that the order names, or the nearest one.
    """
    if not order.is_click_and_collect:
        return None
    stores = [each for each in view.all(StockLocation) if each.is_active and each.is_pickup_location]
    if order.retail_store_id is not None:
        known = {store.id: store for store in stores}
        if order.retail_store_id not in known:
            raise unknown_store(order, stores)
        return known[order.retail_store_id]
    if not stores:
        raise Conflict("no active location offers click and collect")
    return min(stores, key=lambda store: distance_rank(view, store, address))


def unknown_store(order: Order, stores: list[StockLocation]) -> Conflict:
    known = [store.id for store in stores]
    return Conflict(f"location {order.retail_store_id} does not offer click and collect", known)
