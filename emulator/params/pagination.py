"""Pagination of lists, as the framework's PageNumberPagination does it: `page`, `limit`, and links between pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from emulator.core.errors import InvalidPage
from emulator.core.exchange import Call

MAX_PAGE_SIZE = 100
"""The largest page (assumed: documented for another module of the vendor only)."""


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
    size = requested_size(call, size, size_parameter)
    page_count = max(1, -(-count // size))
    number = requested_page(call, page_count)
    start, stop = (number - 1) * size, min(number * size, count)
    shown = [ids[count - 1 - index] for index in range(start, stop)] if newest_first else ids[start:stop]
    return Page(shown, count, *page_links(call.url, number, page_count))


def requested_size(call: Call, default: int, parameter: str) -> int:
    try:
        size = int(call.last(parameter) or "")
    except ValueError:
        return default
    return min(size, MAX_PAGE_SIZE) if size > 0 else default


def requested_page(call: Call, page_count: int) -> int:
    text = call.last("page") or "1"
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
