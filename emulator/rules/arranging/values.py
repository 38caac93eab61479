"""Values of a document as columns keep them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from emulator.core.jsontext import compact
from emulator.core.refusals import Conflict, InvalidDocument, UnknownRecord
from emulator.core.store import View

R = TypeVar("R")
FIRST_KNOWN = 30
"""So many of the known ids or names an error lists."""


def moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidDocument(f"{text} is not a valid time") from None


def json_text(value: Any) -> bytes:
    try:
        return compact(value)
    except TypeError:
        raise InvalidDocument("a value is nested too deeply, or contains a number of more than 64 bits") from None


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("created_date", "modified_date", "date_placed", "target_packing_date", "shipment_date"), moment),
    "estimated_delivery_date": moment,
    **dict.fromkeys(("extra_information", "discrepancy_reason", "denial_reason", "tags", "conf"), json_text),
}
"""Columns whose values are no plain JSON values."""


def columns(asked: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Give the columns that a document names, in the form that records keep."""
    return {name: column(name, asked[name]) for name in names if name in asked}


def column(name: str, value: Any) -> Any:
    return value if value is None or name not in CONVERTERS else CONVERTERS[name](value)


def record(view: View, kind: type[R], id_: int, thing: str) -> R:
    """Give the record that a path names; `UnknownRecord` if there is none."""
    found = view.get(kind, id_) if view.has(kind, id_) else None
    if found is None:
        known = list(view.ids(kind)[:FIRST_KNOWN])
        raise UnknownRecord(f"this world has no {thing} {id_}", known)
    return found


def named(view: View, kind: type[R], asked: str | int, thing: str, column: str = "name") -> R:
    """Give the record that a document names by id, or by the text in a column."""
    table = list(view.all(kind))
    for found in table:
        if asked in (found.id, getattr(found, column)):  # type: ignore[attr-defined]
            return found
    known = [getattr(found, column) for found in table[:FIRST_KNOWN]]
    raise InvalidDocument(f"unknown {thing} {asked!r}", known)


def first(view: View, kind: type[R], thing: str) -> R:
    """Give the first record of a kind that something new needs; `Conflict` where the world has none."""
    for found in view.all(kind):
        return found
    raise Conflict(f"this world has no {thing}, which new records require")
