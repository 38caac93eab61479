"""Checks of reads: schema, order of keys and headers of every GET, agreement between documents, and links."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import requests

from emulator.api.routes import GUIDE_ROUTES, PAGE_SCHEMA_PREFIX, REFERENCE_ROUTES, Route
from emulator.contract.assertions import (
    CANDIDATES,
    NO_COMMANDS,
    Row,
    check_detail,
    check_header,
    check_key_order,
    check_schema,
    expand_path,
    expect_status,
    fetch,
    finding,
    first_row,
    list_path,
    parse_json,
    record_path,
    rows,
    sample_paths,
    schema_findings,
)
from emulator.contract.findings import Drift, Finding, Kind
from emulator.contract.target import NotVerified, Target
from emulator.core import schemas

LARGE_PAGE = 50
"""Number of rows to read where the default page size may show no example."""
PACKAGES = "/api/v1/oms/packages/"


def responses(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield successful responses of the operation: a page with rows, or the details of some records."""
    paths = [list_with_rows(target, route, 1)] if route.is_paginated else sample_paths(target, route)
    for path in paths:
        yield expect_status(route, target.get(path), 200)


def schema_of(route: Route) -> str:
    return str(route.responses.get(200))


def schema(target: Target, route: Route) -> Iterator[Finding]:
    for response in responses(target, route):
        yield from check_schema(route, response, schema_of(route))


def key_order(target: Target, route: Route) -> Iterator[Finding]:
    for response in responses(target, route):
        yield from check_key_order(route, response, schema_of(route))


def headers(target: Target, route: Route) -> Iterator[Finding]:
    response = next(responses(target, route))
    yield from check_header(route, response, "Content-Type", "application/json")
    yield from check_header(route, response, "Allow", route.method)


def same_as_in_list(target: Target, route: Route) -> Iterator[Finding]:
    """Compare some details with their rows: all keys if both have the same schema, else the ids."""
    parent, _, tail = route.path.rpartition("<")
    has_same_schema = not tail.partition(">/")[2] and row_schema(parent) == schema_of(route)
    for path in sample_paths(target, route):
        response = expect_status(route, target.get(path), 200)
        detail = parse_json(route, response)
        parent_path, id_ = split_at_last_id(path, tail)
        requested = {"id": id_, "object_id": first_id(route, path)}
        wrong = [key for key in requested if type(detail.get(key)) is int and detail[key] != requested[key]]
        for key in wrong:
            expected = f"must be {requested[key]}, which was requested"
            yield finding(route, response, Kind.VALUE, f"is {detail[key]!r}", expected, f"/{key}")
        if has_same_schema and not wrong:
            for row in (row for row in rows(target, parent_path, limit=100) if row["id"] == id_):
                yield from compare_with_row(route, response, detail, row)


def compare_with_row(route: Route, response: requests.Response, detail: Row, row: Row) -> Iterator[Finding]:
    """Compare the keys that both have, without keys that violate the schema. Another check reports those."""
    if detail == row:
        return
    problems = (*schemas.find_problems(schema_of(route), detail), *schemas.find_problems(schema_of(route), row))
    skipped = {"object_id", *(problem.path[0] for problem in problems if problem.path)}
    for key in (key for key in detail if key in row and key not in skipped and detail[key] != row[key]):
        kind, seen, expected = Kind.VALUE, f"is {str(detail[key])[:80]!r} here", f"must be {str(row[key])[:80]!r}"
        if has_same_items(detail[key], row[key]):
            kind, seen, expected = Kind.ORDER, "is in another order here", "must be in the same order"
        yield finding(route, response, kind, seen, f"{expected} as in the list", f"/{key}")


def has_same_items(one: object, other: object) -> bool:
    """Return whether both are lists of the same items in any order."""
    return isinstance(one, list) and isinstance(other, list) and sorted(map(str, one)) == sorted(map(str, other))


def row_schema(path: str) -> str | None:
    """Return the schema of the rows of the list at a path of the route table."""
    lists = (route for route in (*GUIDE_ROUTES, *REFERENCE_ROUTES) if route.path == path and route.is_paginated)
    return next((schema_of(route).replace(PAGE_SCHEMA_PREFIX, "", 1) for route in lists), None)


def split_at_last_id(path: str, tail: str) -> tuple[str, int]:
    rest = tail.partition(">")[2]
    head, _, id_ = path.removesuffix(rest).rpartition("/")
    return f"{head}/", int(id_)


def first_id(route: Route, path: str) -> int:
    """Return the first id in a path of the route."""
    return int(path.removeprefix(list_path(route)).partition("/")[0])


def current_commands(target: Target, route: Route) -> Iterator[Finding]:
    """Every transition in `commands` starts from the record's current state."""
    count = 0
    for response in responses_with_commands(target, route):
        body = parse_json(route, response)
        for record in body["results"] if route.is_paginated else [body]:
            count += len(record["commands"])
            yield from wrong_commands(route, response, record)
    if not count:
        raise NotVerified(NO_COMMANDS)


