"""Encode records as lines of JSON text, and decode them.

A record is a JSON array of its columns. A time is ISO text, JSON text is a string, `OMITTED` is `{}`, and the
snapshot that an event refers to is the number of its step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, get_args, get_type_hints

import orjson

from emulator.core.json_text import JsonObject, JsonValue, load_json
from emulator.core.records import KINDS, OMITTED, ColumnValue, Record, RecordKind, WebhookEvent
from emulator.state.store import Snapshot

KIND_NAMES: dict[RecordKind, str] = {kind: name for name, kind in KINDS.items()}
ENCODED_OMITTED: JsonObject = {}

SnapshotAt = Callable[[int], Snapshot]
"""Returns the records as they were after a step."""


class ColumnTypes(NamedTuple):
    """The number of columns of a kind, and the columns that JSON has no type for."""

    number: int
    times: tuple[int, ...]
    json_texts: tuple[int, ...]


def column_types(kind: RecordKind) -> ColumnTypes:
    """Return the positions of the columns that need a conversion."""
    hints = list(get_type_hints(kind).values())
    times, json_texts = (
        tuple(at for at, hint in enumerate(hints) if type_ in (hint, *get_args(hint))) for type_ in (datetime, bytes)
    )
    return ColumnTypes(len(hints), times, json_texts)


COLUMN_TYPES: dict[RecordKind, ColumnTypes] = {kind: column_types(kind) for kind in KINDS.values()}
SNAPSHOT_COLUMN = WebhookEvent._fields.index("snapshot")


def encode_record(record: Record) -> bytes:
    """Return a record as one line of JSON text. `TypeError` for a value that no column can hold."""
    row: list[JsonValue] = [ENCODED_OMITTED if value is OMITTED else value for value in record]
    for at in COLUMN_TYPES[type(record)].json_texts:
        if isinstance(row[at], bytes):
            row[at] = row[at].decode()
    try:
        return orjson.dumps(row, default=_encode_value)
    except TypeError:  # an integer beyond 64 bits or a lone surrogate, which clients may send
        return json.dumps(row, default=_encode_value, separators=(",", ":")).encode()


def _encode_value(value: ColumnValue) -> JsonValue:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Snapshot) and value.step_number is not None:
        return value.step_number
    raise TypeError(f"no column has a value like {value!r}")


def decode_record(kind: RecordKind, text: bytes, snapshot_at: SnapshotAt) -> Record:
    """Return the record of a text. `ValueError` if the text is not a record of this kind."""
    try:
        return kind._make(_decode_row(kind, load_json(text), snapshot_at))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no {KIND_NAMES[kind]}: {error}") from None


def _decode_row(kind: RecordKind, row: list[JsonValue], snapshot_at: SnapshotAt) -> list[ColumnValue]:
    types = COLUMN_TYPES[kind]
    if len(row) != types.number:
        raise ValueError(f"{len(row)} columns instead of {types.number}")
    for at in types.times:
        if isinstance(row[at], str):
            row[at] = datetime.fromisoformat(row[at])
    for at in types.json_texts:
        if isinstance(row[at], str):
            row[at] = row[at].encode()
    if kind is WebhookEvent and row[SNAPSHOT_COLUMN] is not None:
        row[SNAPSHOT_COLUMN] = snapshot_at(row[SNAPSHOT_COLUMN])
    return [OMITTED if value == ENCODED_OMITTED else value for value in row] if ENCODED_OMITTED in row else row
