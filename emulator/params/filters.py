"""Filters as django-filter reads them, and `sort` as the framework's OrderingFilter does: tables and their readers.

A filter that is not in its list's table is not noticed, as the framework does not notice it; nor is an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, TypeVar

from emulator.core.errors import ValidationFailed
from emulator.core.exchange import Call
from emulator.core.fields import FieldError
from emulator.rules.filters import LOOKUPS, in_order

R = TypeVar("R")
SORT = "sort"
LARGEST_NUMBER = Decimal("1e50")
BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


def boolean(text: str) -> bool | None:
    """True, false, or - whatever else was sent - nothing."""
    return BOOLEANS.get(text.lower())


def number(text: str) -> Decimal | None:
    if text == "":
        return None
    try:
        value = Decimal(text)
    except DecimalException:
        raise FieldError("Enter a number.") from None
    if not value.is_finite():
        raise FieldError("Enter a number.")
    if value > LARGEST_NUMBER:
        raise FieldError("Ensure this value is less than or equal to 1e+50.")
    return value


def words(text: str) -> str | None:
    if "\x00" in text.strip():
        raise FieldError("Null characters are not allowed.")
    return text.strip() or None


TYPES: Mapping[str, Callable[[str], Any]] = {"boolean": boolean, "number": number, "words": words}


@dataclass(frozen=True)
class Filter:
    """One row: the parameter, what its value is, how the column of the same name is compared with it."""

    name: str
    type: str
    lookup: str
    provenance: str


DENIAL_REASONS = (
    Filter("is_active", "boolean", "exact", "documented"),
    Filter("title", "words", "icontains", "documented"),
    Filter("priority", "number", "exact", "documented"),
    Filter("remote_id", "words", "exact", "documented"),
)


def wanted(call: Call, filters: Iterable[Filter]) -> dict[Filter, Any]:
    """Give what the call filters by; all values of a wrong type come at once in one `ValidationFailed`."""
    values: dict[Filter, Any] = {}
    errors: dict[str, list[str]] = {}
    for row in filters:
        try:
            values[row] = TYPES[row.type](call.last(row.name) or "")
        except FieldError as error:
            errors[row.name] = error.messages
    if errors:
        raise ValidationFailed(errors)
    return {row: value for row, value in values.items() if value is not None}


def chosen(records: Iterable[R], call: Call, filters: Iterable[Filter]) -> list[R]:
    """Give the records that pass all filters of the call."""
    asked = wanted(call, filters)
    return [
        record
        for record in records
        if all(LOOKUPS[row.lookup](getattr(record, row.name), value) for row, value in asked.items())
    ]


def asked_order(call: Call, columns: Collection[str], default: str) -> list[str]:
    """Give the columns that `sort` names, unknown ones left out; the default if none is left."""
    terms = [term.strip() for term in (call.last(SORT) or "").split(",")]
    return [term for term in terms if term.removeprefix("-") in columns] or [default]


def ordered(records: Iterable[R], call: Call, columns: Collection[str], default: str) -> list[R]:
    """Give the records in the order that the call asks for."""
    return in_order(records, asked_order(call, columns, default))
