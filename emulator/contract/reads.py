"""Checks of reads: schemas, key order and headers of every GET, agreement of documents, links, and pages of lists.

Each function checks one promise. `checks.TOPICS` lists the promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from emulator.api.routes import PAGE_SCHEMA_PREFIX, ROUTES, Route
from emulator.contract.assertions import CheckedResponse, get
from emulator.contract.findings import Drift, Finding, Kind
from emulator.contract.target import CANDIDATES, NO_COMMANDS, NotVerified, Target, list_path, record_path
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.schemas import find_problems, load_schema, schema_names

LARGE_PAGE = 50
"""Number of rows to read where the default page size may show no example."""
PACKAGES = "/api/v1/oms/packages/"
DEFAULT_SIZE, LARGE_SIZE = 10, 20
LARGE_SIZE_PAGES = ("(reference)", "(packages module)")
"""Ends of the titles of the vendor's pages that document 20 rows by default."""


# Schema, key order and headers


def responses(target: Target, route: Route) -> Iterator[CheckedResponse]:
    """Yield successful responses of the operation: a page with rows, or the details of some records."""
    paths = [list_with_rows(target, route, 1)] if route.is_paginated else target.sample_paths(route)
    return (get(target, route, path) for path in paths)


def schema_of(route: Route) -> str:
    return str(route.responses.get(200))


def document_schema(route: Route) -> str:
    """Return the schema of a route's documents, which are the rows if it is a list."""
    return schema_of(route).replace(PAGE_SCHEMA_PREFIX, "", 1)


def document_keys(route: Route) -> Mapping[str, JsonValue]:
    """Return the documented keys of the operation's records, with their schemas."""
    name = document_schema(route)
    keys: JsonObject = load_schema(name).get("properties", {}) if name in schema_names() else {}
    return keys


def schema(target: Target, route: Route) -> Iterator[Finding]:
    for response in responses(target, route):
        yield from response.check_schema(schema_of(route))


def key_order(target: Target, route: Route) -> Iterator[Finding]:
    for response in responses(target, route):
        yield from response.check_key_order(schema_of(route))


def headers(target: Target, route: Route) -> Iterator[Finding]:
    response = next(responses(target, route))
    yield from response.check_header("Content-Type", "application/json")
    yield from response.check_header("Allow", route.method)


# Agreement of documents


def same_as_in_list(target: Target, route: Route) -> Iterator[Finding]:
    """Compare some details with their rows: all keys if both have the same schema, else the ids."""
    parent, _, tail = route.path.rpartition("<")
    has_same_schema = not tail.partition(">/")[2] and row_schema(parent) == schema_of(route)
    for path in target.sample_paths(route):
        response = get(target, route, path)
        detail = response.json()
        parent_path, id_ = split_at_last_id(path, tail)
        requested = {"id": id_} | ({"object_id": first_id(route, path)} if route.path.count("<") > 1 else {})
        wrong = [key for key in requested if type(detail.get(key)) is int and detail[key] != requested[key]]
        for key in wrong:
            expected = f"must be {requested[key]}, which was requested"
            yield response.finding(Kind.VALUE, f"is {detail[key]!r}", expected, f"/{key}")
        if has_same_schema and not wrong:
            for row in (row for row in target.rows(parent_path, limit=100) if row["id"] == id_):
                yield from compare_with_row(response, detail, row)


def compare_with_row(response: CheckedResponse, detail: JsonObject, row: JsonObject) -> Iterator[Finding]:
    """Compare the keys that both have, without keys that violate the schema. Another check reports those."""
    if detail == row:
        return
    schema = schema_of(response.route)
    problems = (*find_problems(schema, detail), *find_problems(schema, row))
    skipped = {"object_id", *(problem.path[0] for problem in problems if problem.path)}
    for key in (key for key in detail if key in row and key not in skipped and detail[key] != row[key]):
        kind, seen, expected = Kind.VALUE, f"is {str(detail[key])[:80]!r} here", f"must be {str(row[key])[:80]!r}"
        if has_same_items(detail[key], row[key]):
            kind, seen, expected = Kind.ORDER, "is in another order here", "must be in the same order"
        yield response.finding(kind, seen, f"{expected} as in the list", f"/{key}")


