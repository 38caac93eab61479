"""Query parameters of lists: filters, order and pages.

The values of filters are parsed as django-filter does it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, DecimalException
from functools import cache
from typing import TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from emulator.api.filters import FILTER_SETS, Condition, FilterSet, ListQuery
from emulator.core.call import Call, Query
from emulator.core.errors import InvalidPage, ValidationFailed
from emulator.core.fields import FieldError
from emulator.state.store import Reader, to_microseconds

FORMAT, PAGE, SORT = "format", "page", "sort"
MAX_PAGE_SIZE = 100
"""The largest page (assumed: documented for another module of the vendor only)."""

NOT_A_NUMBER = "Enter a number."
NOT_A_DATE = "Enter a valid date."
NOT_A_TIME = "Enter a valid date/time."
NOT_A_UUID = "Enter a valid UUID."
NOT_A_CHOICE = "Select a valid choice. That choice is not one of the available choices."
NULL_CHARACTERS = "Null characters are not allowed."
TOO_LARGE = "Ensure this value is less than or equal to 1e+50."
MAX_NUMBER = 1e50
MIN_NUMBER = -(10**50)
# Other values of these two do not filter.
BOOLEAN_VALUES = {"1": True, "0": False, "true": True, "false": False}
NULL_BOOLEAN_VALUES = {"True": True, "true": True, "2": True, "False": False, "false": False, "3": False}
"""The values that Django's own widget knows, in this case of letters."""
DATE_FORMATS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%m/%d/%y",
    *("%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d %b, %Y"),
    *("%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d %B, %Y"),
)
"""Django's formats for English."""
DATE_TIME_PATTERN = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})[T ](?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:[.,](?P<microsecond>\d{1,6})\d{0,6})?)?\s*(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?$"
)
"""Django's pattern, for times that Python's own parser rejects."""


class NoFilter:
    """Type of `NO_FILTER`, the value of a parameter that does not filter."""


NO_FILTER = NoFilter()
FilterValue: TypeAlias = int | str | bool | frozenset[int] | frozenset[str] | NoFilter


def parse_list_query(filters: FilterSet, query: Query, reader: Reader) -> ListQuery:
    """Return the conditions and the order in a query.

    Raise `ValidationFailed` with all invalid values, in the order of the table. The reader finds the records
    that a value may refer to.
    """
    conditions: list[Condition] = []
    errors: dict[str, list[str]] = {}
    for name, filter_ in filters.names:
        if name not in query:
            continue
        try:
            value = parse_filter(filter_.value_type, query[name][-1])
            if isinstance(value, int) and filter_.is_choice is not None and not filter_.is_choice(reader, value):
                raise FieldError(NOT_A_CHOICE)
        except FieldError as error:
            errors[name] = error.messages
            continue
        if value is not NO_FILTER:
            conditions.append(Condition(filter_, value))
    if errors:
        raise ValidationFailed(errors)
    return ListQuery(filters, tuple(conditions), parse_order(filters, query))


def parse_order(filters: FilterSet, query: Query) -> tuple[str, ...]:
    """Return the columns to order by; unknown fields are ignored, as the framework does."""
    terms = [term.strip() for term in query[SORT][-1].split(",")] if SORT in query else []
    signs = [("-" if term.startswith("-") else "", term.removeprefix("-")) for term in terms]
    return tuple(sign + filters.sortable[name] for sign, name in signs if name in filters.sortable)


@cache
def known_parameters(filters: str | None, size_parameter: str | None) -> tuple[str, ...]:
    """Return the names that an operation knows, aliases included; `size_parameter` is None without pagination."""
    paging = () if size_parameter is None else (PAGE, size_parameter)
    if filters is None:
        return (FORMAT, *paging)
    table = FILTER_SETS[filters]
    return (FORMAT, *paging, *((SORT,) if table.sortable else ()), *(name for name, _ in table.names))


def parse_number(text: str) -> int:
    """Parse a number and drop its fraction, as the database's integer column does."""
    try:
        value = Decimal(text)
    except (DecimalException, ValueError):
        raise FieldError(NOT_A_NUMBER) from None
    if not value.is_finite():
        raise FieldError(NOT_A_NUMBER)
    if value > MAX_NUMBER:
        raise FieldError(TOO_LARGE)
    # No id is smaller; an integer of a million digits would be slow to convert.
    return int(value) if value > MIN_NUMBER else MIN_NUMBER


def parse_uuid(text: str) -> str | NoFilter:
    if (stripped := strip_text(text)) == "":
        return NO_FILTER
    try:
        return str(uuid.UUID(stripped))
    except ValueError:
        raise FieldError(NOT_A_UUID) from None


