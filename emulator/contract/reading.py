"""Reads: status, shape, order of keys and headers of every GET, and what documents say of each other."""

from __future__ import annotations

from collections.abc import Iterator
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
from emulator.contract.discovery import NO_COMMANDS, first, owner_path, paths, rows, sample
from emulator.contract.findings import Finding, Kind, NotVerified
from emulator.contract.paging import roomy
from emulator.contract.target import Target
from emulator.core import schemas
from emulator.routes import GUIDE_ROUTES, Route

MANY = 50
"""Rows to look at where a page's own size may show too little."""


def answers(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield good answers to the operation: a page with rows, or the details of some records."""
    found = [roomy(target, route, 1)] if is_list(route) else sample(target, route)
    for path in found:
        yield expect(route, target.get(path), 200)


def is_list(route: Route) -> bool:
    return shape_of(route).startswith("page-of-")


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
        detail = document(route, expect(route, target.get(path), 200))
        list_path, id_ = split_at_last_id(path, tail)
        row = next((row for row in rows(target, list_path, limit=100) if row["id"] == id_), None)
        if row is None:
            continue
        if detail.get("id") != id_:
            yield other(route, path, f"the record has id {detail.get('id')}, asked for was {id_}", "/id")
        elif same_schema and detail != row:
            keys = ", ".join(key for key in detail if detail[key] != row.get(key))
            yield other(route, path, f"the list has other values of {keys}")


def row_schema(path: str) -> str | None:
    """Name the schema of the rows in the list at a path of the route table."""
    lists = (route for route in GUIDE_ROUTES if route.path == path and is_list(route))
    return next((shape_of(route).removeprefix("page-of-") for route in lists), None)


def split_at_last_id(path: str, tail: str) -> tuple[str, int]:
    rest = tail.partition(">")[2]
    head, _, id_ = path.removesuffix(rest).rpartition("/")
    return f"{head}/", int(id_)


def other(route: Route, path: str, text: str, where: str = "") -> Finding:
    return Finding(Kind.OTHER, route.operation, where, text, f"GET {path}")


def present_commands(target: Target, route: Route) -> Iterator[Finding]:
    """Every transition that a record lists must start from the state that it is in."""
    seen = 0
    for answer in answers_with_commands(target, route):
        body = document(route, answer)
        for record in body["results"] if is_list(route) else [body]:
            seen += len(record["commands"])
            yield from _foreign_commands(route, answer, record)
    if not seen:
        raise NotVerified(NO_COMMANDS)


def answers_with_commands(target: Target, route: Route) -> Iterator[requests.Response]:
    """Yield one good answer with a record that lists commands, if the lists show one."""
    if is_list(route):
        yield expect(route, target.get(route.path, limit=MANY), 200)
        return
    record = first(target, owner_path(route), lambda row: bool(row.get("commands")), NO_COMMANDS)
    yield expect(route, target.get(route.path.replace("<pk>", str(record["id"]))), 200)


def _foreign_commands(route: Route, answer: requests.Response, record: dict[str, Any]) -> Iterator[Finding]:
    for at, command in enumerate(record["commands"]):
        if command["source_state"] != record["state"]["id"]:
            text = (
                f"{command.get('slug', command['id'])} starts from state {command['source_state']}, "
                f"but record {record['id']} is in state {record['state']['id']}"
            )
            yield finding(route, answer, Kind.OTHER, text, f"/commands/{at}/source_state")


def belongs(target: Target, route: Route) -> Iterator[Finding]:
    """Rows name the record that they were asked of; a short list has the same rows as its long one."""
    path = roomy(target, route, 1)
    answer = expect(route, target.get(path, limit=100), 200)
    found = document(route, answer)["results"]
    pk = int(path.removeprefix(route.path.partition("<")[0]).partition("/")[0])
    for at, row in enumerate(found):
        if row.get("object_id", pk) != pk:
            text = f"is {row['object_id']}, but the row was asked of record {pk}"
            yield finding(route, answer, Kind.OTHER, text, f"/results/{at}/object_id")
    if path.endswith("/short/"):
        wanted = [row["id"] for row in rows(target, path.removesuffix("short/"), limit=100)]
        if wanted != [row["id"] for row in found]:
            yield finding(route, answer, Kind.OTHER, f"the long list has the ids {wanted}", "/results")


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


def has_commands(route: Route) -> bool:
    """Whether the operation's documents list what their state allows."""
    name = shape_of(route).removeprefix("page-of-")
    return name in schemas.names() and "commands" in schemas.schema(name).get("properties", {})
