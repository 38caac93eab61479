"""The text of a query parameter as a typed value, as django-filter's form fields read it, with their messages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, DecimalException
from typing import Any

from emulator.core.bases import to_microseconds
from emulator.core.fields import FieldError
from emulator.core.store import View
from emulator.rules.filters.filter_set import DAY

NOT_A_NUMBER = "Enter a number."
NOT_A_DATE = "Enter a valid date."
NOT_A_TIME = "Enter a valid date/time."
NOT_A_UUID = "Enter a valid UUID."
NOT_A_CHOICE = "Select a valid choice. That choice is not one of the available choices."
NULL_CHARACTERS = "Null characters are not allowed."
TOO_LARGE = "Ensure this value is less than or equal to 1e+50."
LARGEST = 1e50
SMALLEST = -(10**50)
EPOCH_DAY = date(1970, 1, 1).toordinal()

DATE_FORMATS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%m/%d/%y",
    *("%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d %b, %Y"),
    *("%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d %B, %Y"),
)
"""Django's for English."""
DATE_TIME = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})[T ](?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:[.,](?P<microsecond>\d{1,6})\d{0,6})?)?\s*(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?$"
)
"""Django's, for what Python's own parser does not take."""


class Nothing:
    """Stands for a value that filters nothing."""


NOTHING = Nothing()


def number(text: str) -> Any:
    """A whole number: fractions are cut off, as the database's column does it."""
    if text == "":
        return NOTHING
    try:
        value = Decimal(text)
    except (DecimalException, ValueError):
        raise FieldError(NOT_A_NUMBER) from None
    if not value.is_finite():
        raise FieldError(NOT_A_NUMBER)
    if value > LARGEST:
        raise FieldError(TOO_LARGE)
    # No id is as small; a number of a million digits is better not written out.
    return int(value) if value > SMALLEST else SMALLEST


BOOLEANS = {"1": True, "0": False, "true": True, "false": False}


def boolean(text: str) -> Any:
    """True or false in any case; anything else filters nothing."""
    return BOOLEANS.get(text.lower(), NOTHING)


NULL_BOOLEANS = {"True": True, "true": True, "2": True, "False": False, "false": False, "3": False}


def null_boolean(text: str) -> Any:
    """True or false as Django's own widget has them; anything else filters nothing."""
    return NULL_BOOLEANS.get(text, NOTHING)


def unique_id(text: str) -> Any:
    """A UUID, as it is printed."""
    if (found := stripped(text)) == "":
        return NOTHING
    try:
        return str(uuid.UUID(found))
    except ValueError:
        raise FieldError(NOT_A_UUID) from None


def choice(text: str) -> Any:
    """The id of a record."""
    if text == "":
        return NOTHING
    try:
        return int(text)
    except ValueError:
        raise FieldError(NOT_A_CHOICE) from None


def chosen(value: Any, choices: Callable[[View, int], bool] | None, view: View) -> Any:
    """Give the value back; one that should name a record and names none is refused."""
    if choices is not None and value is not NOTHING and not choices(view, value):
        raise FieldError(NOT_A_CHOICE)
    return value


def char(text: str) -> Any:
    """Text without the blanks around it."""
    return stripped(text) or NOTHING


def stripped(text: str) -> str:
    if "\x00" in (found := text.strip()):
        raise FieldError(NULL_CHARACTERS)
    return found


def day(text: str) -> Any:
    """A day, as the microseconds from 1970 to its midnight."""
    if text == "":
        return NOTHING
    for form in DATE_FORMATS:
        try:
            found = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return (found.toordinal() - EPOCH_DAY) * DAY
    raise FieldError(NOT_A_DATE)


def moment(text: str) -> Any:
    """A date and time, in UTC where no zone is named, as microseconds since 1970."""
    if text == "":
        return NOTHING
    try:
        found = iso(text.strip())
    except ValueError:
        raise FieldError(NOT_A_TIME) from None
    return to_microseconds(found if found.tzinfo else found.replace(tzinfo=UTC))


def iso(text: str) -> datetime:
    """Read a date and time as Django does; `ValueError` if it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if (match := DATE_TIME.match(text)) is None:
            raise
    parts = match.groupdict()
    zone = parts.pop("zone")
    parts["microsecond"] = (parts["microsecond"] or "").ljust(6, "0")
    return datetime(**{key: int(value) for key, value in parts.items() if value is not None}, tzinfo=zone_of(zone))


def zone_of(text: str | None) -> timezone | None:
    if text is None or text == "Z":
        return UTC if text else None
    minutes = 60 * int(text[1:3]) + (int(text[-2:]) if len(text) > 3 else 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def numbers(text: str) -> Any:
    """Numbers between commas; what is empty between them is none."""
    if text == "":
        return NOTHING
    return frozenset(value for part in text.split(",") if (value := number(part)) is not NOTHING)


def chars(text: str) -> Any:
    """Texts between commas."""
    return frozenset(stripped(part) for part in text.split(",")) if text else NOTHING


TYPES: dict[str, Callable[[str], Any]] = {
    "number": number,
    "boolean": boolean,
    "null_boolean": null_boolean,
    "char": char,
    "uuid": unique_id,
    "choice": choice,
    "date": day,
    "datetime": moment,
    "number_list": numbers,
    "char_list": chars,
}
