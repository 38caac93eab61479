"""`page` and `limit` work as in the framework, and the links lead through all pages of a list."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.api.parameters import MAX_PAGE_SIZE, paginate
from emulator.core.call import Call
from emulator.core.errors import InvalidPage

URL = "http://oms.test/api/v1/oms/packages/"


def call_with(**query: str) -> Call:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    values = {name: [value] for name, value in query.items()}
    return Call(
        "list_packages", "GET", {}, f"{URL}?{text}" if text else URL, values, "en-us", None, "1", lambda: None
    )


@pytest.mark.medium
@settings(deadline=None)
@given(st.integers(0, 350), st.integers(1, 120), st.booleans())
def test_all_pages_together_are_the_list(count: int, limit: int, newest: bool) -> None:
    """Each id occurs once, in order, and each page but the last is full."""
    ids = range(1000, 1000 + count)
    size = min(limit, MAX_PAGE_SIZE)
    pages = max(1, -(-count // size))
    listed: list[int] = []
    for number in range(1, pages + 1):
        page = paginate(call_with(page=str(number), limit=str(limit)), ids, 10, newest_first=newest)
        assert (page.count, len(page.ids)) == (count, min(size, count - size * (number - 1)))
        assert (page.next is None, page.previous is None) == (number == pages, number == 1)
        listed += page.ids
    assert listed == (list(reversed(ids)) if newest else list(ids))


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "9" * 5000])
def test_invalid_limit_is_the_default(limit: str) -> None:
    assert len(paginate(call_with(limit=limit), range(50), 10, newest_first=True).ids) == 10


@pytest.mark.parametrize("page", ["0", "-1", "x", "6", "1.0", "9" * 5000])
def test_page_beyond_the_end_is_invalid(page: str) -> None:
    with pytest.raises(InvalidPage):
        paginate(call_with(page=page), range(50), 10, newest_first=True)


LINKS: dict[str, tuple[dict[str, str], Any, Any]] = {
    "the first": ({}, f"{URL}?page=2", None),
    "the second": ({"page": "2"}, f"{URL}?page=3", URL),
    "a middle one": ({"page": "3", "limit": "10"}, f"{URL}?limit=10&page=4", f"{URL}?limit=10&page=2"),
    "the last": ({"page": "last"}, None, f"{URL}?page=4"),
    "with other parameters": ({"z": "1", "a": ""}, f"{URL}?a=&page=2&z=1", None),
}


@pytest.mark.parametrize(("query", "next_page", "previous_page"), LINKS.values(), ids=LINKS)
def test_links_keep_all_other_parameters(query: dict[str, str], next_page: Any, previous_page: Any) -> None:
    page = paginate(call_with(**query), range(50), 10, newest_first=True)
    assert (page.next, page.previous) == (next_page, previous_page)
