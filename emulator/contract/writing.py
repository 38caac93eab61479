"""Writes that must be done: numbers stored, transitions run and logged, invoices made, and all of it to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from emulator.contract.answers import document, expect, finding, out_of_order, out_of_shape
from emulator.contract.discovery import Row, first, owner_path, sample
from emulator.contract.findings import Finding, Kind
from emulator.contract.paging import page
from emulator.contract.target import Target
from emulator.core import schemas
from emulator.routes import Route

PLAIN = ("__prepare_package_command__", "__pkg_state_transition__", "__ready_to_ship_transfer_order__")
"""In the slugs of the transitions that take no parameters and call nobody outside."""


def stored(target: Target, route: Route) -> Iterator[Finding]:
    """204 without a body; the next GET shows the text."""
    path = sample(target, route, 1)[0]
    (field,) = schemas.schema(str(route.body))["required"]
    value = f"contract-{field.replace('_', '-')}"
    answer = expect(route, target.ask("POST", path, json={field: value}), 204)
    if answer.content:
        yield finding(route, answer, Kind.OTHER, f"a 204 has no body, but this is {answer.text[:60]!r}")
    record_path = path.removesuffix("/").rpartition("/")[0] + "/"
    shown = expect(route, target.get(record_path), 200)
    if (found := document(route, shown).get(field)) != value:
        yield finding(route, shown, Kind.OTHER, f"is {found!r} after {value!r} was stored", f"/{field}")


def moved_by_id(target: Target, route: Route) -> Iterator[Finding]:
    record, transition = movable(target, route)
    yield from moved(target, route, record, transition, {"transition": transition["id"]})


def moved_by_slug(target: Target, route: Route) -> Iterator[Finding]:
    record, transition = movable(target, route)
    yield from moved(target, route, record, transition, {"slug": transition["slug"]})


def movable(target: Target, route: Route) -> tuple[Row, Row]:
    """Give a record that lists a plain transition, and the transition."""
    record = first(
        target, owner_path(route), lambda row: bool(plain(row)), "no record lists a transition without parameters"
    )
    return record, plain(record)[0]


def plain(record: Row) -> list[Any]:
    return [
        command
        for command in record.get("commands", ())
        if any(part in command.get("slug", "") for part in PLAIN) and not command["is_packageitem_parameter_required"]
    ]


def moved(target: Target, route: Route, record: Row, transition: Row, asked: Mapping[str, Any]) -> Iterator[Finding]:
    """Run the transition: the record is where it leads, and one log entry more says so."""
    record_path = f"{owner_path(route)}{record['id']}/"
    logs = page(target, route, f"{record_path}transition_logs/").total
    body = {**asked, "input_parameters": {}}
    answer = expect(route, target.ask("POST", f"{record_path}command/", json=body), 204)
    if answer.content:
        yield finding(route, answer, Kind.OTHER, f"a 204 has no body, but this is {answer.text[:60]!r}")
    shown = expect(route, target.get(record_path), 200)
    state = document(route, shown)["state"]["id"]
    if state != transition["destination_state"]:
        text = f"is {state} after transition {transition['id']}, which leads to {transition['destination_state']}"
        yield finding(route, shown, Kind.OTHER, text, "/state/id")
    yield from logged(target, route, record_path, logs, transition)


def logged(target: Target, route: Route, record_path: str, before: int, transition: Row) -> Iterator[Finding]:
    """One log entry more, from and to the states of the transition."""
    at = page(target, route, f"{record_path}transition_logs/")
    if at.total != before + 1:
        text = f"is {at.total}, must be {before + 1} after one command"
        yield finding(route, at.answer, Kind.OTHER, text, "/count")
        return
    newest = (at.rows[0]["old_state"]["id"], at.rows[0]["new_state"]["id"])
    wanted = (transition["source_state"], transition["destination_state"])
    if newest != wanted:
        text = f"the newest entry leads from {newest[0]} to {newest[1]}, must lead from {wanted[0]} to {wanted[1]}"
        yield finding(route, at.answer, Kind.OTHER, text, "/results/0")


def invoiced(target: Target, route: Route) -> Iterator[Finding]:
    """201 with the invoice, and the simple list shows its id."""
    simple = f"{owner_path(route)}list-simple/"
    reason = "every package of the newest pages has its invoice"
    record = first(target, simple, lambda row: row.get("invoice") is None, reason)
    answer: requests.Response = expect(route, target.ask("POST", f"{owner_path(route)}{record['id']}/invoice/"), 201)
    yield from out_of_shape(route, answer, str(route.replies[201]))
    yield from out_of_order(route, answer, str(route.replies[201]))
    made = document(route, answer).get("id")
    row = first(target, simple, lambda row: row["id"] == record["id"], "the package is no longer listed")
    if row.get("invoice") != made:
        text = f"package {record['id']} shows invoice {row.get('invoice')} after {made} was made"
        yield finding(route, answer, Kind.OTHER, text, "/id")
