"""Lists: pages follow one another without gaps, limits are kept, rows stand in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import requests

from emulator.contract.answers import document, expect, finding, words_other_than
from emulator.contract.discovery import CANDIDATES, paths
from emulator.contract.findings import Drift, Finding, Kind, NotVerified
from emulator.contract.target import Target
from emulator.routes import Route

GUIDE_SIZE, REFERENCE_SIZE = 10, 20
"""How many rows the lists give unasked; denial reasons come in twenties on either surface."""
ENVELOPE: Mapping[str, tuple[Any, str]] = {
    "count": (int, "an integer"),
    "next": (str | None, "a string or null"),
    "previous": (str | None, "a string or null"),
    "results": (list, "an array"),
}


class Page(NamedTuple):
    answer: requests.Response
    total: int
    next: str | None
    previous: str | None
    rows: list[Any]


def page_size(route: Route) -> int:
    return REFERENCE_SIZE if route.scheme == "Bearer" or route.size_parameter == "page_size" else GUIDE_SIZE


def page(target: Target, route: Route, path: str, size: object = None, **params: object) -> Page:
    """Ask for a page, of a size if one is given; `Drift` if what comes is none."""
    if size is not None:
        params[route.size_parameter] = size
    answer = expect(route, target.get(path, **params), 200)
    body = document(route, answer)
    if not isinstance(body, dict):
        raise Drift(finding(route, answer, Kind.TYPE, "is no page", "must be an object", "", source_of(route)))
    for key, (kind, wanted) in ENVELOPE.items():
        if key not in body:
            missing = finding(
                route, answer, Kind.MISSING, "is missing", f"must be {wanted}", f"/{key}", source_of(route)
            )
            raise Drift(missing)
        if not isinstance(body[key], kind):
            seen = f"is {body[key]!r}"
            raise Drift(finding(route, answer, Kind.TYPE, seen, f"must be {wanted}", f"/{key}", source_of(route)))
    return Page(answer, body["count"], body["next"], body["previous"], body["results"])


def source_of(route: Route) -> str:
    return f"{route.replies[200]}.json ({route.doc})"


def roomy(target: Target, route: Route, least: int) -> str:
    """Give a path of the list that has so many rows at least; `NotVerified` if none of the newest records' has."""
    key = (route.operation, least)
    if key not in target.known:
        candidates = islice(paths(target, route.path), CANDIDATES)
        found = (path for path in candidates if may_have(target, route, path, least))
        if (first := next(found, None)) is None:
            of = f" of the {CANDIDATES} newest records" if "<" in route.path else ""
            raise NotVerified(f"no list{of} has {least} row{'s' if least > 1 else ''} or more")
        target.known[key] = first
    return str(target.known[key])


def may_have(target: Target, route: Route, path: str, least: int) -> bool:
    """Whether the list has so many rows, or is none at all: then the check that asked for it says so."""
    try:
        return page(target, route, path, size=1).total >= least
    except Drift:
        return True


def wrong(route: Route, at: Page, seen: str, wanted: str, where: str) -> Finding:
    return finding(route, at.answer, Kind.PAGING, seen, wanted, where)


def first_page(target: Target, route: Route) -> Iterator[Finding]:
    at = page(target, route, roomy(target, route, 1), size=1)
    if at.previous is not None:
        yield wrong(route, at, f"is {at.previous!r} on the first page", "must be null", "/previous")
    if (at.next is None) != (at.total <= 1):
        must = "must be null" if at.total <= 1 else "must lead to the next page"
        yield wrong(route, at, f"is {at.next!r} with {at.total} rows counted", must, "/next")


def next_page(target: Target, route: Route) -> Iterator[Finding]:
    """Follow `next`, then `previous`: other rows there, the first ones again here."""
    at = page(target, route, roomy(target, route, 2), size=1)
    second = page(target, route, linked(target, route, at, at.next, "/next"))
    if second.rows == at.rows:
        yield wrong(route, second, "the second page has the rows of the first", "must have others", "/results")
    if second.total != at.total:
        yield wrong(route, second, f"is {second.total}", f"must be {at.total} as on the first page", "/count")
    again = page(target, route, linked(target, route, second, second.previous, "/previous"))
    if again.rows != at.rows:
        seen = "`previous` of the second page leads to other rows"
        yield wrong(route, again, seen, "must lead back to the first page", "/results")


def linked(target: Target, route: Route, at: Page, link: str | None, where: str) -> str:
    """Give the link, if it is one to the target itself that keeps the limit."""
    if link is None or not target.owns(link):
        raise Drift(wrong(route, at, f"is {link!r}", f"must lead to a page of {target.base_url}", where))
    if f"{route.size_parameter}=1" not in link:
        raise Drift(wrong(route, at, f"is {link!r}", f"must keep {route.size_parameter}=1", where))
    return link


def last_page(target: Target, route: Route) -> Iterator[Finding]:
    path, size = roomy(target, route, 1), page_size(route)
    count = page(target, route, path).total
    at = page(target, route, path, page="last")
    left = count - (count - 1) // size * size
    if len(at.rows) != left:
        seen = f"the last page has {len(at.rows)} rows"
        yield wrong(route, at, seen, f"must have {left}, what {count} leave for it", "/results")
    if at.next is not None:
        yield wrong(route, at, f"is {at.next!r} on the last page", "must be null", "/next")
    if (at.previous is None) != (count <= size):
        must = "must be null" if count <= size else "must lead to the page before"
        yield wrong(route, at, f"is {at.previous!r} with {count} rows counted", must, "/previous")


def limit(target: Target, route: Route) -> Iterator[Finding]:
    """A limit gives so many rows; one that is none gives what comes unasked."""
    path = roomy(target, route, 2)
    unasked = page(target, route, path)
    for asked, wanted in ((1, 1), (2, 2), (0, len(unasked.rows)), ("many", len(unasked.rows))):
        at = page(target, route, path, size=asked)
        if len(at.rows) != wanted:
            seen = f"has {len(at.rows)} rows for {route.size_parameter}={asked}"
            yield wrong(route, at, seen, f"must have {wanted}", "/results")


def default_size(target: Target, route: Route) -> Iterator[Finding]:
    at = page(target, route, roomy(target, route, 1))
    wanted = min(at.total, page_size(route))
    if len(at.rows) != wanted:
        yield wrong(route, at, f"has {len(at.rows)} of {at.total} rows unasked", f"must have {wanted}", "/results")


def beyond_the_end(target: Target, route: Route) -> Iterator[Finding]:
    """Pages that are none: after the last, before the first, and words other than `last`."""
    path = roomy(target, route, 1)
    count = page(target, route, path).total
    for number in (count + 2, 0, "many"):
        answer = expect(route, target.get(path, page=number), 404)
        yield from words_other_than(route, answer, "Invalid page.")


def by_id(row: Any) -> Any:
    return row["id"]


def by_lower_bound(row: Any) -> Any:
    return row["lower"]


def row_order(target: Target, route: Route, *, key: Callable[[Any], Any], descending: bool) -> Iterator[Finding]:
    """Rows stand in their order."""
    at = page(target, route, roomy(target, route, 2), size=100)
    if at.rows != sorted(at.rows, key=key, reverse=descending):
        found = ", ".join(str(key(row)) for row in at.rows[:5])
        way = "descending" if descending else "ascending"
        yield finding(route, at.answer, Kind.ORDER, f"rows start {found}", f"must be {way}", "/results")
