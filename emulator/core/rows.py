"""Records as JSON text and back, column by column: for files that another process reads.

A row is a list of the record's columns. A time is its ISO text, JSON text is text, `ABSENT` is `{}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, get_args, get_type_hints

import orjson

from emulator.core import jsontext
from emulator.core.records import ABSENT, KINDS, WebhookEvent
from emulator.core.store import Root

NAMES: dict[type[Any], str] = {kind: name for name, kind in KINDS.items()}
ABSENT_TEXT: dict[str, Any] = {}

ToldFrom = Callable[[int], Root]
"""Gives what an event tells of: the records as they were at a step."""


class Columns(NamedTuple):
    """Which columns of a kind JSON has no type for."""

    number: int
    times: tuple[int, ...]
    texts: tuple[int, ...]


def columns_of(kind: type[Any]) -> Columns:
    hints = list(get_type_hints(kind).values())
    times, texts = (
        tuple(at for at, hint in enumerate(hints) if plain in (hint, *get_args(hint))) for plain in (datetime, bytes)
    )
    return Columns(len(hints), times, texts)


COLUMNS: dict[type[Any], Columns] = {kind: columns_of(kind) for kind in KINDS.values()}
TOLD_FROM = WebhookEvent._fields.index("told_from")


def packed(record: Any) -> bytes:
    """Give a record as JSON text of one line. `TypeError` for a value that no column should have."""
    row: list[Any] = [ABSENT_TEXT if value is ABSENT else value for value in record]
    for at in COLUMNS[type(record)].texts:
        if isinstance(row[at], bytes):
            row[at] = row[at].decode()
    try:
        return orjson.dumps(row, default=plain)
    except TypeError:  # a number beyond 64 bits, or half a surrogate pair: legal in what a client sends
        return json.dumps(row, default=plain, separators=(",", ":")).encode()


def plain(value: Any) -> Any:
    """Give what stands in JSON for a value of a column that it has no type for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Root) and value.number is not None:
        return value.number
    raise TypeError(f"no column has a value like {value!r}")


def unpacked(kind: type[Any], text: bytes, told_from: ToldFrom) -> Any:
    """Give the record of a text. `ValueError` for one that is no row of this kind."""
    try:
        row = jsontext.read(text)
        columns = COLUMNS[kind]
        if len(row) != columns.number:
            raise ValueError(f"{len(row)} columns instead of {columns.number}")
        for at in columns.times:
            if isinstance(row[at], str):
                row[at] = datetime.fromisoformat(row[at])
        for at in columns.texts:
            if isinstance(row[at], str):
                row[at] = row[at].encode()
        if ABSENT_TEXT in row:
            row = [ABSENT if value == ABSENT_TEXT else value for value in row]
        if kind is WebhookEvent and row[TOLD_FROM] is not None:
            row[TOLD_FROM] = told_from(row[TOLD_FROM])
        return kind._make(row)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no {NAMES[kind]}: {error}") from None
