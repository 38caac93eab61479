"""Checks of reads: schema, order of keys and headers of every GET, agreement between documents, and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from emulator.contract.assertions import (
    check_header,
    check_key_order,
    check_schema,
    expect_status,
    finding,
    parse_json,
)
from emulator.contract.findings import Finding, Kind
from emulator.contract.lookup import (
    NO_COMMANDS,
    Row,
    expand_path,
    fetch,
    first_row,
    list_path,
    record_path,
    rows,
    sample_paths,
)
from emulator.contract.paging import list_with_rows
from emulator.contract.target import NotVerified, Target
from emulator.core import schemas
from emulator.routes import GUIDE_ROUTES, REFERENCE_ROUTES, Route
from emulator.routes.table import PAGE_OF

LARGE_PAGE = 50
"""Number of rows to read where the default page size may show no example."""
PACKAGES = "/api/v1/oms/packages/"


def responses(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield successful responses of the operation: a page with rows, or the details of some records."""
    paths = [list_with_rows(target, route, 1)] if route.is_paginated else sample_paths(target, route)
    for path in paths:
        yield expect_status(route, target.get(path), 200)


def schema_of(route: Route) -> str:
    return str(route.replies.get(200))


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
    problems = (*schemas.problems(schema_of(route), detail), *schemas.problems(schema_of(route), row))
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
    return next((schema_of(route).replace(PAGE_OF, "", 1) for route in lists), None)


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
    name = schema_of(route).replace(PAGE_OF, "", 1)
    keys: Mapping[str, Any] = schemas.schema(name).get("properties", {}) if name in schemas.names() else {}
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