def responses_with_commands(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield one successful response with a record that lists commands, if the target has one."""
    if route.is_paginated:
        yield expect_status(route, target.get(route.path, limit=LARGE_PAGE), 200)
        return
    record = first_row(target, list_path(route), lambda row: bool(row.get("commands")), NO_COMMANDS)
    yield expect_status(route, target.get(route.path.replace("<pk>", str(record["id"]))), 200)


def wrong_commands(route: Route, response: requests.Response, record: Row) -> Iterator[Finding]:
    for index, command in enumerate(record["commands"]):
        if command["source_state"] != record["state"]["id"]:
            seen = f"{command.get('slug', command['id'])} starts from state {command['source_state']}"
            expected = f"must start from {record['state']['id']}, the state of record {record['id']}"
            yield finding(route, response, Kind.VALUE, seen, expected, f"/commands/{index}/source_state")


def rows_of_record(target: Target, route: Route) -> Iterator[Finding]:
    """Rows name the record that they belong to. A short list has the same rows as its long list."""
    path = list_with_rows(target, route, 1)
    response = expect_status(route, target.get(path, limit=100), 200)
    found = parse_json(route, response)["results"]
    pk = first_id(route, path)
    for index, row in enumerate(found):
        if type(row.get("object_id", pk)) is int and row.get("object_id", pk) != pk:
            seen, expected = f"is {row['object_id']}", f"must be {pk}, the record in the path"
            yield finding(route, response, Kind.VALUE, seen, expected, f"/results/{index}/object_id")
    if path.endswith("/short/"):
        yield from compare_ids(route, response, found, rows(target, path.removesuffix("short/"), limit=100))


def items_of_package(target: Target, route: Route) -> Iterator[Finding]:
    """The items are those that the package's detail shows."""
    path = list_with_rows(target, route, 1)
    response = expect_status(route, target.get(path, limit=100), 200)
    _, package = fetch(target, record_path(path))
    yield from compare_ids(route, response, parse_json(route, response)["results"], package["packageitem_set"])


def compare_ids(
    route: Route, response: requests.Response, found: list[Row], expected: list[Row]
) -> Iterator[Finding]:
    """Compare the ids of two lists of rows, in any order."""
    ids, others = (sorted(row["id"] for row in each) for each in (found, expected))
    if ids != others:
        yield finding(
            route, response, Kind.VALUE, f"the ids are {ids}", f"must be {others}, as elsewhere", "/results"
        )


def id_of_other_record(target: Target, route: Route) -> Iterator[Finding]:
    """A log or event of one record is not found below another record."""
    path = sample_paths(target, route, 1)[0]
    prefix = list_path(route)
    pk, _, rest = path.removeprefix(prefix).partition("/")
    others = (each for each in expand_path(target, f"{prefix}<pk>/") if each != f"{prefix}{pk}/")
    other = next(others, None)
    if other is None:
        raise NotVerified("there is one record only")
    expect_status(route, target.get(other + rest), 404)
    yield from ()


def document_keys(route: Route) -> Mapping[str, Any]:
    """Return the documented keys of the operation's records, with their schemas."""
    name = schema_of(route).replace(PAGE_SCHEMA_PREFIX, "", 1)
    keys: Mapping[str, Any] = (
        schemas.load_schema(name).get("properties", {}) if name in schemas.schema_names() else {}
    )
    return keys


def label_link(target: Target, route: Route) -> Iterator[Finding]:
    package = first_row(target, PACKAGES, lambda row: bool(label_url(row)), "no package has a shipping label")
    yield from open_link(target, route, label_url(package), "text/html")


def image_link(target: Target, route: Route) -> Iterator[Finding]:
    reason = "no package has a product with an image"
    package = first_row(target, PACKAGES, lambda row: bool(image_urls(row)), reason)
    yield from open_link(target, route, image_urls(package)[0], "image/")


def label_url(package: Row) -> str:
    return str(package["shipping_label"]["full_path_url"])


def image_urls(package: Row) -> list[str]:
    """Return the URLs of the images of all products in a package."""
    products = [item["order_item"]["product"] for item in package["packageitem_set"]]
    return [str(image["url"]) for product in products for image in product["productimage_set"]]


def open_link(target: Target, route: Route, link: str, media_type: str) -> Iterator[Finding]:
    """Open a link as a browser does: without credentials."""
    if not target.owns(link):
        raise NotVerified(f"{link} is on another host")
    response = expect_status(route, target.request("GET", link, token=None, headers={"Accept": "*/*"}), 200)
    yield from check_header(route, response, "Content-Type", media_type)


GUIDE_SIZE, REFERENCE_SIZE = 10, 20
"""The default page sizes. Denial reasons have pages of 20 on both surfaces."""


class Page(NamedTuple):
    response: requests.Response
    total: int
    next: str | None
    previous: str | None
    rows: list[Any]


def page_size(route: Route) -> int:
    return REFERENCE_SIZE if route.auth_scheme == "Bearer" or route.size_parameter == "page_size" else GUIDE_SIZE


def get_page(target: Target, route: Route, path: str, size: object = None, **params: object) -> Page:
    """Return a page, with a size if one is given. Raise `Drift` if its envelope violates the schema."""
    if size is not None:
        params[route.size_parameter] = size
    response = expect_status(route, target.get(path, **params), 200)
    body = parse_json(route, response)
    has_rows = isinstance(body, dict) and isinstance(body.get("results"), list)
    envelope = body | {"results": []} if has_rows else body
    for problem in schema_findings(route, response, str(route.responses[200]), envelope):
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