def has_same_items(one: JsonValue, other: JsonValue) -> bool:
    """Return whether both are lists of the same items in any order."""
    return isinstance(one, list) and isinstance(other, list) and sorted(map(str, one)) == sorted(map(str, other))


def row_schema(path: str) -> str | None:
    """Return the schema of the rows of the list at a path of the route table."""
    lists = (route for route in ROUTES if route.path == path and route.is_paginated)
    return next(map(document_schema, lists), None)


def split_at_last_id(path: str, tail: str) -> tuple[str, int]:
    rest = tail.partition(">")[2]
    head, _, id_ = path.removesuffix(rest).rpartition("/")
    return f"{head}/", int(id_)


def first_id(route: Route, path: str) -> int:
    """Return the first id in a path of the route."""
    return int(path.removeprefix(list_path(route)).partition("/")[0])


def current_commands(target: Target, route: Route) -> Iterator[Finding]:
    if route.is_paginated:
        response = get(target, route, route.path, limit=LARGE_PAGE)
        records = response.json()["results"]
    else:
        row = target.first_row(list_path(route), lambda row: bool(row.get("commands")), NO_COMMANDS)
        response = get(target, route, route.path.replace("<pk>", str(row["id"])))
        records = [response.json()]
    for record in records:
        yield from wrong_commands(response, record)
    if not any(record["commands"] for record in records):
        raise NotVerified(NO_COMMANDS)


def wrong_commands(response: CheckedResponse, record: JsonObject) -> Iterator[Finding]:
    for index, command in enumerate(record["commands"]):
        if command["source_state"] != record["state"]["id"]:
            seen = f"{command.get('slug', command['id'])} starts from state {command['source_state']}"
            expected = f"must start from {record['state']['id']}, the state of record {record['id']}"
            yield response.finding(Kind.VALUE, seen, expected, f"/commands/{index}/source_state")


def rows_of_record(target: Target, route: Route) -> Iterator[Finding]:
    """Check that rows name their record, and that a short list has the same rows as its long list."""
    path = list_with_rows(target, route, 1)
    response = get(target, route, path, limit=100)
    results = response.json()["results"]
    pk = first_id(route, path)
    for index, row in enumerate(results):
        if type(row.get("object_id", pk)) is int and row.get("object_id", pk) != pk:
            seen, expected = f"is {row['object_id']}", f"must be {pk}, the record in the path"
            yield response.finding(Kind.VALUE, seen, expected, f"/results/{index}/object_id")
    if path.endswith("/short/"):
        yield from compare_ids(response, results, target.rows(path.removesuffix("short/"), limit=100))


def items_of_package(target: Target, route: Route) -> Iterator[Finding]:
    path = list_with_rows(target, route, 1)
    response = get(target, route, path, limit=100)
    _, package = target.fetch(record_path(path))
    yield from compare_ids(response, response.json()["results"], package["packageitem_set"])


def compare_ids(
    response: CheckedResponse, results: list[JsonObject], expected: list[JsonObject]
) -> Iterator[Finding]:
    """Compare the ids of two lists of rows, in any order."""
    ids, others = (sorted(row["id"] for row in each) for each in (results, expected))
    if ids != others:
        yield response.finding(Kind.VALUE, f"the ids are {ids}", f"must be {others}, as elsewhere", "/results")


def id_of_other_record(target: Target, route: Route) -> Iterator[Finding]:
    path = target.sample_paths(route, 1)[0]
    prefix = list_path(route)
    pk, _, rest = path.removeprefix(prefix).partition("/")
    others = (each for each in target.expand_path(f"{prefix}<pk>/") if each != f"{prefix}{pk}/")
    other = next(others, None)
    if other is None:
        raise NotVerified("there is one record only")
    get(target, route, other + rest, status=404)
    yield from ()


