"""Checks of writes: values are stored, transitions run and are logged, and invoices are created.

Each function checks one promise. `checks.TOPICS` lists the promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from emulator.api.routes import Route
from emulator.contract.assertions import CheckedResponse, send
from emulator.contract.findings import Finding, Kind
from emulator.contract.target import NotVerified, Target, list_path, record_path
from emulator.core.json_text import JsonObject
from emulator.core.schemas import load_schema

SIMPLE_SLUGS = ("__prepare_package_command__", "__pkg_state_transition__", "__ready_to_ship_transfer_order__")
"""Parts of the slugs of transitions that take no parameters and call no other service."""
STATE_KEYS = (("old_state", "new_state"), ("source_state", "target_state"))
"""The keys of a log entry's states, on either surface."""
MAX_INVOICE_ATTEMPTS = 20
"""Number of packages that may answer that they already have an invoice."""


# Fields


def store(target: Target, route: Route) -> Iterator[Finding]:
    path, field = path_and_field(target, route)
    value = f"contract-{field.replace('_', '-')}"
    yield from expect_no_content(send(target, route, path, {field: value}, status=204))
    response, record = target.fetch(record_path(path))
    if not isinstance(record.get(field, 0), str | None):
        raise NotVerified(f"GET {record_path(path)} shows no {field}")
    if record[field] != value:
        checked, expected = CheckedResponse(route, response), f"must be {value!r}, which was stored"
        yield checked.finding(Kind.VALUE, f"is {record[field]!r}", expected, f"/{field}")


def merge(target: Target, route: Route) -> Iterator[Finding]:
    path, field = path_and_field(target, route)
    before = object_at(target.fetch(record_path(path))[1], field)
    yield from expect_no_content(send(target, route, path, {field: {"contract": "kept"}}, status=204))
    response, record = target.fetch(record_path(path))
    merged = {**before, "contract": "kept"}
    if object_at(record, field) != merged:
        checked, expected = CheckedResponse(route, response), f"must be {merged!r} after the key was added"
        yield checked.finding(Kind.VALUE, f"is {record[field]!r}", expected, f"/{field}")


def path_and_field(target: Target, route: Route) -> tuple[str, str]:
    """Return a path of the operation, and the only field of its body."""
    (field,) = load_schema(str(route.request_schema))["required"]
    return target.sample_paths(route, 1)[0], field


def object_at(record: JsonObject, field: str) -> JsonObject:
    if not isinstance(record.get(field), dict):
        raise NotVerified(f"the record shows no {field}")
    return dict(record[field])


def expect_no_content(checked: CheckedResponse) -> Iterator[Finding]:
    if checked.response.content:
        yield checked.finding(Kind.UNDOCUMENTED, f"the body is {checked.response.text[:60]!r}", "must be empty")


# New records

CONTRACT_URL = "https://contract.example.com"


def new_reason(number: int) -> JsonObject:
    return {"title": f"contract {number}", "is_active": False}


def new_hook(number: int) -> JsonObject:
    """Return an inactive hook, for which no event is sent."""
    policy = {"choice": "fixed", "kwargs": {"seconds": 60}}
    url, event_type = f"{CONTRACT_URL}/{number}/", "package.created"
    return {"retry_countdown_config": policy, "target_url": url, "is_active": False, "event_type": event_type}


NEW_RECORDS: Mapping[str, Callable[[int], JsonObject]] = {
    "create_denial_reason": new_reason,
    "create_package_denial_reason": new_reason,
    "create_hook": new_hook,
}
"""Operation -> the body for a number that no record of the list has used."""
HOOK_CHANGES: Mapping[str, JsonObject] = {
    "replace_hook": {"event_type": "package.status.packed"},
    "update_hook": {"secret_key": "contract"},
    "delete_hook": {},
}
"""Operation -> the values that it changes in a hook that the check created."""


def create_record(target: Target, route: Route) -> Iterator[Finding]:
    body = NEW_RECORDS[route.operation](next_id(target, route.path))
    checked = CheckedResponse(route, target.request("POST", route.path, json=body)).expect_status(201)
    schema = str(route.responses[201])
    problems = list(checked.check_schema(schema))
    yield from problems
    yield from checked.check_key_order(schema)
    if not problems:
        yield from compare_values(checked, body)
        response, _ = target.fetch(f"{route.path}{checked.json()['id']}/")
        yield from compare_values(CheckedResponse(route, response), checked.json())


def next_id(target: Target, path: str) -> int:
    """Return a number above the ids of all records of a list."""
    ids = [row["id"] for page in ("1", "last") for row in target.rows(path, page=page)]
    return max(ids, default=0) + 1


def change_hook(target: Target, route: Route) -> Iterator[Finding]:
    """Create a hook and change or delete it. A deleted hook stays in the list and is inactive."""
    list_of_hooks = list_path(route)
    body = new_hook(next_id(target, list_of_hooks))
    hook = target.request("POST", list_of_hooks, json=body).json()
    path, changes = f"{list_of_hooks}{hook['id']}/", HOOK_CHANGES[route.operation]
    if route.method == "DELETE":
        yield from expect_no_content(CheckedResponse(route, target.request("DELETE", path)).expect_status(204))
    else:
        sent = body | changes if route.method == "PUT" else changes
        yield from compare_values(send(target, route, path, sent, status=200), changes)
    response, _ = target.fetch(path)
    yield from compare_values(CheckedResponse(route, response), {**changes, "is_active": False})


