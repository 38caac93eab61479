"""How a value is compared with what is wanted: one small function per lookup.

Times are microseconds since 1970, and so are days: by their midnight, in UTC (assumed: the service's own zone).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

DAY = 86_400_000_000

Lookup = Callable[[Any, Any], bool]


def is_in(value: Any, wanted: frozenset[Any]) -> bool:
    return value in wanted


def starts_with(value: str, wanted: str) -> bool:
    return value.startswith(wanted)


def contains(value: str, wanted: str) -> bool:
    """As the database does it: both in capitals."""
    return wanted.upper() in value.upper()


def equals_in_any_case(value: str, wanted: str) -> bool:
    """As the database does it: both in capitals."""
    return value.upper() == wanted.upper()


def on_day(value: int, wanted: int) -> bool:
    return wanted <= value < wanted + DAY


def since_day(value: int, wanted: int) -> bool:
    return value >= wanted


def until_day(value: int, wanted: int) -> bool:
    return value < wanted + DAY


LOOKUPS: dict[str, Lookup] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": is_in,
    "startswith": starts_with,
    "icontains": contains,
    "iexact": equals_in_any_case,
    "date": on_day,
    "date__gte": since_day,
    "date__lte": until_day,
}
"""Django's names. An empty value meets none of them."""
