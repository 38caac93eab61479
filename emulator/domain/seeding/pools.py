"""Pools of data, and the records that every demo dataset has: products, stock, delivery ranges and hooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from math import cos, hypot, radians
from typing import NamedTuple

from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue, compact_json
from emulator.core.records import (
    CargoCompany,
    Channel,
    City,
    Country,
    DeliveryRange,
    District,
    LocationAddress,
    PriceList,
    Product,
    ProductImage,
    Record,
    RecordKind,
    Stock,
    StockList,
    StockLocation,
    Webhook,
)
from emulator.core.seeded_random import draw
from emulator.domain import installation
from emulator.domain.installation import Records
from emulator.domain.planning import parse_interval
from emulator.state.store import MICROSECOND

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CURRENCIES = {"tr": "try", "it": "eur"}
TAX_RATES = {"it": "22.00"}
"""The tax rate of all products, if it is not the product's own."""
CHANNELS = {"tr": ("PZ Shop", "PZ Shop", "PZ Shop", "PZ Pazaryeri"), "it": ("PZ Italia",)}
CARRIERS = {
    "tr": ("Speeta", "Demo Kargo", "Anadolu Ekspres", "Boğaziçi Kargo"),
    "it": ("Corriere Lombardo", "Espresso Adriatico"),
}
KILOMETRES_PER_DEGREE = 111.2


def pool(name: str) -> JsonValue:
    """Return a pool that `make pools` wrote."""
    return load_fixture(f"pools/{name}")


class Destination(NamedTuple):
    """A district with the postcode and city of its addresses."""

    district: District
    postcode: str
    city: str
    point: tuple[float, float]


class PackingLocation(NamedTuple):
    """A stock location that packs, and its target times in microseconds."""

    id: int
    point: tuple[float, float]
    packing_time: int
    transfer_time: int


@dataclass(frozen=True)
class Region:
    """The values that the orders of one country are drawn from."""

    country: int
    currency: str
    tax_rate: str | None
    price_list: int
    stock_list: int
    channels: Sequence[int]
    carriers: Sequence[int]
    packing_locations: Sequence[PackingLocation]
    pickup_locations: Sequence[PackingLocation]
    destinations: Sequence[Destination]
    first_names: Sequence[str]
    last_names: Sequence[str]
    phones: Sequence[str]
    address_lines: Sequence[str]
    companies: Sequence[dict[str, str]]

    @cached_property
    def nearest_first(self) -> Mapping[tuple[float, float], Sequence[PackingLocation]]:
        """The packing locations in the order of their distance, by the point of the destination."""
        return {
            destination.point: sorted(
                self.packing_locations, key=lambda source: plane_distance_km(source.point, destination.point)
            )
            for destination in self.destinations
        }


def build_regions(records: Records) -> dict[str, Region]:
    """Return the regions where the installation can pack and ship, by country code."""
    codes = {country.code: country.id for country in records[Country].values()}
    candidates = {code: make_region(code, codes[code], records) for code in CURRENCIES if code in codes}
    return {code: region for code, region in candidates.items() if region.packing_locations and region.destinations}


def make_region(code: str, country: int, records: Records) -> Region:
    people = pool("people")[code]
    active = [location for location in locations_in_country(country, records) if location.is_active]
    price_list = ids_with_values(records[PriceList], "currency", [CURRENCIES[code]])[0]
    return Region(
        country=country,
        currency=CURRENCIES[code],
        tax_rate=TAX_RATES.get(code),
        price_list=price_list,
        stock_list=price_list if price_list in records[StockList] else next(iter(records[StockList])),
        channels=ids_with_values(records[Channel], "name", CHANNELS[code]),
        carriers=ids_with_values(records[CargoCompany], "name", CARRIERS[code]),
        packing_locations=[
            make_packing_location(location, records) for location in active if location.is_fulfillment_center
        ],
        pickup_locations=[
            make_packing_location(location, records) for location in active if location.is_pickup_location
        ],
        destinations=make_destinations(country, records),
        first_names=people["first_names"],
        last_names=people["last_names"],
        phones=pool("phones")[code],
        address_lines=pool("addresses")[code],
        companies=pool("companies")[code],
    )


def ids_with_values(table: dict[int, Record], column: str, wanted: Sequence[str]) -> list[int]:
    """Return the ids of the wanted values, in their order. If none exists, return all ids."""
    ids = {getattr(record, column): id_ for id_, record in table.items()}
    return [ids[value] for value in wanted if value in ids] or list(table)


def locations_in_country(country: int, records: Records) -> list[StockLocation]:
    addresses = records[LocationAddress]
    return [each for each in records[StockLocation].values() if addresses[each.address].country == country]


def make_packing_location(location: StockLocation, records: Records) -> PackingLocation:
    return PackingLocation(
        id=location.id,
        point=coordinates(records[LocationAddress][location.address]),
        packing_time=parse_interval(location.target_packing_interval) // MICROSECOND,
        transfer_time=parse_interval(location.target_transfer_interval) // MICROSECOND,
    )


def make_destinations(country: int, records: Records) -> list[Destination]:
    postcodes, cities = pool("postcodes"), records[City]
    return [
        Destination(
            district, postcodes.get(str(district.township), ""), cities[district.city].name, coordinates(district)
        )
        for district in records[District].values()
        if cities[district.city].country == country
    ]


def coordinates(record: Record) -> tuple[float, float]:
    return float(record.longitude or 0), float(record.latitude or 0)