def compare_values(checked: CheckedResponse, expected: JsonObject) -> Iterator[Finding]:
    """Yield the keys of the body with other values than expected. The check of the schema reports missing keys."""
    body = checked.json()
    for key in (key for key, value in expected.items() if body.get(key, value) != value):
        yield checked.finding(Kind.VALUE, f"is {body[key]!r}", f"must be {expected[key]!r}", f"/{key}")


# Transitions


def simple_transitions(row: JsonObject) -> list[JsonObject]:
    return [
        command
        for command in row.get("commands", ())
        if any(part in command.get("slug", "") for part in SIMPLE_SLUGS)
        and not command["is_packageitem_parameter_required"]
    ]


def run_transition(target: Target, route: Route, *, key: str, parameter: str) -> Iterator[Finding]:
    """Run a simple transition, selected by a key of it.

    The record must be in the destination of the transition, with one more log entry.
    """
    reason = "no record lists a transition without parameters"
    record = target.first_row(list_path(route), lambda row: bool(simple_transitions(row)), reason)
    transition = simple_transitions(record)[0]
    path = f"{list_path(route)}{record['id']}/"
    log_count = target.fetch_page(f"{path}transition_logs/")["count"]
    body = {parameter: transition[key], "input_parameters": {}}
    yield from expect_no_content(send(target, route, f"{path}command/", body, status=204))
    response, found = target.fetch(path)
    state, destination = found["state"]["id"], transition["destination_state"]
    if state != destination:
        expected = f"must be {destination}, the destination of transition {transition['id']}"
        yield CheckedResponse(route, response).finding(Kind.VALUE, f"is {state}", expected, "/state/id")
    yield from check_log(target, route, f"{path}transition_logs/", log_count, transition)


run_by_id = partial(run_transition, key="id", parameter="transition")
run_by_slug = partial(run_transition, key="slug", parameter="slug")


def check_log(target: Target, route: Route, path: str, before: int, transition: JsonObject) -> Iterator[Finding]:
    """Check that there is one more log entry, with the states of the transition."""
    response, page = target.fetch(path)
    checked = CheckedResponse(route, response)
    if page["count"] != before + 1:
        yield checked.finding(Kind.VALUE, f"is {page['count']}", f"must be {before + 1} after one command", "/count")
        return
    newest = max(target.rows(path), key=lambda row: int(row["id"]))
    states = next(
        (newest[old]["id"], newest[new]["id"]) for old, new in STATE_KEYS if old in newest and new in newest
    )
    expected_states = (transition["source_state"], transition["destination_state"])
    if states != expected_states:
        seen = f"the newest entry leads from {states[0]} to {states[1]}"
        expected = f"must lead from {expected_states[0]} to {expected_states[1]}"
        yield checked.finding(Kind.VALUE, seen, expected, "/results/0")


# Invoices


def create_invoice(target: Target, route: Route) -> Iterator[Finding]:
    package, response = invoice_a_package(target, route)
    schema = str(route.responses[201])
    problems = list(response.check_schema(schema))
    yield from problems
    yield from response.check_key_order(schema)
    if problems:
        return
    number = response.json()["package_number"]
    if number != package["number"]:
        expected = f"must be {package['number']!r}, the package's number"
        yield response.finding(Kind.VALUE, f"is {number!r}", expected, "/package_number")
    if "invoice" in package:
        yield from check_listed_invoice(target, response, package)


def invoice_a_package(target: Target, route: Route) -> tuple[JsonObject, CheckedResponse]:
    """Create the invoice of the first package that has none. Return the package and the response.

    The reference's simple list does not show which packages have an invoice, so packages that answer 400 are skipped.
    """
    reason = "every package of the newest pages has its invoice"
    packages = target.matching_rows(f"{list_path(route)}list-simple/", has_no_invoice, reason)
    for package, _ in zip(packages, range(MAX_INVOICE_ATTEMPTS), strict=False):
        response = target.request("POST", f"{list_path(route)}{package['id']}/invoice/")
        if "invoice" in package or response.status_code != 400:
            return package, CheckedResponse(route, response).expect_status(201)
    raise NotVerified(f"the {MAX_INVOICE_ATTEMPTS} newest packages without an invoice number take no invoice")


def has_no_invoice(row: JsonObject) -> bool:
    return row["invoice" if "invoice" in row else "invoice_number"] is None


def check_listed_invoice(target: Target, response: CheckedResponse, package: JsonObject) -> Iterator[Finding]:
    """Check that the simple list shows the id of the new invoice."""
    invoice_id, path = response.json()["id"], f"{list_path(response.route)}list-simple/"
    row = target.first_row(path, lambda row: bool(row["id"] == package["id"]), "the package is no longer listed")
    if row["invoice"] != invoice_id:
        seen = f"package {package['id']} shows invoice {row['invoice']}"
        yield response.finding(Kind.VALUE, seen, f"must show {invoice_id}, which was created", "/id")
