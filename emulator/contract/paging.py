"""Checks of lists: pages follow each other without gaps, limits are kept, and rows are in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import requests

from emulator.contract.assertions import check_detail, expect_status, finding, parse_json, schema_findings
from emulator.contract.findings import Drift, Finding, Kind
from emulator.contract.lookup import CANDIDATES, expand_path
from emulator.contract.target import NotVerified, Target
from emulator.routes import Route

GUIDE_SIZE, REFERENCE_SIZE = 10, 20
"""The default page sizes. Denial reasons have pages of 20 on both surfaces."""


class Page(NamedTuple):
    response: requests.Response
    total: int
    next: str | None
    previous: str | None
    rows: list[Any]


def page_size(route: Route) -> int:
    return REFERENCE_SIZE if route.scheme == "Bearer" or route.size_parameter == "page_size" else GUIDE_SIZE


def get_page(target: Target, route: Route, path: str, size: object = None, **params: object) -> Page:
    """Return a page, with a size if one is given. Raise `Drift` if its envelope violates the schema."""
    if size is not None:
        params[route.size_parameter] = size
    response = expect_status(route, target.get(path, **params), 200)
    body = parse_json(route, response)
    has_rows = isinstance(body, dict) and isinstance(body.get("results"), list)
    envelope = body | {"results": []} if has_rows else body
    for problem in schema_findings(route, response, str(route.replies[200]), envelope):
        if problem.kind != Kind.UNDOCUMENTED:
            raise Drift(problem)
    return Page(response, body["count"], body["next"], body["previous"], body["results"])


def list_with_rows(target: Target, route: Route, minimum: int) -> str:
    """Return the path of a list with this number of rows. Raise `NotVerified` if the newest records have none."""
    key = (route.operation, minimum)
    if key not in target.cache:
        paths = islice(expand_path(target, route.path), CANDIDATES)
        found = next((path for path in paths if has_rows(target, route, path, minimum)), None)
        if found is None:
            of = f" of the {CANDIDATES} newest records" if "<" in route.path else ""
            raise NotVerified(f"no list{of} has {minimum} row{'s' if minimum > 1 else ''} or more")
        target.cache[key] = found
    return str(target.cache[key])


def has_rows(target: Target, route: Route, path: str, minimum: int) -> bool:
    """Return whether the list has this number of rows. An invalid page counts, so that the caller reports it."""
    try:
        return get_page(target, route, path, size=1).total >= minimum
    except Drift:
        return True


def paging_finding(route: Route, page: Page, seen: str, expected: str, where: str) -> Finding:
    return finding(route, page.response, Kind.PAGING, seen, expected, where)


def first_page(target: Target, route: Route) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 1), size=1)
    if page.previous is not None:
        yield paging_finding(route, page, f"is {page.previous!r} on the first page", "must be null", "/previous")
    if (page.next is None) != (page.total <= 1):
        expected = "must be null" if page.total <= 1 else "must lead to the next page"
        yield paging_finding(route, page, f"is {page.next!r} with a count of {page.total}", expected, "/next")


def next_page(target: Target, route: Route) -> Iterator[Finding]:
    """`next` leads to other rows, and `previous` of that page leads back to the first rows."""
    page = get_page(target, route, list_with_rows(target, route, 2), size=1)
    second = get_page(target, route, check_link(target, route, page, page.next, "/next"))
    if second.rows == page.rows:
        seen = "the second page has the rows of the first page"
        yield paging_finding(route, second, seen, "must have other rows", "/results")
    if second.total != page.total:
        yield paging_finding(
            route, second, f"is {second.total}", f"must be {page.total} as on the first page", "/count"
        )
    again = get_page(target, route, check_link(target, route, second, second.previous, "/previous"))
    if again.rows != page.rows:
        seen = "`previous` of the second page leads to other rows"
        yield paging_finding(route, again, seen, "must lead back to the first page", "/results")


def check_link(target: Target, route: Route, page: Page, link: str | None, where: str) -> str:
    """Return the link if it leads to the target and keeps the limit. Raise `Drift` otherwise."""
    if link is None or not target.owns(link):
        raise Drift(paging_finding(route, page, f"is {link!r}", f"must lead to a page of {target.base_url}", where))
    if f"{route.size_parameter}=1" not in link:
        raise Drift(paging_finding(route, page, f"is {link!r}", f"must keep {route.size_parameter}=1", where))
    return link


def last_page(target: Target, route: Route) -> Iterator[Finding]:
    path, size = list_with_rows(target, route, 1), page_size(route)
    count = get_page(target, route, path).total
    page = get_page(target, route, path, page="last")
    remaining = count - (count - 1) // size * size
    if len(page.rows) != remaining:
        seen, expected = f"the last page has {len(page.rows)} rows", f"must have {remaining} of {count} rows"
        yield paging_finding(route, page, seen, expected, "/results")
    if page.next is not None:
        yield paging_finding(route, page, f"is {page.next!r} on the last page", "must be null", "/next")
    if (page.previous is None) != (count <= size):
        expected = "must be null" if count <= size else "must lead to the page before"
        yield paging_finding(route, page, f"is {page.previous!r} with a count of {count}", expected, "/previous")


def limit(target: Target, route: Route) -> Iterator[Finding]:
    """A limit sets the number of rows. An invalid limit has no effect."""
    path = list_with_rows(target, route, 2)
    default = len(get_page(target, route, path).rows)
    for value, expected in ((1, 1), (2, 2), (0, default), ("many", default)):
        page = get_page(target, route, path, size=value)
        if len(page.rows) != expected:
            seen = f"has {len(page.rows)} rows for {route.size_parameter}={value}"
            yield paging_finding(route, page, seen, f"must have {expected}", "/results")


def default_size(target: Target, route: Route) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 1))
    expected = min(page.total, page_size(route))
    if len(page.rows) != expected:
        seen = f"has {len(page.rows)} of {page.total} rows by default"
        yield paging_finding(route, page, seen, f"must have {expected}", "/results")


def beyond_the_end(target: Target, route: Route) -> Iterator[Finding]:
    """Pages after the last, before the first, and words other than `last` are 404."""
    path = list_with_rows(target, route, 1)
    count = get_page(target, route, path).total
    for number in (count + 2, 0, "many"):
        response = expect_status(route, target.get(path, page=number), 404)
        yield from check_detail(route, response, "Invalid page.")


def by_id(row: Any) -> Any:
    return row["id"]


def by_lower_bound(row: Any) -> Any:
    return row["lower"]


def row_order(target: Target, route: Route, *, key: Callable[[Any], Any], descending: bool) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 2), size=100)
    if page.rows != sorted(page.rows, key=key, reverse=descending):
        seen = f"rows start {', '.join(str(key(row)) for row in page.rows[:5])}"
        expected = f"must be {'descending' if descending else 'ascending'}"
        yield finding(route, page.response, Kind.ORDER, seen, expected, "/results")
