"""Random queries: names from the table, values from the data, and values that nobody should send."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

from emulator.rules.filters import FILTER_SETS
from tests.oracle_filters import service
from tests.oracle_filters.tables import SORT, TABLES

ODD = {
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
FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%d %B %Y", "%b %d, %Y")


def random_query(name: str, dice: random.Random) -> str:
    """Give a query of one to four parameters, mostly of values that some record has."""
    of_one = record(name, dice)
    pairs = [parameter(name, dice, of_one) for _ in range(dice.choice((1, 1, 2, 2, 3, 4)))]
    if name in SORT and dice.random() < 0.4:
        pairs.append(("sort", random_sort(name, dice)))
    pairs.append(("limit", "100"))
    return urlencode(pairs, quote_via=quote)


def parameter(name: str, dice: random.Random, value_of: Callable[[str], Any]) -> tuple[str, str]:
    each, one = dice.choice(FILTER_SETS[name].names)
    if dice.random() < 0.12:
        return each, dice.choice(ODD[one.type])
    return each, TEXTS[one.type](value_of(TABLES[name][one.name].field), dice)


def record(name: str, dice: random.Random) -> Callable[[str], Any]:
    """Give what looks up the values of one record, and now and then another one's."""
    objects = service.MODELS[FILTER_SETS[name].kind].objects
    ids = list(objects.values_list("id", flat=True))
    chosen = dice.choice(ids)

    def value_of(field: str) -> Any:
        one = chosen if dice.random() < 0.7 else dice.choice(ids)
        return dice.choice([*objects.filter(id=one).values_list(field, flat=True)] or [None])

    return value_of


def random_sort(name: str, dice: random.Random) -> str:
    fields = [*SORT[name], "nobody", "", "-"]
    return ",".join(
        dice.choice(("", "-", "", "-", "--", " ")) + dice.choice(fields) for _ in range(dice.randint(1, 3))
    )


def number(value: Any, dice: random.Random) -> str:
    return str((value or 0) + dice.choice((0, 0, 0, 1, -1)))


def boolean(value: Any, dice: random.Random) -> str:
    return dice.choice((str(value), str(value).lower(), str(int(value or 0))))


def char(value: Any, dice: random.Random) -> str:
    text = str(value)
    return dice.choice((text, text, text, f" {text} ", text[: dice.randint(0, len(text))], text.swapcase()))


def day(value: Any, dice: random.Random) -> str:
    found = (value.date() if value else date(2023, 3, 1)) + timedelta(days=dice.choice((0, 0, 0, 1, -1)))
    return found.strftime(dice.choice(FORMS))


def moment(value: Any, dice: random.Random) -> str:
    found = value or datetime(2023, 3, 1, tzinfo=UTC)
    found = found.astimezone(dice.choice(ZONES)) + timedelta(microseconds=dice.choice((0, 0, 1, -1, 86_400_000_000)))
    text = found.isoformat(dice.choice(("T", " ")))
    return dice.choice((text, text, text[:19], text[:10], text.replace("+00:00", "Z")))


def numbers(value: Any, dice: random.Random) -> str:
    return ",".join(number(value, dice) for _ in range(dice.randint(1, 5)))


def chars(value: Any, dice: random.Random) -> str:
    return ",".join((str(value), *(dice.choice(("1", "x", str(value))) for _ in range(dice.randint(0, 2)))))


TEXTS: dict[str, Callable[[Any, random.Random], str]] = {
    "number": number,
    "boolean": boolean,
    "char": char,
    "date": day,
    "datetime": moment,
    "number_list": numbers,
    "char_list": chars,
}
