"""Convert values of documents to column values, and look up the records that documents refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from emulator.core.jsontext import JsonValue, compact
from emulator.core.records import Columns, ColumnValue, Json
from emulator.core.refusals import Conflict, InvalidDocument, UnknownRecord
from emulator.core.store import View

R = TypeVar("R")
FIRST_KNOWN = 30
"""Maximum number of known ids or names in an error message."""


def parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidDocument(f"{text} is not a valid time") from None


def json_text(value: JsonValue) -> Json:
    try:
        return compact(value)
    except TypeError:
        raise InvalidDocument("a value is nested too deeply, or contains a number of more than 64 bits") from None


CONVERTERS: Mapping[str, Callable[[JsonValue], ColumnValue]] = {
    **dict.fromkeys(
        ("created_date", "modified_date", "date_placed", "target_packing_date", "shipment_date"), parse_time
    ),
    "estimated_delivery_date": parse_time,
    **dict.fromkeys(("extra_information", "discrepancy_reason", "denial_reason", "tags", "conf"), json_text),
}
"""Column whose value is not a plain JSON value -> converter."""


def to_columns(document: Mapping[str, JsonValue], names: Iterable[str]) -> Columns:
    """Return the named columns that the document contains, as column values."""
    return {name: to_column(name, document[name]) for name in names if name in document}


def to_column(name: str, value: JsonValue) -> ColumnValue:
    return value if value is None or name not in CONVERTERS else CONVERTERS[name](value)


def get_record(view: View, kind: type[R], id_: int, thing: str) -> R:
    """Return the record with this id. Raise `UnknownRecord` if there is none."""
    candidate = view.get(kind, id_) if view.has(kind, id_) else None
    if candidate is None:
        known = list(view.ids(kind)[:FIRST_KNOWN])
        raise UnknownRecord(f"this world has no {thing} {id_}", known)
    return candidate


def find_record(view: View, kind: type[R], key: str | int, thing: str, column: str = "name") -> R:
    """Return the record with this id, or with this text in the column."""
    candidates = list(view.all(kind))
    for candidate in candidates:
        if key in (candidate.id, getattr(candidate, column)):  # type: ignore[attr-defined]
            return candidate
    known = [getattr(candidate, column) for candidate in candidates[:FIRST_KNOWN]]
    raise InvalidDocument(f"unknown {thing} {key!r}", known)


def first_record(view: View, kind: type[R], thing: str) -> R:
    """Return the first record of a kind. Raise `Conflict` if the world has none."""
    for candidate in view.all(kind):
        return candidate
    raise Conflict(f"this world has no {thing}, which new records require")
