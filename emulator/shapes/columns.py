"""Column types, and the conversion of recorded JSON values to column values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from types import NoneType
from typing import get_type_hints

import orjson

from emulator.core.jsontext import JsonValue, compact
from emulator.core.records import ABSENT, KINDS, Absent, ColumnValue, RecordKind

MAX_EXCERPT = 60

COLUMN_TYPES: dict[RecordKind, dict[str, tuple[type, ...]]] = {
    kind: {column: getattr(hint, "__args__", (hint,)) for column, hint in get_type_hints(kind).items()}
    for kind in KINDS.values()
}
"""Kind -> column -> the types that its values may have."""
JSON_TYPE_NAMES = {
    int: "a number",
    str: "a text",
    bool: "true or false",
    datetime: "a time",
    NoneType: "null",
    Absent: "absent",
}
"""Column type -> its name in error messages about documents."""


def to_column(kind: RecordKind, column: str, value: JsonValue) -> ColumnValue:
    """Convert a JSON value to the value of a column; raise `ValueError` if the column does not take it.

    Columns of free JSON hold its text, columns of times hold `datetime` values.
    """
    types = COLUMN_TYPES[kind][column]
    if bytes in types:
        return None if value is None and NoneType in types else compact(value)
    if datetime in types and isinstance(value, str):
        return require_zone(datetime.fromisoformat(value))
    if type(value) not in types:
        expected = " or ".join(sorted(JSON_TYPE_NAMES[type_] for type_ in types))
        raise ValueError(f"is {excerpt(value)}, must be {expected}")
    return value


def from_column(value: ColumnValue) -> JsonValue:
    """Convert a column value to the JSON value that a document shows."""
    if isinstance(value, bytes):
        return orjson.loads(value)
    if isinstance(value, datetime):
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))
    return None if value is ABSENT else value


def require_zone(at: datetime) -> datetime:
    """Return the time; raise `ValueError` if it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"is {at.isoformat()}, must be a time with its zone, such as {at.isoformat()}Z")
    return at


def shown_documents(value: JsonValue) -> Iterator[tuple[int, JsonValue]]:
    """Yield the documents of a list with their positions; raise `ValueError` if the value is not a list.

    The reference page prints `{}` for documents that it does not show; these are left out.
    """
    if not isinstance(value, list):
        raise ValueError(f"is {excerpt(value)}, must be a list")
    return ((position, document) for position, document in enumerate(value) if document != {})


def excerpt(value: JsonValue) -> str:
    """Return the JSON text of a value for a message, shortened to `MAX_EXCERPT` characters."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}..."
