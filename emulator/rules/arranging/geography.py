"""Resolve the location of an address: country, city, township and district, by name or id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from emulator.core.jsontext import JsonObject
from emulator.core.records import City, Country, District, Record, RecordKind, Township
from emulator.core.refusals import Conflict, InvalidDocument
from emulator.core.seeded_random import pick
from emulator.core.store import View
from emulator.rules.seeding.order_records import email_name

LEVELS: Mapping[str, RecordKind] = {"country": Country, "city": City, "township": Township, "district": District}
FIRST_KNOWN = 30
"""Maximum number of known names in an error message."""


class GeoLocation(NamedTuple):
    """The location of an address, as ids."""

    country: int
    city: int
    township: int
    district: int | None


def resolve_location(view: View, document: JsonObject, random: int) -> GeoLocation:
    """Return a location that matches `country`, `city`, `township` and `district` of a document.

    `random` selects one of the matches in the first matching country.
    """
    ids_by_level = {
        level: matching_ids(view, level, document[level]) for level in LEVELS if document.get(level) is not None
    }
    matching = [
        location
        for location in list_locations(view)
        if all(getattr(location, level) in ids for level, ids in ids_by_level.items())
    ]
    if matching:
        in_country = [location for location in matching if location.country == matching[0].country]
        return pick(in_country, random)
    if ids_by_level:
        raise InvalidDocument("no place in " + " and ".join(f"{level} {document[level]!r}" for level in ids_by_level))
    raise Conflict("this world has no places: its scenario has no township")


def list_locations(view: View) -> Iterator[GeoLocation]:
    """Yield all locations: the districts, and the townships without districts."""
    countries = {city.id: city.country for city in view.all(City)}
    for district in view.all(District):
        yield GeoLocation(countries[district.city], district.city, district.township, district.id)
    with_districts = {district.township for district in view.all(District)}
    for township in view.all(Township):
        if township.id not in with_districts:
            yield GeoLocation(countries[township.city], township.city, township.id, None)


def matching_ids(view: View, level: str, name_or_id: str | int) -> set[int]:
    """Return the ids of the records of one level that match a name, a country code or an id."""
    records = list(view.all(LEVELS[level]))
    if ids := {record.id for record in records if has_name(record, name_or_id)}:
        return ids
    raise InvalidDocument(f"unknown {level} {name_or_id!r}", [record.name for record in records][:FIRST_KNOWN])


def has_name(record: Record, name_or_id: str | int) -> bool:
    if isinstance(name_or_id, int):
        return bool(record.id == name_or_id)
    return email_name(name_or_id) in {email_name(record.name), getattr(record, "code", None)}


def country_code(view: View, country: int) -> str:
    return view.one(Country, country).code
