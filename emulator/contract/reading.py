"""Reads: status, shape, order of keys and headers of every GET, and what documents say of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from emulator.contract.answers import (
    document,
    expect,
    finding,
    header_other_than,
    out_of_order,
    out_of_shape,
)
from emulator.contract.discovery import NO_COMMANDS, Row, first, owner_path, paths, record, rows, sample
from emulator.contract.findings import Finding, Kind, NotVerified
from emulator.contract.paging import roomy
from emulator.contract.target import Target
from emulator.contract.writing import owner_of
from emulator.core import schemas
from emulator.routes import GUIDE_ROUTES, REFERENCE_ROUTES, Route
from emulator.routes.table import PAGE_OF

MANY = 50
"""Rows to look at where a page's own size may show too little."""


def answers(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield good answers to the operation: a page with rows, or the details of some records."""
    found = [roomy(target, route, 1)] if route.is_paginated else sample(target, route)
    for path in found:
        yield expect(route, target.get(path), 200)


def shape_of(route: Route) -> str:
    return str(route.replies.get(200))


def shape(target: Target, route: Route) -> Iterator[Finding]:
    for answer in answers(target, route):
        yield from out_of_shape(route, answer, shape_of(route))


def key_order(target: Target, route: Route) -> Iterator[Finding]:
    for answer in answers(target, route):
        yield from out_of_order(route, answer, shape_of(route))


def headers(target: Target, route: Route) -> Iterator[Finding]:
    answer = next(answers(target, route))
    yield from header_other_than(route, answer, "Content-Type", "application/json")
    yield from header_other_than(route, answer, "Allow", route.method)


def same_as_in_list(target: Target, route: Route) -> Iterator[Finding]:
    """Compare some details with their rows: wholly where both have one schema, else by id."""
    parent, _, tail = route.path.rpartition("<")
    same_schema = not tail.partition(">/")[2] and row_schema(parent) == shape_of(route)
    for path in sample(target, route):
        answer = expect(route, target.get(path), 200)
        detail = document(route, answer)
        list_path, id_ = split_at_last_id(path, tail)
        asked_for = {"id": id_, "object_id": pk_of(route, path)}
        strange = [key for key in asked_for if type(detail.get(key)) is int and detail[key] != asked_for[key]]
        for key in strange:
            wanted = f"must be {asked_for[key]}, which was asked for"
            yield finding(route, answer, Kind.VALUE, f"is {detail[key]!r}", wanted, f"/{key}")
        if same_schema and not strange:
            found = (row for row in rows(target, list_path, limit=100) if row["id"] == id_)
            for row in found:
                yield from other_values(route, answer, detail, row)


def other_values(route: Route, answer: requests.Response, detail: Row, row: Row) -> Iterator[Finding]:
    """Compare what both have, where neither leaves its schema: that is told already."""
    if detail == row:
        return
    problems = (*schemas.problems(shape_of(route), detail), *schemas.problems(shape_of(route), row))
    told = {"object_id", *(problem.path[0] for problem in problems if problem.path)}
    for key in (key for key in detail if key in row and key not in told and detail[key] != row[key]):
        turned = same_rows(detail[key], row[key])
        seen = f"is {str(detail[key])[:80]!r} here" if not turned else "stands in one order here"
        wanted = f"must be {str(row[key])[:80]!r}" if not turned else "must stand in the other"
        yield finding(
            route, answer, Kind.ORDER if turned else Kind.VALUE, seen, f"{wanted} as in the list", f"/{key}"
        )


def same_rows(one: object, other: object) -> bool:
    """Whether both are lists of the same, in whatever order."""
    return isinstance(one, list) and isinstance(other, list) and sorted(map(str, one)) == sorted(map(str, other))


def row_schema(path: str) -> str | None:
    """Name the schema of the rows in the list at a path of the route table."""
    lists = (route for route in (*GUIDE_ROUTES, *REFERENCE_ROUTES) if route.path == path and route.is_paginated)
    return next((shape_of(route).replace(PAGE_OF, "", 1) for route in lists), None)


def split_at_last_id(path: str, tail: str) -> tuple[str, int]:
    rest = tail.partition(">")[2]
    head, _, id_ = path.removesuffix(rest).rpartition("/")
    return f"{head}/", int(id_)


def present_commands(target: Target, route: Route) -> Iterator[Finding]:
    """Every transition that a record lists must start from the state that it is in."""
    seen = 0
    for answer in answers_with_commands(target, route):
        body = document(route, answer)
        for one in body["results"] if route.is_paginated else [body]:
            seen += len(one["commands"])
            yield from _foreign_commands(route, answer, one)
    if not seen:
        raise NotVerified(NO_COMMANDS)


def answers_with_commands(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield one good answer with a record that lists commands, if the lists show one."""
    if route.is_paginated:
        yield expect(route, target.get(route.path, limit=MANY), 200)
        return
    one = first(target, owner_path(route), lambda row: bool(row.get("commands")), NO_COMMANDS)
    yield expect(route, target.get(route.path.replace("<pk>", str(one["id"]))), 200)


def _foreign_commands(route: Route, answer: requests.Response, one: Row) -> Iterator[Finding]:
    for at, command in enumerate(one["commands"]):
        if command["source_state"] != one["state"]["id"]:
            seen = f"{command.get('slug', command['id'])} starts from state {command['source_state']}"
            wanted = f"must start from {one['state']['id']}, where record {one['id']} is"
            yield finding(route, answer, Kind.VALUE, seen, wanted, f"/commands/{at}/source_state")


def belongs(target: Target, route: Route) -> Iterator[Finding]:
    """Rows name the record that they were asked of; a short list has the same rows as its long one."""
    path = roomy(target, route, 1)
    answer = expect(route, target.get(path, limit=100), 200)
    found = document(route, answer)["results"]
    pk = pk_of(route, path)
    for at, row in enumerate(found):
        if type(row.get("object_id", pk)) is int and row.get("object_id", pk) != pk:
            seen, wanted = f"is {row['object_id']}", f"must be {pk}, of which the row was asked"
            yield finding(route, answer, Kind.VALUE, seen, wanted, f"/results/{at}/object_id")
    if path.endswith("/short/"):
        yield from other_rows(route, answer, found, rows(target, path.removesuffix("short/"), limit=100))


def pk_of(route: Route, path: str) -> int:
    """Give the first id in a path of the route."""
    return int(path.removeprefix(owner_path(route)).partition("/")[0])


def items_of_package(target: Target, route: Route) -> Iterator[Finding]:
    """The items are those that the package's detail shows."""
    path = roomy(target, route, 1)
    answer = expect(route, target.get(path, limit=100), 200)
    _, package = record(target, owner_of(path))
    yield from other_rows(route, answer, document(route, answer)["results"], package["packageitem_set"])


def other_rows(route: Route, answer: requests.Response, found: list[Row], wanted: list[Row]) -> Iterator[Finding]:
    """Compare which rows there are; their order is another matter."""
    ids, others = (sorted(row["id"] for row in each) for each in (found, wanted))
    if ids != others:
        yield finding(route, answer, Kind.VALUE, f"the ids are {ids}", f"must be {others}, as elsewhere", "/results")


def foreign_id(target: Target, route: Route) -> Iterator[Finding]:
    """A log or event of one record is not found under another one."""
    path = sample(target, route, 1)[0]
    before = route.path.partition("<")[0]
    pk, _, rest = path.removeprefix(before).partition("/")
    others = (each for each in paths(target, f"{before}<pk>/"))
    stranger = next((each for each in others if each != f"{before}{pk}/"), None)
    if stranger is None:
        raise NotVerified("there is one record only")
    expect(route, target.get(stranger + rest), 404)
    yield from ()


def has_key(route: Route, key: str) -> bool:
    """Whether the operation's documents have the key."""
    return key in properties(route)


def keys(route: Route) -> int:
    """How many keys the operation's documents have."""
    return len(properties(route))


def properties(route: Route) -> Mapping[str, Any]:
    name = shape_of(route).replace(PAGE_OF, "", 1)
    found: Mapping[str, Any] = schemas.schema(name).get("properties", {}) if name in schemas.names() else {}
    return found