@cache
def plane_distance_km(one: tuple[float, float], other: tuple[float, float]) -> int:
    """Return the kilometres between two points of one country."""
    east = (one[0] - other[0]) * cos(radians((one[1] + other[1]) / 2))
    return round(hypot(east, one[1] - other[1]) * KILOMETRES_PER_DEGREE)


# --- records that every demo dataset has --------------------------------------------------------------------------

ITALIAN_OFFSET = 1_000
"""Difference between the ids of an Italian product and of the Turkish one."""
DELIVERY_RANGE_COUNT = 30
OPENING, CLOSING = timedelta(hours=6), timedelta(hours=15)
SUNDAY = 6
PRODUCTS_ADDED_AT = datetime(2022, 9, 14, 8, 10, 44, 353121, tzinfo=UTC)
HOOKS_CREATED_AT = datetime(2023, 1, 4, 13, 2, 18, 404799, tzinfo=UTC)
HOOK_TARGET = "https://integration.example.com/oms/"
"""The host is one of `webhooks.delivery.BUILT_IN_HOSTS`: a receiver in the process accepts the events."""


def product_rows(version: int) -> dict[str, list[JsonObject]]:
    """Return the products of each country's orders, by currency. In version 1 all orders have the same products."""
    return {"try": pool("products"), "eur": italian_products() if version > 1 else pool("products")}


@cache
def italian_products() -> list[JsonObject]:
    """Return the products with Italian names. They have other ids and SKUs than the Turkish ones."""
    names = pool("products_it")
    rows = []
    for row in pool("products"):
        kind, _, _ = row["name"].rpartition(" ")
        colour = names["colours"][row["attributes"]["renk"]]
        labels = {**row["attributes_kwargs"], "renk": {"label": colour, "value": colour, "data_type": "dropdown"}}
        rows.append(
            row
            | {
                "id": row["id"] + ITALIAN_OFFSET,
                "name": f"{names['kinds'][kind]} {colour.capitalize()}",
                "base_code": row["base_code"].replace("PZ-", "PI-"),
                "sku": row["sku"].replace("PZ-", "PI-"),
                "images": [url.replace(f"/{row['id']}/", f"/{row['id'] + ITALIAN_OFFSET}/") for url in row["images"]],
                "attributes": {**row["attributes"], "renk": colour},
                "attributes_kwargs": labels,
            }
        )
    return rows


def fixed_records(name: str, packages: int, seed: int, start: datetime, version: int = 1) -> Records:
    """Return the records of the installation and those that every demo dataset adds."""
    products = pool("products") + (italian_products() if version > 1 else [])
    records = dict(installation.load_installation(name))
    added: dict[RecordKind, Iterable[Record]] = {
        Product: map(make_product, products),
        ProductImage: make_images(products, version),
        Stock: make_stock(records[StockLocation], products, packages, seed),
        DeliveryRange: make_delivery_ranges(start),
        Webhook: make_hooks(),
    }
    for kind, new in added.items():
        records[kind] = {record.id: record for record in new}
    return records


def make_product(row: JsonObject) -> Product:
    added = PRODUCTS_ADDED_AT + timedelta(minutes=row["id"])
    return Product(
        id=row["id"],
        created_date=added,
        modified_date=added + timedelta(microseconds=10),
        omnitron_id=row["id"] + 7000,
        name=row["name"],
        base_code=row["base_code"],
        sku=row["sku"],
        barcode=row["barcode"],
        attributes=compact_json(row["attributes"]),
        attributes_kwargs=compact_json(row["attributes_kwargs"]),
        remote_modified_date=added - timedelta(days=7),
    )


def make_images(products: list[JsonObject], version: int) -> list[ProductImage]:
    """Return the images. The pictures are SVG; version 1 has the suffix of the documented samples."""
    suffix = ".jpg" if version == 1 else ".svg"
    images = [
        (row["id"], order, url.replace(".jpg", suffix)) for row in products for order, url in enumerate(row["images"])
    ]
    return [ProductImage(id_, *image) for id_, image in enumerate(images, start=2001)]


def make_stock(
    locations: dict[int, StockLocation], products: list[JsonObject], packages: int, seed: int
) -> list[Stock]:
    """Return stock of every product at every packing location: enough for all packages that wait there."""
    records: list[Stock] = []
    for location in locations.values():
        if location.is_fulfillment_center:
            draws = draw(seed, "stock", location.id)
            for row in products:
                quantity = 8 + draws[(row["id"] * 7) % 64] // 4 + packages // 300
                records.append(Stock(len(records) + 1, row["id"], location.id, quantity))
    return records


def make_delivery_ranges(start: datetime) -> list[DeliveryRange]:
    """Return the working hours of the days after the start, without Sundays."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=day) for day in range(1, 2 * DELIVERY_RANGE_COUNT)]
    open_days = [day for day in days if day.weekday() != SUNDAY][:DELIVERY_RANGE_COUNT]
    return [DeliveryRange(id_, day + OPENING, day + CLOSING) for id_, day in enumerate(open_days, start=401)]


def make_hooks() -> list[Webhook]:
    return [
        Webhook(
            id=row["id"],
            retry_countdown_config=compact_json(row["retry"]),
            created_date=HOOKS_CREATED_AT,
            modified_date=HOOKS_CREATED_AT + timedelta(microseconds=39),
            target_url=HOOK_TARGET + row["event_type"].replace(".", "/"),
            event_type=row["event_type"],
        )
        for row in load_fixture("demo_hooks")
    ]
