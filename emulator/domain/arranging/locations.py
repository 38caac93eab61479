"""Create and change stock locations, and resolve the locations of addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from emulator.core.errors import Conflict, InvalidDocument
from emulator.core.json_text import JsonObject
from emulator.core.records import (
    City,
    Columns,
    Country,
    District,
    LocationAddress,
    Record,
    RecordKind,
    StockLocation,
    Township,
)
from emulator.core.seeded_random import derive_uuid, pick
from emulator.domain.arranging import MAX_KNOWN, plain_columns, to_columns
from emulator.domain.seeding.records import email_name
from emulator.state.store import Reader, Transaction

LOCATION_COLUMNS = plain_columns(StockLocation, "created_date", "modified_date")
ADDRESS_COLUMNS = plain_columns(LocationAddress, "mapping", "is_active")
LOCATION_LEVELS: Mapping[str, RecordKind] = {
    "country": Country,
    "city": City,
    "township": Township,
    "district": District,
}


def create_stock_location(tx: Transaction, document: JsonObject) -> StockLocation:
    """Create a stock location. Its default ERP code is its id."""
    id_ = tx.new_id(StockLocation)
    address = create_location_address(tx, document)
    values: Columns = {"erp_code": str(id_)} | to_columns(document, LOCATION_COLUMNS)
    check_code_is_unique(tx, id_, values["erp_code"])
    location = tx.add(StockLocation(id=id_, address=address.id, created_date=tx.now, modified_date=tx.now, **values))
    tx.queue_event("stock_location.created", location)
    return location


def create_location_address(tx: Transaction, document: JsonObject) -> LocationAddress:
    """Create the address of a new location. Its default coordinates are those of its city."""
    id_ = tx.new_id(LocationAddress)
    address_document = document.get("address", {})
    geo_location = resolve_location(tx, address_document, derive_uuid("location", id_).int)
    city = tx.get_existing(City, geo_location.city)
    defaults = {"title": document["name"], "longitude": city.longitude, "latitude": city.latitude}
    return tx.add(
        LocationAddress(
            id=id_, **geo_location._asdict(), **(defaults | to_columns(address_document, ADDRESS_COLUMNS))
        )
    )


def update_stock_location(tx: Transaction, location: StockLocation, document: JsonObject) -> StockLocation:
    """Change the columns of a stock location that the document contains."""
    changes = to_columns(document, LOCATION_COLUMNS)
    check_code_is_unique(tx, location.id, changes.get("erp_code"))
    if "address" in document:
        update_location_address(tx, tx.get_existing(LocationAddress, location.address), document["address"])
    changed = tx.change(location, modified_date=tx.now, **changes)
    tx.queue_event("stock_location.updated", changed)
    return changed


def update_location_address(tx: Transaction, address: LocationAddress, document: JsonObject) -> None:
    """Change an address. If it moves without new coordinates, it gets those of its city."""
    changes = to_columns(document, ADDRESS_COLUMNS)
    if any(level in document for level in LOCATION_LEVELS):
        geo_location = resolve_location(tx, document, derive_uuid("location", address.id).int)
        city = tx.get_existing(City, geo_location.city)
        changes = {"longitude": city.longitude, "latitude": city.latitude} | geo_location._asdict() | changes
    tx.change(address, **changes)


def check_code_is_unique(tx: Transaction, id_: int, code: str | None) -> None:
    """Raise `Conflict` if another location has this code, because manual planning refers to locations by code."""
    for other in tx.all(StockLocation):
        if code is not None and other.erp_code == code and other.id != id_:
            raise Conflict(f"location {other.id} {other.name} already has the erp_code {code!r}")


class GeoLocation(NamedTuple):
    """The location of an address, as ids."""

    country: int
    city: int
    township: int
    district: int | None


def resolve_location(view: Reader, document: JsonObject, random: int) -> GeoLocation:
    """Return a location that matches `country`, `city`, `township` and `district` of a document.

    `random` selects one of the matches in the first matching country.
    """
    levels = [level for level in LOCATION_LEVELS if document.get(level) is not None]
    ids_by_level = {level: matching_ids(view, level, document[level]) for level in levels}
    matching = [
        location
        for location in list_geo_locations(view)
        if all(getattr(location, level) in ids for level, ids in ids_by_level.items())
    ]
    if matching:
        in_country = [location for location in matching if location.country == matching[0].country]
        return pick(in_country, random)
    if levels:
        raise InvalidDocument("no place in " + " and ".join(f"{level} {document[level]!r}" for level in levels))
    raise Conflict("this world has no places: its scenario has no township")


def list_geo_locations(view: Reader) -> Iterator[GeoLocation]:
    """Yield all locations: the districts, and the townships without districts."""
    countries = {city.id: city.country for city in view.all(City)}
    for district in view.all(District):
        yield GeoLocation(countries[district.city], district.city, district.township, district.id)
    with_districts = {district.township for district in view.all(District)}
    for township in view.all(Township):
        if township.id not in with_districts:
            yield GeoLocation(countries[township.city], township.city, township.id, None)


def matching_ids(view: Reader, level: str, name_or_id: str | int) -> set[int]:
    """Return the ids of the records of one level that match a name, a country code or an id."""
    records = list(view.all(LOCATION_LEVELS[level]))
    if ids := {record.id for record in records if matches_name(record, name_or_id)}:
        return ids
    raise InvalidDocument(f"unknown {level} {name_or_id!r}", [record.name for record in records][:MAX_KNOWN])


def matches_name(record: Record, name_or_id: str | int) -> bool:
    if isinstance(name_or_id, int):
        return bool(record.id == name_or_id)
    return email_name(name_or_id) in {email_name(record.name), getattr(record, "code", None)}


def country_code(view: Reader, country: int) -> str:
    return view.get_existing(Country, country).code
