"""Checks of writes: values are stored, transitions run and are logged, and invoices are created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from emulator.api.routes import Route
from emulator.contract.assertions import (
    Row,
    check_key_order,
    check_schema,
    expect_status,
    fetch,
    fetch_page,
    finding,
    first_row,
    list_path,
    matching_rows,
    parse_json,
    record_path,
    rows,
    sample_paths,
)
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import NotVerified, Target
from emulator.core import schemas

SIMPLE_SLUGS = ("__prepare_package_command__", "__pkg_state_transition__", "__ready_to_ship_transfer_order__")
"""Parts of the slugs of transitions that take no parameters and call no other service."""
STATE_KEYS = (("old_state", "new_state"), ("source_state", "target_state"))
"""The keys of a log entry's states, on either surface."""
MAX_INVOICE_ATTEMPTS = 20
"""Number of packages that may answer that they already have an invoice."""


def store(target: Target, route: Route) -> Iterator[Finding]:
    """The response is 204 without a body, and the next GET shows the value."""
    path = sample_paths(target, route, 1)[0]
    (field,) = schemas.load_schema(str(route.request_schema))["required"]
    value = f"contract-{field.replace('_', '-')}"
    yield from expect_no_content(route, target.request("POST", path, json={field: value}))
    response, found = fetch(target, record_path(path))
    if not isinstance(found.get(field, 0), str | None):
        raise NotVerified(f"GET {record_path(path)} shows no {field}")
    if found[field] != value:
        expected = f"must be {value!r}, which was stored"
        yield finding(route, response, Kind.VALUE, f"is {found[field]!r}", expected, f"/{field}")


def merge(target: Target, route: Route) -> Iterator[Finding]:
    """The response is 204 without a body, and the next GET shows the new key and the old keys."""
    path = sample_paths(target, route, 1)[0]
    (field,) = schemas.load_schema(str(route.request_schema))["required"]
    before = object_at(fetch(target, record_path(path))[1], field)
    yield from expect_no_content(route, target.request(route.method, path, json={field: {"contract": "kept"}}))
    response, found = fetch(target, record_path(path))
    merged = {**before, "contract": "kept"}
    if object_at(found, field) != merged:
        seen, expected = f"is {found[field]!r}", f"must be {merged!r} after the key was added"
        yield finding(route, response, Kind.VALUE, seen, expected, f"/{field}")


def object_at(record: Row, field: str) -> Mapping[str, Any]:
    if not isinstance(record.get(field), dict):
        raise NotVerified(f"the record shows no {field}")
    return dict(record[field])


def expect_no_content(route: Route, response: requests.Response) -> Iterator[Finding]:
    if expect_status(route, response, 204).content:
        yield finding(route, response, Kind.UNDOCUMENTED, f"the body is {response.text[:60]!r}", "must be empty")


def run_by_id(target: Target, route: Route) -> Iterator[Finding]:
    record, transition = runnable(target, route)
    yield from run_transition(target, route, record, transition, {"transition": transition["id"]})


def run_by_slug(target: Target, route: Route) -> Iterator[Finding]:
    record, transition = runnable(target, route)
    yield from run_transition(target, route, record, transition, {"slug": transition["slug"]})


def runnable(target: Target, route: Route) -> tuple[Row, Row]:
    """Return a record that lists a simple transition, and the transition."""
    reason = "no record lists a transition without parameters"
    record = first_row(target, list_path(route), lambda row: bool(simple_transitions(row)), reason)
    return record, simple_transitions(record)[0]


def simple_transitions(row: Row) -> list[Any]:
    return [
        command
        for command in row.get("commands", ())
        if any(part in command.get("slug", "") for part in SIMPLE_SLUGS)
        and not command["is_packageitem_parameter_required"]
    ]


def run_transition(
    target: Target, route: Route, record: Row, transition: Row, command: Mapping[str, Any]
) -> Iterator[Finding]:
    """Run the transition. The record must be in its destination, with one more log entry."""
    path = f"{list_path(route)}{record['id']}/"
    log_count = fetch_page(target, f"{path}transition_logs/")["count"]
    body = {**command, "input_parameters": {}}
    yield from expect_no_content(route, target.request("POST", f"{path}command/", json=body))
    response, found = fetch(target, path)
    state, destination = found["state"]["id"], transition["destination_state"]
    if state != destination:
        expected = f"must be {destination}, the destination of transition {transition['id']}"
        yield finding(route, response, Kind.VALUE, f"is {state}", expected, "/state/id")
    yield from check_log(target, route, f"{path}transition_logs/", log_count, transition)


def check_log(target: Target, route: Route, path: str, before: int, transition: Row) -> Iterator[Finding]:
    """There is one more log entry, with the states of the transition."""
    response, found = fetch(target, path)
    if found["count"] != before + 1:
        expected = f"must be {before + 1} after one command"
        yield finding(route, response, Kind.VALUE, f"is {found['count']}", expected, "/count")
        return
    newest = max(rows(target, path), key=lambda row: int(row["id"]))
    states = next(
        (newest[old]["id"], newest[new]["id"]) for old, new in STATE_KEYS if old in newest and new in newest
    )
    expected_states = (transition["source_state"], transition["destination_state"])
    if states != expected_states:
        seen = f"the newest entry leads from {states[0]} to {states[1]}"
        expected = f"must lead from {expected_states[0]} to {expected_states[1]}"
        yield finding(route, response, Kind.VALUE, seen, expected, "/results/0")


def create_invoice(target: Target, route: Route) -> Iterator[Finding]:
    """The response is 201 with the package's invoice. The simple list shows its id, if the list shows invoices."""
    package, response = invoice_a_package(target, route)
    shape = str(route.responses[201])
    problems = list(check_schema(route, response, shape))
    yield from problems
    yield from check_key_order(route, response, shape)
    if problems:
        return
    invoice = parse_json(route, response)
    if invoice["package_number"] != package["number"]:
        seen, expected = f"is {invoice['package_number']!r}", f"must be {package['number']!r}, the package's number"
        yield finding(route, response, Kind.VALUE, seen, expected, "/package_number")
    if "invoice" in package:
        yield from check_listed_invoice(target, route, response, package)


def invoice_a_package(target: Target, route: Route) -> tuple[Row, requests.Response]:
    """Create the invoice of the first package that has none. Return the package and the response.

    The reference's simple list does not show which packages have an invoice, so packages that answer 400 are skipped.
    """
    reason = "every package of the newest pages has its invoice"
    packages = matching_rows(target, f"{list_path(route)}list-simple/", has_no_invoice, reason)
    for package, _ in zip(packages, range(MAX_INVOICE_ATTEMPTS), strict=False):
        response = target.request("POST", f"{list_path(route)}{package['id']}/invoice/")
        if "invoice" in package or response.status_code != 400:
            return package, expect_status(route, response, 201)
    raise NotVerified(f"the {MAX_INVOICE_ATTEMPTS} newest packages without an invoice number take no invoice")


def has_no_invoice(row: Row) -> bool:
    return row["invoice" if "invoice" in row else "invoice_number"] is None


def check_listed_invoice(
    target: Target, route: Route, response: requests.Response, package: Row
) -> Iterator[Finding]:
    invoice_id, path = parse_json(route, response)["id"], f"{list_path(route)}list-simple/"
    row = first_row(target, path, lambda row: bool(row["id"] == package["id"]), "the package is no longer listed")
    if row["invoice"] != invoice_id:
        seen = f"package {package['id']} shows invoice {row['invoice']}"
        yield finding(route, response, Kind.VALUE, seen, f"must show {invoice_id}, which was created", "/id")
