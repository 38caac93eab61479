"""What a country's orders are drawn from: names, places, products, carriers and stock locations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, hypot, radians
from pathlib import Path
from typing import Any, TypeVar

import orjson

from emulator.core.records import (
    CargoCompany,
    Channel,
    City,
    Country,
    District,
    LocationAddress,
    PriceList,
    StockList,
    StockLocation,
)
from emulator.rules.installation import Records
from emulator.rules.seeding.dice import DAY, HOUR, MINUTE, SECOND

POOLS = Path(__file__).parent.parent.parent / "fixtures" / "pools"
CURRENCIES = {"tr": "try", "it": "eur"}
TAX_RATES = {"it": "22.00"}
"""The tax rate of all products where it is not the product's own."""
PRICES = {"tr": "price", "it": "price_eur"}
CHANNELS = {"tr": ("PZ Shop", "PZ Shop", "PZ Shop", "PZ Pazaryeri"), "it": ("PZ Italia",)}
CARRIERS = {
    "tr": ("Speeta", "Demo Kargo", "Anadolu Ekspres", "Boğaziçi Kargo"),
    "it": ("Corriere Lombardo", "Espresso Adriatico"),
}
KILOMETRES_PER_DEGREE = 111.2

R = TypeVar("R")


@cache
def pool(name: str) -> Any:
    """Give a pool as `make pools` wrote it."""
    return orjson.loads((POOLS / f"{name}.json").read_bytes())


@dataclass(frozen=True)
class Place:
    """A district with what an address says around it."""

    district: District
    postcode: str
    city: str
    point: tuple[float, float]


@dataclass(frozen=True)
class Source:
    """A stock location that packs, and the times that it allows itself, in microseconds."""

    id: int
    point: tuple[float, float]
    packing: int
    transfer: int


@dataclass(frozen=True)
class Region:
    """All that orders of one country are drawn from."""

    country: int
    currency: str
    tax_rate: str | None
    price: str
    price_list: int
    stock_list: int
    channels: Sequence[int]
    carriers: Sequence[int]
    sources: Sequence[Source]
    pickups: Sequence[int]
    places: Sequence[Place]
    first_names: Sequence[str]
    last_names: Sequence[str]
    phones: Sequence[str]
    lines: Sequence[str]
    companies: Sequence[dict[str, str]]


def regions(records: Records) -> dict[str, Region]:
    """Give the regions of countries in which the installation can pack and send, by country code."""
    codes = {country.code: country.id for country in records[Country].values()}
    found = {code: region(code, codes[code], records) for code in CURRENCIES if code in codes}
    return {code: one for code, one in found.items() if one.sources and one.places}


def region(code: str, country: int, records: Records) -> Region:
    people = pool("people")[code]
    active = [place for place in locations(country, records) if place.is_active]
    prices = matching(records[PriceList], "currency", [CURRENCIES[code]])[0]
    return Region(
        country=country,
        currency=CURRENCIES[code],
        tax_rate=TAX_RATES.get(code),
        price=PRICES[code],
        price_list=prices,
        stock_list=prices if prices in records[StockList] else next(iter(records[StockList])),
        channels=matching(records[Channel], "name", CHANNELS[code]),
        carriers=matching(records[CargoCompany], "name", CARRIERS[code]),
        sources=[source(place, records) for place in active if place.is_fulfillment_center],
        pickups=[place.id for place in active if place.is_pickup_location],
        places=places(country, records),
        first_names=people["first_names"],
        last_names=people["last_names"],
        phones=pool("phones")[code],
        lines=pool("addresses")[code],
        companies=pool("companies")[code],
    )


def matching(table: dict[int, Any], column: str, wanted: Sequence[str]) -> list[int]:
    """Give the ids of the records wanted, as often as they are; those of all records if there is none of them."""
    ids = {getattr(record, column): id_ for id_, record in table.items()}
    return [ids[value] for value in wanted if value in ids] or list(table)


def locations(country: int, records: Records) -> list[StockLocation]:
    addresses = records[LocationAddress]
    return [place for place in records[StockLocation].values() if addresses[place.address].country == country]


def source(location: StockLocation, records: Records) -> Source:
    return Source(
        id=location.id,
        point=point(records[LocationAddress][location.address]),
        packing=interval(location.target_packing_interval),
        transfer=interval(location.target_transfer_interval),
    )


def places(country: int, records: Records) -> list[Place]:
    postcodes, cities = pool("postcodes"), records[City]
    return [
        Place(district, postcodes.get(str(district.township), ""), cities[district.city].name, point(district))
        for district in records[District].values()
        if cities[district.city].country == country
    ]


def point(record: Any) -> tuple[float, float]:
    return float(record.longitude or 0), float(record.latitude or 0)


def interval(text: str) -> int:
    """Give the microseconds of a duration as the vendor prints it: days, then hours, minutes, seconds."""
    days, clock = text.split(" ")
    return int(days) * DAY + sum(
        int(part) * unit for part, unit in zip(clock.split(":"), (HOUR, MINUTE, SECOND), strict=True)
    )


@cache
def distance(one: tuple[float, float], other: tuple[float, float]) -> int:
    """Give the kilometres between two points of one country."""
    east = (one[0] - other[0]) * cos(radians((one[1] + other[1]) / 2))
    return round(hypot(east, one[1] - other[1]) * KILOMETRES_PER_DEGREE)
