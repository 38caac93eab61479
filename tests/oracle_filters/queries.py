"""Random queries: names from the filter table, values from the data, and invalid values."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

from emulator.api.filters import FILTER_SETS
from tests.oracle_filters import service
from tests.oracle_filters.tables import SORT, TABLES

EDGE_VALUES = {
    "number": (
        "",
        " ",
        "x",
        "1.5",
        "1e3",
        "-0",
        "NaN",
        "Infinity",
        "1e51",
        "-1e60",
        "1_000",
        "٣",
        "0x10",
        "1,2",
        "\0",
    ),
    "boolean": ("", "TRUE", "False", "yes", "0", "1", "None", "\0"),
    "char": ("", " ", "x", "%", "_", ".*", "\0", "a\0b", "İ", "' OR 1=1 --", "\ufffd"),
    "date": ("", " ", "0000-01-01", "0001-01-01", "9999-12-31", "2023-02-30", "03/15/2023", "Mar 15 2023", "\0", "x"),
    "datetime": (
        "",
        " ",
        "0000-01-01",
        "9999-12-31T23:59:59Z",
        "2023-02-30",
        "0001-01-01T00:00:00",
        "\0",
        "20230301",
    ),
    "number_list": ("", ",", "1,,2", "1,x", "NaN,1", "1.5,2", " 1 , 2 ", "\0,1"),
    "char_list": ("", ",", "a,,b", "\0", " 1 , 2 "),
}
ZONES = (UTC, timezone(timedelta(hours=3)), timezone(timedelta(hours=-5, minutes=-30)))
DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d %B %Y", "%b %d, %Y")


def random_query(name: str, rng: random.Random) -> str:
    """Return a query of one to four parameters, mostly with values that some record has."""
    value_of = value_lookup(name, rng)
    pairs = [parameter(name, rng, value_of) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    if name in SORT and rng.random() < 0.4:
        pairs.append(("sort", random_sort(name, rng)))
    pairs.append(("limit", "100"))
    return urlencode(pairs, quote_via=quote)


def parameter(name: str, rng: random.Random, value_of: Callable[[str], Any]) -> tuple[str, str]:
    parameter_name, row = rng.choice(FILTER_SETS[name].names)
    if rng.random() < 0.12:
        return parameter_name, rng.choice(EDGE_VALUES[row.value_type])
    return parameter_name, FORMATTERS[row.value_type](value_of(TABLES[name][row.name].field), rng)


def value_lookup(name: str, rng: random.Random) -> Callable[[str], Any]:
    """Return a function that looks up values of one record, and sometimes of another record."""
    objects = service.MODELS[FILTER_SETS[name].kind].objects
    ids = list(objects.values_list("id", flat=True))
    chosen = rng.choice(ids)

    def value_of(field: str) -> Any:
        id_ = chosen if rng.random() < 0.7 else rng.choice(ids)
        return rng.choice([*objects.filter(id=id_).values_list(field, flat=True)] or [None])

    return value_of


def random_sort(name: str, rng: random.Random) -> str:
    fields = [*SORT[name], "nobody", "", "-"]
    return ",".join(rng.choice(("", "-", "", "-", "--", " ")) + rng.choice(fields) for _ in range(rng.randint(1, 3)))


def number(value: Any, rng: random.Random) -> str:
    return str((value or 0) + rng.choice((0, 0, 0, 1, -1)))


def boolean(value: Any, rng: random.Random) -> str:
    return rng.choice((str(value), str(value).lower(), str(int(value or 0))))


def char(value: Any, rng: random.Random) -> str:
    text = str(value)
    return rng.choice((text, text, text, f" {text} ", text[: rng.randint(0, len(text))], text.swapcase()))


def day(value: Any, rng: random.Random) -> str:
    shifted = (value.date() if value else date(2023, 3, 1)) + timedelta(days=rng.choice((0, 0, 0, 1, -1)))
    return shifted.strftime(rng.choice(DATE_FORMATS))


def date_time(value: Any, rng: random.Random) -> str:
    shifted = value or datetime(2023, 3, 1, tzinfo=UTC)
    shifted = shifted.astimezone(rng.choice(ZONES)) + timedelta(
        microseconds=rng.choice((0, 0, 1, -1, 86_400_000_000))
    )
    text = shifted.isoformat(rng.choice(("T", " ")))
    return rng.choice((text, text, text[:19], text[:10], text.replace("+00:00", "Z")))


def numbers(value: Any, rng: random.Random) -> str:
    return ",".join(number(value, rng) for _ in range(rng.randint(1, 5)))


def chars(value: Any, rng: random.Random) -> str:
    return ",".join((str(value), *(rng.choice(("1", "x", str(value))) for _ in range(rng.randint(0, 2)))))


FORMATTERS: dict[str, Callable[[Any, random.Random], str]] = {
    "number": number,
    "boolean": boolean,
    "char": char,
    "date": day,
    "datetime": date_time,
    "number_list": numbers,
    "char_list": chars,
}
