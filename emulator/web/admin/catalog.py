"""Control API: what a world offers for choices (carriers, products, locations, cities), and its traffic over time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter

from flask import Response, request

from emulator.core.json_text import JsonObject
from emulator.core.records import (
    OMITTED,
    CargoCompany,
    City,
    Country,
    LocationAddress,
    Package,
    Product,
    ProductImage,
    Shipment,
    StockLocation,
    TransferOrder,
    TransitionLog,
)
from emulator.domain.seeding import DemoDataset
from emulator.domain.seeding.pools import italian_products, pool
from emulator.domain.seeding.records import shipment_of_tracking_number
from emulator.state.clock import format_time
from emulator.state.store import Reader
from emulator.state.world import World
from emulator.web.admin.activity import next_id
from emulator.web.admin.shared import api, current_world, json_response, list_response, query_parameters

BUCKETS = 48
MAX_LOGS = 5_000
"""Number of the latest transitions that the timeline counts."""
SHORTEST_SPAN = timedelta(milliseconds=BUCKETS)


@api.get("/catalog")
def catalog() -> Response:
    records = current_world().records
    return json_response(
        {
            "carriers": [{"id": each.id, "name": each.name} for each in records.all(CargoCompany) if each.is_active],
            "products": [product_row(records, each) for each in records.all(Product)],
            "locations": [location_row(records, each) for each in records.all(StockLocation) if each.is_active],
            "cities": [
                {"name": each.name, "country": records.get_existing(Country, each.country).code}
                for each in sorted(records.all(City), key=attrgetter("name"))
            ],
        }
    )


def product_row(records: Reader, product: Product) -> JsonObject:
    images = records.find(ProductImage, "product", product.id)
    name = product.sku if product.name is OMITTED else product.name
    cdn_url = f"{request.host_url.rstrip('/')}{request.script_root}/cdn"
    columns = {
        "id": product.id,
        "sku": product.sku,
        "name": name,
        "image": images[0].url.replace("{cdn_url}", cdn_url) if images else None,
    }
    return columns | pool_price(product.id)


def pool_price(product: int) -> JsonObject:
    """Return the price of a product in the pool, in the currency of its country."""
    for rows, key, currency in ((pool("products"), "price", "TRY"), (italian_products(), "price_eur", "EUR")):
        for row in rows:
            if row["id"] == product:
                return {"price": f"{row[key] / 100:.2f}", "currency": currency}
    return {"price": None, "currency": None}


def location_row(records: Reader, location: StockLocation) -> JsonObject:
    address = records.get(LocationAddress, location.address)
    city = None if address is None else records.get(City, address.city)
    return {
        "id": location.id,
        "name": location.name,
        "erp_code": location.erp_code,
        "city": None if city is None else city.name,
        "is_pickup_location": location.is_pickup_location,
    }


@api.get("/shipments")
def find_shipments() -> Response:
    """List the packages and transfer orders whose shipment has a tracking number. The API has no such filter."""
    number = query_parameters("tracking_number").get("tracking_number", "")
    records = current_world().records
    return list_response([shipment_row(records, each) for each in shipments_with(records, number)])


def shipments_with(records: Reader, number: str) -> list[Shipment]:
    """Return the shipments with a tracking number: of the generated ones, only the possible one is read."""
    changed: Iterable[int] = records.maps.get(Shipment, ())
    possible = shipment_of_tracking_number(number)
    known = [] if possible is None else [possible]
    base = known if isinstance(records.base, DemoDataset) else records.base.ids(Shipment)
    found = (records.get(Shipment, id_) for id_ in dict.fromkeys((*base, *changed)))
    return [each for each in found if each is not None and each.awb_number == number]


def shipment_row(records: Reader, shipment: Shipment) -> JsonObject:
    if shipment.package is not None:
        package = records.get_existing(Package, shipment.package)
        return {"page": "packages", "record": package.id, "number": package.number}
    transfer = records.get_existing(TransferOrder, shipment.transfer_order or 0)
    return {"page": "transfers", "record": transfer.id, "number": transfer.number}


@api.get("/timeline")
def timeline() -> Response:
    return json_response(timeline_document(current_world()))


def timeline_document(world: World) -> JsonObject:
    """Return the counts of requests, refusals and transitions, and the longest duration, in equal periods."""
    exchanges = list(world.journal.newest_first())
    moves = [log.created_date for log in latest_logs(world.records)]
    start, end = time_range([*moves, *(exchange.at for exchange in exchanges)], world.clock.now())
    buckets: list[JsonObject] = [
        {
            "at": format_time(start + (end - start) * number / BUCKETS),
            "requests": 0,
            "refused": 0,
            "moved": 0,
            "milliseconds": 0.0,
        }
        for number in range(BUCKETS)
    ]
    for at in moves:
        buckets[position(at, start, end)]["moved"] += 1
    for exchange in exchanges:
        bucket = buckets[position(exchange.at, start, end)]
        bucket["requests"] += 1
        bucket["refused"] += exchange.status >= 400
        bucket["milliseconds"] = max(bucket["milliseconds"], round(exchange.duration * 1000, 2))
    return {"from": format_time(start), "to": format_time(end), "buckets": buckets}


def latest_logs(records: Reader) -> Iterable[TransitionLog]:
    """Return the latest transitions since the start of the world."""
    end = next_id(records, TransitionLog)
    ids = range(max(records.base.next_id(TransitionLog), end - MAX_LOGS), end)
    return (log for id_ in ids if (log := records.get(TransitionLog, id_)) is not None)


def time_range(times: list[datetime], now: datetime) -> tuple[datetime, datetime]:
    start = min(times, default=now)
    return start, max(*times, now, start + SHORTEST_SPAN) if times else start + SHORTEST_SPAN


def position(at: datetime, start: datetime, end: datetime) -> int:
    return min(max(int((at - start) / (end - start) * BUCKETS), 0), BUCKETS - 1)
