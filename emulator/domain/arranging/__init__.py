"""Operations beside the API: create orders, packages and stock locations from partial documents, and change them.

This module converts values of documents to column values, and looks up the records that documents refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from emulator.core.errors import Conflict, InvalidDocument, UnknownRecord
from emulator.core.json_text import JsonValue, stored_json
from emulator.core.records import REFERENCES, Columns, ColumnValue, Json, RecordKind
from emulator.state.store import Reader

R = TypeVar("R")
MAX_KNOWN = 30
"""Maximum number of known names in an error message."""


def parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidDocument(f"{text} is not a valid time") from None


def json_text(value: JsonValue) -> Json:
    try:
        return stored_json(value)
    except ValueError:
        raise InvalidDocument(
            "a value is nested too deeply, or contains a number of more than 64 bits or a lone surrogate"
        ) from None


TIMES = ("created_date", "modified_date", "date_placed", "target_packing_date", "shipment_date")
JSON_COLUMNS = ("extra_information", "discrepancy_reason", "denial_reason", "tags", "conf")
COLUMN_CONVERTERS: Mapping[str, Callable[[JsonValue], ColumnValue]] = {
    **dict.fromkeys((*TIMES, "estimated_delivery_date"), parse_time),
    **dict.fromkeys(JSON_COLUMNS, json_text),
}
"""Column whose value is not a plain JSON value -> converter."""


def plain_columns(kind: RecordKind, *excluded: str) -> tuple[str, ...]:
    """Return the columns that documents can set: all except the id, the references and the excluded columns."""
    return tuple(column for column in kind._fields if column not in {"id", *REFERENCES[kind], *excluded})


def to_columns(document: Mapping[str, JsonValue], names: Iterable[str]) -> Columns:
    """Return the named columns that the document contains, as column values."""
    return {name: to_column(name, document[name]) for name in names if name in document}


def to_column(name: str, value: JsonValue) -> ColumnValue:
    return value if value is None or name not in COLUMN_CONVERTERS else COLUMN_CONVERTERS[name](value)


def get_record(view: Reader, kind: type[R], id_: int, thing: str) -> R:
    """Return the record with this id. Raise `UnknownRecord` if there is none."""
    record = view.get(kind, id_) if view.has(kind, id_) else None
    if record is None:
        raise UnknownRecord.among(f"this world has no {thing} {id_}", view.ids(kind))
    return record


def find_record(view: Reader, kind: type[R], key: str | int, thing: str, column: str = "name") -> R:
    """Return the record with this id, or with this text in the column. Raise `InvalidDocument` if there is none."""
    records = list(view.all(kind))
    for record in records:
        if key in (record.id, getattr(record, column)):  # type: ignore[attr-defined]
            return record
    raise InvalidDocument(f"unknown {thing} {key!r}", [getattr(record, column) for record in records[:MAX_KNOWN]])


def first_record(view: Reader, kind: type[R], thing: str) -> R:
    """Return the first record of a kind. Raise `Conflict` if the world has none."""
    for record in view.all(kind):
        return record
    raise Conflict(f"this world has no {thing}, which new records require")
