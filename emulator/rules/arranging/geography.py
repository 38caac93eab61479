"""Where on the map an address is: by names or ids, the rest from the installation's own places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.core.records import City, Country, District, Township
from emulator.core.refusals import Conflict, InvalidDocument
from emulator.core.seeded_random import pick
from emulator.core.store import View
from emulator.rules.seeding.order_records import email_name

LEVELS: Mapping[str, type[Any]] = {"country": Country, "city": City, "township": Township, "district": District}
FIRST_KNOWN = 30
"""So many of the known names an error lists."""


class Spot(NamedTuple):
    """A place as addresses refer to it."""

    country: int
    city: int
    township: int
    district: int | None


def spot_of(view: View, asked: Mapping[str, Any], dice: int) -> Spot:
    """Give the place that `country`, `city`, `township` and `district` name; what is left open, the dice decide."""
    wanted = {level: ids_of(view, level, asked[level]) for level in LEVELS if asked.get(level) is not None}
    fitting = [spot for spot in spots(view) if all(getattr(spot, level) in ids for level, ids in wanted.items())]
    if fitting:
        home = [spot for spot in fitting if spot.country == fitting[0].country]
        return pick(home, dice)
    if wanted:
        raise InvalidDocument("no place in " + " and ".join(f"{level} {asked[level]!r}" for level in wanted))
    raise Conflict("this world has no places: its scenario has no township")


def spots(view: View) -> Iterator[Spot]:
    """Give all places; a township without districts is one too."""
    countries = {city.id: city.country for city in view.all(City)}
    found = [Spot(countries[each.city], each.city, each.township, each.id) for each in view.all(District)]
    yield from found
    with_districts = {spot.township for spot in found}
    for each in view.all(Township):
        if each.id not in with_districts:
            yield Spot(countries[each.city], each.city, each.id, None)


def ids_of(view: View, level: str, asked: str | int) -> set[int]:
    """Give the ids of the places of one level that bear a name, a country's code or an id."""
    known = list(view.all(LEVELS[level]))
    if ids := {place.id for place in known if is_called(place, asked)}:
        return ids
    raise InvalidDocument(f"unknown {level} {asked!r}", [place.name for place in known][:FIRST_KNOWN])


def is_called(place: Any, asked: str | int) -> bool:
    if isinstance(asked, int):
        return bool(place.id == asked)
    return email_name(asked) in {email_name(place.name), getattr(place, "code", None)}


def code_of(view: View, country: int) -> str:
    """Give a country's code, by which the pools are sorted."""
    return view.one(Country, country).code
