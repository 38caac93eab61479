"""Lists: pages follow one another without gaps, limits are kept, rows stand in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import requests

from emulator.contract.answers import document, expect, finding, words_other_than
from emulator.contract.discovery import CANDIDATES, paths
from emulator.contract.findings import Drift, Finding, Kind, NotVerified
from emulator.contract.target import Target
from emulator.routes import Route

PAGE_SIZE = 10
"""How many rows the guide's lists give unasked."""
ENVELOPE = {"count": int, "next": str | None, "previous": str | None, "results": list}


class Page(NamedTuple):
    answer: requests.Response
    total: int
    next: str | None
    previous: str | None
    rows: list[Any]


def page(target: Target, route: Route, path: str, size: object = None, **params: object) -> Page:
    """Ask for a page, of a size if one is given; `Drift` if what comes is none."""
    if size is not None:
        params[route.size_parameter] = size
    answer = expect(route, target.get(path, **params), 200)
    body = document(route, answer)
    wrong = next((key for key, kind in ENVELOPE.items() if not has(body, key, kind)), None)
    if wrong:
        raise Drift(finding(route, answer, Kind.PAGING, f"the answer is no page: look at {wrong}", f"/{wrong}"))
    return Page(answer, body["count"], body["next"], body["previous"], body["results"])


def has(body: Any, key: str, kind: Any) -> bool:
    return isinstance(body, dict) and key in body and isinstance(body[key], kind)


def roomy(target: Target, route: Route, least: int) -> str:
    """Give a path of the list that has so many rows at least; `NotVerified` if none of the newest records' has."""
    key = (route.operation, least)
    if key not in target.known:
        candidates = islice(paths(target, route.path), CANDIDATES)
        found = (path for path in candidates if page(target, route, path, size=1).total >= least)
        if (first := next(found, None)) is None:
            of = f" of the {CANDIDATES} newest records" if "<" in route.path else ""
            raise NotVerified(f"no list{of} has {least} row{'s' if least > 1 else ''} or more")
        target.known[key] = first
    return str(target.known[key])


def wrong(route: Route, at: Page, text: str, where: str) -> Finding:
    return finding(route, at.answer, Kind.PAGING, text, where)


def first_page(target: Target, route: Route) -> Iterator[Finding]:
    at = page(target, route, roomy(target, route, 1), size=1)
    if at.previous is not None:
        yield wrong(route, at, f"is {at.previous!r} on the first page, must be null", "/previous")
    if (at.next is None) != (at.total <= 1):
        yield wrong(route, at, f"is {at.next!r}, but {at.total} rows are counted", "/next")


def next_page(target: Target, route: Route) -> Iterator[Finding]:
    """Follow `next`, then `previous`: other rows there, the first ones again here."""
    at = page(target, route, roomy(target, route, 2), size=1)
    second = page(target, route, linked(target, route, at, at.next, "/next"))
    if second.rows == at.rows:
        yield wrong(route, second, "the second page has the rows of the first", "/results")
    if second.total != at.total:
        yield wrong(route, second, f"is {second.total}, was {at.total} on the first page", "/count")
    again = page(target, route, linked(target, route, second, second.previous, "/previous"))
    if again.rows != at.rows:
        yield wrong(route, again, "`previous` of the second page does not lead back to the first", "/results")


def linked(target: Target, route: Route, at: Page, link: str | None, where: str) -> str:
    """Give the link, if it is one to the target itself that keeps the limit."""
    if link is None or not target.owns(link):
        raise Drift(wrong(route, at, f"is {link!r}, must lead to a page of {target.base_url}", where))
    if f"{route.size_parameter}=1" not in link:
        raise Drift(wrong(route, at, f"is {link!r}, which has lost the limit", where))
    return link


def last_page(target: Target, route: Route) -> Iterator[Finding]:
    path = roomy(target, route, 1)
    count = page(target, route, path).total
    at = page(target, route, path, page="last")
    left = count - (count - 1) // PAGE_SIZE * PAGE_SIZE
    if len(at.rows) != left:
        text = f"the last page has {len(at.rows)} rows; of {count}, {left} are left for it"
        yield wrong(route, at, text, "/results")
    if at.next is not None:
        yield wrong(route, at, f"is {at.next!r} on the last page, must be null", "/next")
    if (at.previous is None) != (count <= PAGE_SIZE):
        yield wrong(route, at, f"is {at.previous!r}, but {count} rows are counted", "/previous")


def limit(target: Target, route: Route) -> Iterator[Finding]:
    """A limit gives so many rows; one that is none gives what comes unasked."""
    path = roomy(target, route, 2)
    unasked = page(target, route, path)
    for asked, wanted in ((1, 1), (2, 2), (0, len(unasked.rows)), ("many", len(unasked.rows))):
        at = page(target, route, path, size=asked)
        if len(at.rows) != wanted:
            yield wrong(route, at, f"has {len(at.rows)} rows, must have {wanted}", "/results")


def default_size(target: Target, route: Route) -> Iterator[Finding]:
    at = page(target, route, roomy(target, route, 1))
    wanted = min(at.total, PAGE_SIZE)
    if len(at.rows) != wanted:
        yield wrong(route, at, f"has {len(at.rows)} of {at.total} rows unasked, must have {wanted}", "/results")


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
        yield finding(route, at.answer, Kind.ORDER, f"rows must be {way}, but start {found}", "/results")
