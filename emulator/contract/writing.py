"""Writes that must be done: numbers stored, transitions run and logged, invoices made, and all of it to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from emulator.contract.answers import document, expect, finding, out_of_order, out_of_shape
from emulator.contract.discovery import Row, first, owner_path, page, record, rows, sample, suiting
from emulator.contract.findings import Finding, Kind, NotVerified
from emulator.contract.target import Target
from emulator.core import schemas
from emulator.routes import Route

PLAIN = ("__prepare_package_command__", "__pkg_state_transition__", "__ready_to_ship_transfer_order__")
"""In the slugs of the transitions that take no parameters and call nobody outside."""
LOGGED = (("old_state", "new_state"), ("source_state", "target_state"))
"""What a log calls the states that it leads from and to, on either surface."""
REFUSALS = 20
"""How many packages may answer that they have their invoice already."""


def stored(target: Target, route: Route) -> Iterator[Finding]:
    """204 without a body; the next GET shows the text."""
    path = sample(target, route, 1)[0]
    (field,) = schemas.schema(str(route.body))["required"]
    value = f"contract-{field.replace('_', '-')}"
    yield from done(route, target.ask("POST", path, json={field: value}))
    shown, found = record(target, owner_of(path))
    if not isinstance(found.get(field, 0), str | None):
        raise NotVerified(f"GET {owner_of(path)} shows no {field}")
    if found[field] != value:
        yield finding(
            route, shown, Kind.VALUE, f"is {found[field]!r}", f"must be {value!r}, which was stored", f"/{field}"
        )


def merged(target: Target, route: Route) -> Iterator[Finding]:
    """204 without a body; the next GET shows the key, and those that were there before."""
    path = sample(target, route, 1)[0]
    (field,) = schemas.schema(str(route.body))["required"]
    before = free_map(record(target, owner_of(path))[1], field)
    yield from done(route, target.ask(route.method, path, json={field: {"contract": "kept"}}))
    shown, found = record(target, owner_of(path))
    wanted = {**before, "contract": "kept"}
    if free_map(found, field) != wanted:
        seen = f"is {found[field]!r}"
        yield finding(route, shown, Kind.VALUE, seen, f"must be {wanted!r} after the key was added", f"/{field}")


def free_map(found: Row, field: str) -> Mapping[str, Any]:
    if not isinstance(found.get(field), dict):
        raise NotVerified(f"the record shows no {field}")
    return dict(found[field])


def done(route: Route, answer: requests.Response) -> Iterator[Finding]:
    """Hold the answer of a write that answers nothing."""
    if expect(route, answer, 204).content:
        yield finding(route, answer, Kind.UNDOCUMENTED, f"the body is {answer.text[:60]!r}", "must be empty")


def owner_of(path: str) -> str:
    """Give the path of the record that a write's path is below."""
    return path.removesuffix("/").rpartition("/")[0] + "/"


def moved_by_id(target: Target, route: Route) -> Iterator[Finding]:
    one, transition = movable(target, route)
    yield from moved(target, route, one, transition, {"transition": transition["id"]})


def moved_by_slug(target: Target, route: Route) -> Iterator[Finding]:
    one, transition = movable(target, route)
    yield from moved(target, route, one, transition, {"slug": transition["slug"]})


def movable(target: Target, route: Route) -> tuple[Row, Row]:
    """Give a record that lists a plain transition, and the transition."""
    reason = "no record lists a transition without parameters"
    one = first(target, owner_path(route), lambda row: bool(plain(row)), reason)
    return one, plain(one)[0]


def plain(row: Row) -> list[Any]:
    return [
        command
        for command in row.get("commands", ())
        if any(part in command.get("slug", "") for part in PLAIN) and not command["is_packageitem_parameter_required"]
    ]


def moved(target: Target, route: Route, one: Row, transition: Row, asked: Mapping[str, Any]) -> Iterator[Finding]:
    """Run the transition: the record is where it leads, and one log entry more says so."""
    path = f"{owner_path(route)}{one['id']}/"
    logs = page(target, f"{path}transition_logs/")["count"]
    body = {**asked, "input_parameters": {}}
    yield from done(route, target.ask("POST", f"{path}command/", json=body))
    shown, found = record(target, path)
    state, destination = found["state"]["id"], transition["destination_state"]
    if state != destination:
        wanted = f"must be {destination}, where transition {transition['id']} leads"
        yield finding(route, shown, Kind.VALUE, f"is {state}", wanted, "/state/id")
    yield from logged(target, route, f"{path}transition_logs/", logs, transition)


def logged(target: Target, route: Route, path: str, before: int, transition: Row) -> Iterator[Finding]:
    """One log entry more, from and to the states of the transition."""
    answer, found = record(target, path)
    if found["count"] != before + 1:
        wanted = f"must be {before + 1} after one command"
        yield finding(route, answer, Kind.VALUE, f"is {found['count']}", wanted, "/count")
        return
    newest = max(rows(target, path), key=lambda row: int(row["id"]))
    states = next((newest[old]["id"], newest[new]["id"]) for old, new in LOGGED if old in newest and new in newest)
    ends = (transition["source_state"], transition["destination_state"])
    if states != ends:
        seen = f"the newest entry leads from {states[0]} to {states[1]}"
        yield finding(route, answer, Kind.VALUE, seen, f"must lead from {ends[0]} to {ends[1]}", "/results/0")


def invoiced(target: Target, route: Route) -> Iterator[Finding]:
    """201 with the invoice of the package; the simple list shows its id, where it shows invoices."""
    one, answer = invoice(target, route)
    shape = str(route.replies[201])
    misshapen = list(out_of_shape(route, answer, shape))
    yield from misshapen
    yield from out_of_order(route, answer, shape)
    if misshapen:
        return
    made = document(route, answer)
    if made["package_number"] != one["number"]:
        seen, wanted = f"is {made['package_number']!r}", f"must be {one['number']!r}, the package's"
        yield finding(route, answer, Kind.VALUE, seen, wanted, "/package_number")
    if "invoice" in one:
        yield from shown_in_list(target, route, answer, one)


def invoice(target: Target, route: Route) -> tuple[Row, requests.Response]:
    """Make an invoice of the first package that has none; give the package and the answer.

    The reference's simple list does not say which have one: there, a package that says no is passed over.
    """
    reason = "every package of the newest pages has its invoice"
    found = suiting(target, f"{owner_path(route)}list-simple/", without_invoice, reason)
    for one, _ in zip(found, range(REFUSALS), strict=False):
        answer = target.ask("POST", f"{owner_path(route)}{one['id']}/invoice/")
        if "invoice" in one or answer.status_code != 400:
            return one, expect(route, answer, 201)
    raise NotVerified(f"the {REFUSALS} newest packages without an invoice number take no invoice")


def without_invoice(row: Row) -> bool:
    return row["invoice" if "invoice" in row else "invoice_number"] is None


def shown_in_list(target: Target, route: Route, answer: requests.Response, one: Row) -> Iterator[Finding]:
    made, simple = document(route, answer)["id"], f"{owner_path(route)}list-simple/"
    row = first(target, simple, lambda row: row["id"] == one["id"], "the package is no longer listed")
    if row["invoice"] != made:
        seen = f"package {one['id']} shows invoice {row['invoice']}"
        yield finding(route, answer, Kind.VALUE, seen, f"must show {made}, which was made", "/id")