def parse_choice(text: str) -> int:
    """Parse the id of a record."""
    try:
        return int(text)
    except ValueError:
        raise FieldError(NOT_A_CHOICE) from None


def strip_text(text: str) -> str:
    if "\x00" in (stripped := text.strip()):
        raise FieldError(NULL_CHARACTERS)
    return stripped


def parse_date(text: str) -> int:
    """Parse a date; return the microseconds from 1970 to its midnight in UTC."""
    for date_format in DATE_FORMATS:
        try:
            at = datetime.strptime(text.strip(), date_format).replace(tzinfo=UTC)
        except ValueError:
            continue
        return to_microseconds(at)
    raise FieldError(NOT_A_DATE)


def parse_datetime(text: str) -> int:
    """Parse a date and time, in UTC unless it has a zone; return the microseconds since 1970."""
    try:
        at = parse_iso(text.strip())
    except ValueError:
        raise FieldError(NOT_A_TIME) from None
    return to_microseconds(at if at.tzinfo else at.replace(tzinfo=UTC))


def parse_iso(text: str) -> datetime:
    """Parse a date and time as Django does; raise `ValueError` if it is invalid."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if (match := DATE_TIME_PATTERN.match(text)) is None:
            raise
    parts = match.groupdict()
    zone = parts.pop("zone")
    parts["microsecond"] = (parts["microsecond"] or "").ljust(6, "0")
    return datetime(**{key: int(value) for key, value in parts.items() if value is not None}, tzinfo=parse_zone(zone))


def parse_zone(text: str | None) -> timezone | None:
    if text is None or text == "Z":
        return UTC if text else None
    minutes = 60 * int(text[1:3]) + (int(text[-2:]) if len(text) > 3 else 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


FILTER_PARSERS: dict[str, Callable[[str], FilterValue]] = {
    "number": parse_number,
    "boolean": lambda text: BOOLEAN_VALUES.get(text.lower(), NO_FILTER),
    "null_boolean": lambda text: NULL_BOOLEAN_VALUES.get(text, NO_FILTER),
    "char": lambda text: strip_text(text) or NO_FILTER,
    "uuid": parse_uuid,
    "choice": parse_choice,
    "date": parse_date,
    "datetime": parse_datetime,
    "number_list": lambda text: frozenset(parse_number(part) for part in text.split(",") if part),
    "char_list": lambda text: frozenset(map(strip_text, text.split(","))),
}
"""Type of a filter -> function that parses the text of its parameter, which is not empty."""


def parse_filter(value_type: str, text: str) -> FilterValue:
    """Return the value of a filter. Raise `FieldError` if the text is invalid. An empty text does not filter."""
    return NO_FILTER if text == "" else FILTER_PARSERS[value_type](text)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: the ids on it, and the URLs of the pages next to it."""

    ids: Sequence[int]
    count: int
    next: str | None
    previous: str | None


def paginate(call: Call, ids: Sequence[int], size: int, *, newest_first: bool, size_parameter: str = "limit") -> Page:
    """Return the requested page; raise `InvalidPage` beyond the end."""
    count = len(ids)
    size = parse_page_size(call, size, size_parameter)
    page_count = max(1, -(-count // size))
    number = parse_page_number(call, page_count)
    start, stop = (number - 1) * size, min(number * size, count)
    shown = ids[count - stop : count - start][::-1] if newest_first else ids[start:stop]
    return Page(shown, count, *page_links(call.url, number, page_count))


def parse_page_size(call: Call, default: int, parameter: str) -> int:
    try:
        size = int(call.get_param(parameter) or "")
    except ValueError:
        return default
    return min(size, MAX_PAGE_SIZE) if size > 0 else default


def parse_page_number(call: Call, page_count: int) -> int:
    text = call.get_param("page") or "1"
    if text == "last":
        return page_count
    try:
        number = int(text)
    except ValueError:
        raise InvalidPage from None
    if not 1 <= number <= page_count:
        raise InvalidPage
    return number


def page_links(url: str, number: int, page_count: int) -> tuple[str | None, str | None]:
    """Return the URLs of the next and the previous page; None where there is none."""
    following = page_url(url, number + 1) if number < page_count else None
    return following, page_url(url, number - 1) if number > 1 else None


def page_url(url: str, number: int) -> str:
    """Return the URL of another page: parameters are sorted, and the first page has no `page`."""
    scheme, host, path, query, fragment = urlsplit(url)
    parameters = parse_qs(query, keep_blank_values=True)
    parameters.pop("page", None)
    if number > 1:
        parameters["page"] = [str(number)]
    return urlunsplit((scheme, host, path, urlencode(sorted(parameters.items()), doseq=True), fragment))