# Links


def label_link(target: Target, route: Route) -> Iterator[Finding]:
    package = target.first_row(PACKAGES, lambda row: bool(label_url(row)), "no package has a shipping label")
    yield from open_link(target, route, label_url(package), "text/html")


def image_link(target: Target, route: Route) -> Iterator[Finding]:
    reason = "no package has a product with an image"
    package = target.first_row(PACKAGES, lambda row: bool(image_urls(row)), reason)
    yield from open_link(target, route, image_urls(package)[0], "image/")


def label_url(package: JsonObject) -> str:
    return str(package["shipping_label"]["full_path_url"])


def image_urls(package: JsonObject) -> list[str]:
    """Return the URLs of the images of all products in a package."""
    products = [item["order_item"]["product"] for item in package["packageitem_set"]]
    return [str(image["url"]) for product in products for image in product["productimage_set"]]


def open_link(target: Target, route: Route, link: str, media_type: str) -> Iterator[Finding]:
    """Open a link as a browser does: without credentials."""
    if not target.owns(link):
        raise NotVerified(f"{link} is on another host")
    response = CheckedResponse(route, target.request("GET", link, token=None, headers={"Accept": "*/*"}))
    yield from response.expect_status(200).check_header("Content-Type", media_type)


# Pages of lists


class Page(NamedTuple):
    response: CheckedResponse
    total: int
    next: str | None
    previous: str | None
    rows: list[JsonObject]

    def finding(self, seen: str, expected: str, where: str = "/results") -> Finding:
        return self.response.finding(Kind.PAGING, seen, expected, where)


def page_size(route: Route) -> int:
    return LARGE_SIZE if route.page.endswith(LARGE_SIZE_PAGES) else DEFAULT_SIZE


def get_page(target: Target, route: Route, path: str, size: JsonValue = None, **params: JsonValue) -> Page:
    """Return a page, with a size if one is given. Raise `Drift` if its envelope violates the schema."""
    if size is not None:
        params[route.size_parameter] = size
    response = get(target, route, path, **params)
    body = response.json()
    has_rows = isinstance(body, dict) and isinstance(body.get("results"), list)
    envelope = body | {"results": []} if has_rows else body
    for problem in response.check_document(str(route.responses[200]), envelope):
        if problem.kind != Kind.UNDOCUMENTED:
            raise Drift(problem)
    return Page(response, body["count"], body["next"], body["previous"], body["results"])


def list_with_rows(target: Target, route: Route, minimum: int) -> str:
    """Return the path of a list with this number of rows. Raise `NotVerified` if the newest records have none."""
    key = (route.operation, minimum)
    if key not in target.cache:
        paths = islice(target.expand_path(route.path), CANDIDATES)
        path = next((path for path in paths if has_rows(target, route, path, minimum)), None)
        if path is None:
            of = f" of the {CANDIDATES} newest records" if "<" in route.path else ""
            raise NotVerified(f"no list{of} has {minimum} row{'s' if minimum > 1 else ''} or more")
        target.cache[key] = path
    return str(target.cache[key])


def has_rows(target: Target, route: Route, path: str, minimum: int) -> bool:
    """Return whether the list has this number of rows. An invalid page counts, so that the caller reports it."""
    try:
        return get_page(target, route, path, size=1).total >= minimum
    except Drift:
        return True


def page_form(target: Target, route: Route) -> Iterator[Finding]:
    response = get(target, route, route.path)
    yield from response.check_schema(schema_of(route))
    yield from response.check_key_order(schema_of(route))


