"""Columns of records and what is printed of them: a column's value as JSON, and a printed value as a column."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import NoneType
from typing import Any, get_type_hints

import orjson

from emulator.core.records import KINDS, Absent

LONGEST_SHOWN = 60

COLUMN_TYPES: dict[type[Any], dict[str, tuple[Any, ...]]] = {
    kind: {column: getattr(hint, "__args__", (hint,)) for column, hint in get_type_hints(kind).items()}
    for kind in KINDS.values()
}
"""The plain types of each column."""


def to_column(kind: type[Any], column: str, value: Any) -> Any:
    """Give a printed value as the column keeps it: JSON as text, times as times. `ValueError` if it does not fit."""
    types = COLUMN_TYPES[kind][column]
    if bytes in types:
        return None if value is None and NoneType in types else orjson.dumps(value)
    if datetime in types and isinstance(value, str):
        return zoned(datetime.fromisoformat(value))
    if type(value) not in types:
        raise ValueError(f"is {excerpt(value)}, must be {' or '.join(sorted(JSON_NAMES[type_] for type_ in types))}")
    return value


JSON_NAMES = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    datetime: "a time",
    NoneType: "null",
    Absent: "absent",
}
"""How a column's type is called in a document."""


def zoned(at: datetime) -> datetime:
    """Insist that a time tells its zone."""
    if at.tzinfo is None:
        raise ValueError(f"is {at.isoformat()}, must be a time with its zone, such as {at.isoformat()}Z")
    return at


def listed(value: Any) -> list[Any]:
    """Insist that a value is a list."""
    if not isinstance(value, list):
        raise ValueError(f"is {excerpt(value)}, must be a list")
    return value


def shown(value: Any) -> Iterable[tuple[int, Any]]:
    """Give the documents of a list; the reference's page prints empty ones for what it does not show."""
    return ((number, part) for number, part in enumerate(listed(value)) if part != {})


def excerpt(value: Any) -> str:
    """Give a value's JSON, cut where it gets long."""
    shown = orjson.dumps(value).decode()
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
