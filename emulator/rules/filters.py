"""How a column is compared with what a filter wants, and in which order a list comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

R = TypeVar("R")
Lookup = Callable[[Any, Any], bool]


def exact(value: Any, wanted: Any) -> bool:
    return bool(value == wanted)


def icontains(value: Any, wanted: Any) -> bool:
    """As the database does it: both in capitals."""
    return value is not None and str(wanted).upper() in str(value).upper()


LOOKUPS: Mapping[str, Lookup] = {"exact": exact, "icontains": icontains}


def in_order(records: Iterable[R], fields: Sequence[str]) -> list[R]:
    """Give the records by these columns (`-` in front: descending); empty values count as the largest."""
    found = list(records)
    for field in reversed(fields):
        column = field.removeprefix("-")

        def key(record: R, column: str = column) -> tuple[bool, Any]:
            value = getattr(record, column)
            return (value is None, 0 if value is None else value)

        found.sort(key=key, reverse=field.startswith("-"))
    return found