def first_page(target: Target, route: Route) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 1), size=1)
    if page.previous is not None:
        yield page.finding(f"is {page.previous!r} on the first page", "must be null", "/previous")
    if (page.next is None) != (page.total <= 1):
        expected = "must be null" if page.total <= 1 else "must lead to the next page"
        yield page.finding(f"is {page.next!r} with a count of {page.total}", expected, "/next")


def next_page(target: Target, route: Route) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 2), size=1)
    second = get_page(target, route, check_link(target, page, page.next, "/next"))
    if second.rows == page.rows:
        yield second.finding("the second page has the rows of the first page", "must have other rows")
    if second.total != page.total:
        yield second.finding(f"is {second.total}", f"must be {page.total} as on the first page", "/count")
    again = get_page(target, route, check_link(target, second, second.previous, "/previous"))
    if again.rows != page.rows:
        seen = "`previous` of the second page leads to other rows"
        yield again.finding(seen, "must lead back to the first page")


def check_link(target: Target, page: Page, link: str | None, where: str) -> str:
    """Return the link if it leads to the target and keeps the limit. Raise `Drift` otherwise."""
    size = f"{page.response.route.size_parameter}=1"
    if link is None or not target.owns(link):
        raise Drift(page.finding(f"is {link!r}", f"must lead to a page of {target.base_url}", where))
    if size not in link:
        raise Drift(page.finding(f"is {link!r}", f"must keep {size}", where))
    return link


def last_page(target: Target, route: Route) -> Iterator[Finding]:
    path, size = list_with_rows(target, route, 1), page_size(route)
    count = get_page(target, route, path).total
    page = get_page(target, route, path, page="last")
    remaining = count - (count - 1) // size * size
    if len(page.rows) != remaining:
        yield page.finding(f"the last page has {len(page.rows)} rows", f"must have {remaining} of {count} rows")
    if page.next is not None:
        yield page.finding(f"is {page.next!r} on the last page", "must be null", "/next")
    if (page.previous is None) != (count <= size):
        expected = "must be null" if count <= size else "must lead to the page before"
        yield page.finding(f"is {page.previous!r} with a count of {count}", expected, "/previous")


def limit(target: Target, route: Route) -> Iterator[Finding]:
    """Check that a limit sets the number of rows, and that an invalid limit has no effect."""
    path = list_with_rows(target, route, 2)
    default = len(get_page(target, route, path).rows)
    for value, expected in ((1, 1), (2, 2), (0, default), ("many", default)):
        page = get_page(target, route, path, size=value)
        if len(page.rows) != expected:
            seen = f"has {len(page.rows)} rows for {route.size_parameter}={value}"
            yield page.finding(seen, f"must have {expected}")


def default_size(target: Target, route: Route) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 1))
    expected = min(page.total, page_size(route))
    if len(page.rows) != expected:
        yield page.finding(f"has {len(page.rows)} of {page.total} rows by default", f"must have {expected}")


def beyond_the_end(target: Target, route: Route) -> Iterator[Finding]:
    """Check that pages after the last, before the first, and words other than `last` are 404."""
    path = list_with_rows(target, route, 1)
    count = get_page(target, route, path).total
    for number in (count + 2, 0, "many"):
        yield from get(target, route, path, status=404, page=number).check_detail("Invalid page.")


SortKey = Callable[[JsonObject], JsonValue]


def by_priority(row: JsonObject) -> JsonValue:
    """Return the sort key of a reason. Those without a priority come last; the newest of equal ones comes first."""
    return row["priority"] is None, row["priority"], -row["id"]


def row_order(target: Target, route: Route, *, key: SortKey, descending: bool) -> Iterator[Finding]:
    page = get_page(target, route, list_with_rows(target, route, 2), size=100)
    if page.rows != sorted(page.rows, key=key, reverse=descending):
        seen = f"rows start {', '.join(str(key(row)) for row in page.rows[:5])}"
        expected = f"must be {'descending' if descending else 'ascending'}"
        yield page.response.finding(Kind.ORDER, seen, expected, "/results")
