"""`page` and `limit` as the framework's PageNumberPagination reads them, and the links to the neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from emulator.core.errors import InvalidPage
from emulator.core.exchange import Call

MAXIMUM = 100
"""The largest page (assumed: given for another module of the vendor only)."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: which ids, and where its neighbours are."""

    ids: Sequence[int]
    count: int
    next: str | None
    previous: str | None


def page_of(call: Call, ids: Sequence[int], size: int, *, newest_first: bool, size_parameter: str = "limit") -> Page:
    """Give the page that the call asks for; `InvalidPage` beyond the end."""
    count = len(ids)
    size = asked_size(call, size, size_parameter)
    pages = max(1, -(-count // size))
    number = asked_page(call, pages)
    start, stop = (number - 1) * size, min(number * size, count)
    chosen = [ids[count - 1 - at] for at in range(start, stop)] if newest_first else ids[start:stop]
    following, before = neighbours(call.url, number, pages)
    return Page(chosen, count, following, before)


def asked_size(call: Call, default: int, parameter: str) -> int:
    try:
        size = int(call.last(parameter) or "")
    except ValueError:
        return default
    return min(size, MAXIMUM) if size > 0 else default


def asked_page(call: Call, pages: int) -> int:
    asked = call.last("page") or "1"
    if asked == "last":
        return pages
    try:
        number = int(asked)
    except ValueError:
        raise InvalidPage from None
    if not 1 <= number <= pages:
        raise InvalidPage
    return number


def neighbours(url: str, number: int, pages: int) -> tuple[str | None, str | None]:
    """Give the URLs of the next page and of the previous one, None where there is none."""
    following = with_page(url, number + 1) if number < pages else None
    return following, with_page(url, number - 1) if number > 1 else None


def with_page(url: str, number: int) -> str:
    """Give the URL of a page: parameters sorted, and `page` left out for the first one."""
    scheme, host, path, query, fragment = urlsplit(url)
    parameters = parse_qs(query, keep_blank_values=True)
    parameters.pop("page", None)
    if number > 1:
        parameters["page"] = [str(number)]
    return urlunsplit((scheme, host, path, urlencode(sorted(parameters.items()), doseq=True), fragment))
