"""Which sabotages each topic of the contract must notice, and as what."""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.contract import Check, Kind
from tests.contract.saboteur import (
    Sabotage,
    deaf,
    environment,
    good,
    header,
    later,
    let_in,
    query,
    record,
    refusal,
    second_page,
    status,
    without,
)


class Case(NamedTuple):
    """A sabotage, as what it must be found, and where it strikes if not at the check's own address."""

    name: str
    sabotage: Sabotage
    kind: Kind
    at: str | None = None
    """Path below the record's own; the check's own address without it."""
    only: str = ""
    """Part of the operations' names that it strikes; it cannot be seen with others."""
    without: str = ""
    """Part of the operations' names with which it cannot be seen."""


def without_first(row: dict[str, Any]) -> dict[str, Any]:
    victim = next(key for key in row if key != "id")
    return {key: value for key, value in row.items() if key != victim}


def with_odd_first(row: dict[str, Any]) -> dict[str, Any]:
    victim = next(key for key in row if key != "id")
    return row | {victim: 1.5}


def reversed_keys(row: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(row.items()))


def other_id(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"id": row["id"] + 1}


def other_detail(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"detail": "No."}


def other_source(body: dict[str, Any]) -> dict[str, Any]:
    rows = body.get("results", [body])
    for row in rows:
        for command in row["commands"]:
            command["source_state"] += 1
    return body


def emptied(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"results": []}


def renamed_error(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"error": {"odd": ["No."]}}


def renamed_field(body: dict[str, Any]) -> dict[str, Any]:
    return renamed_error(body) if "error" in body else {"odd": ["No."]}


def plain_error(body: dict[str, Any]) -> dict[str, Any]:
    return body["error"]


def one_more(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"count": body["count"] + 1}


def none_logged(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"count": body["count"] - 1}


def wrongly_logged(body: dict[str, Any]) -> dict[str, Any]:
    newest, *rest = body["results"]
    source, target = ("old_state", "new_state") if "old_state" in newest else ("source_state", "target_state")
    return body | {"results": [newest | {target: newest[source]}, *rest]}


REFUSED = (
    Case("under another key", refusal(renamed_error), Kind.VALUE),
    Case("without the documented form", refusal(plain_error), Kind.MISSING),
    Case("with another status", status(409), Kind.STATUS),
    Case("not at all", deaf, Kind.STATUS),
    Case("but something changes", later(lambda body: body | {"number": "odd"}), Kind.VALUE, at=""),
)
MOVED = (
    Case("not at all", deaf, Kind.VALUE),
    Case("with another status", status(200), Kind.STATUS),
    Case("not to be seen", good(lambda body: body | {"state": body["state"] | {"id": 0}}), Kind.VALUE, at=""),
    Case("not logged", later(none_logged), Kind.VALUE, at="transition_logs/"),
    Case("logged twice", later(one_more), Kind.VALUE, at="transition_logs/"),
    Case("logged wrongly", later(wrongly_logged), Kind.VALUE, at="transition_logs/"),
)
NO_CREDENTIALS = (
    Case("without the scheme", header("WWW-Authenticate", None), Kind.HEADER),
    Case("lets everybody in", let_in, Kind.STATUS),
    Case("in other words", refusal(other_detail), Kind.VALUE),
)
LINK = (
    Case("gone", status(404), Kind.STATUS),
    Case("of another type", header("Content-Type", "application/json"), Kind.HEADER),
)

CASES: dict[str, tuple[Case, ...]] = {
    "shape": (
        Case("a key dropped", record(without_first), Kind.MISSING, without="hook_types"),
        Case("a key added", record(lambda row: row | {"odd": 1}), Kind.UNDOCUMENTED, without="hook_types"),
        Case("a type changed", record(with_odd_first), Kind.TYPE, without="hook_types"),
        Case("a number for a name", good(lambda names: [*names, 1]), Kind.TYPE, only="hook_types"),
        Case("another status", status(202, instead_of=200), Kind.STATUS),
    ),
    "form": (
        Case("a key dropped", good(without_first), Kind.MISSING),
        Case("keys turned around", good(reversed_keys), Kind.ORDER),
        Case("not found", status(404), Kind.STATUS),
    ),
    "key-order": (Case("keys turned around", record(reversed_keys), Kind.ORDER),),
    "headers": (
        Case("said to be text", header("Content-Type", "text/plain"), Kind.HEADER),
        Case("nothing allowed", header("Allow", None), Kind.HEADER),
    ),
    "same-as-in-list": (Case("another record", record(other_id), Kind.VALUE),),
    "commands": (Case("from another state", good(other_source), Kind.VALUE),),
    "belongs": (
        Case("of another record", record(lambda row: row | {"object_id": 0}), Kind.VALUE),
        Case("rows lost", good(emptied), Kind.VALUE, only="_short"),
    ),
    "items": (
        Case("another one", record(other_id), Kind.VALUE),
        Case("rows lost", good(emptied), Kind.VALUE),
    ),
    "foreign-id": (Case("found under any record", status(200, instead_of=404), Kind.STATUS),),
    "first-page": (
        Case("with a previous one", good(lambda body: body | {"previous": "http://x/"}), Kind.PAGING),
        Case("without the next one", good(lambda body: body | {"next": None, "count": 9}), Kind.PAGING),
        Case("no page", good(lambda body: body["results"]), Kind.TYPE),
        Case("no count", good(lambda body: {key: body[key] for key in body if key != "count"}), Kind.MISSING),
        Case("count is text", good(lambda body: body | {"count": "many"}), Kind.TYPE),
    ),
    "next-page": (
        Case("the first one again", without("page"), Kind.PAGING),
        Case("no link", good(lambda body: body | {"next": None}), Kind.PAGING),
        Case("a link elsewhere", good(lambda body: body | {"next": "http://elsewhere.test/?limit=1"}), Kind.PAGING),
        Case("a link without the limit", good(lambda body: body | {"next": "http://oms.test/"}), Kind.PAGING),
        Case("another count", second_page(one_more), Kind.PAGING),
    ),
    "last-page": (
        Case("a row too many", good(lambda body: body | {"results": body["results"] * 2}), Kind.PAGING),
        Case("with a next one", good(lambda body: body | {"next": "http://x/"}), Kind.PAGING),
        Case(
            "with a wrong previous one", good(lambda body: body | {"previous": "http://x/", "count": 1}), Kind.PAGING
        ),
        Case("without rows", good(emptied), Kind.PAGING),
    ),
    "limit": (
        Case("ignored", without("limit", "page_size"), Kind.PAGING),
        Case("one row too few", good(lambda body: body | {"results": body["results"][1:]}), Kind.PAGING),
    ),
    "default-size": (Case("another size", query(lambda sent: {"limit": "9"} | sent), Kind.PAGING),),
    "beyond-the-end": (
        Case("the first page", without("page"), Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "row-order": (Case("turned around", good(lambda body: body | {"results": body["results"][::-1]}), Kind.ORDER),),
    "no-credentials": NO_CREDENTIALS,
    "wrong-token": NO_CREDENTIALS,
    "wrong-method": (
        Case("not found", status(404), Kind.STATUS),
        Case("allows nothing", header("Allow", None), Kind.HEADER),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "not-acceptable": (
        Case("JSON all the same", environment(HTTP_ACCEPT="*/*"), Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "missing-slash": (
        Case("not found", status(404), Kind.STATUS),
        Case("nowhere", header("Location", None), Kind.HEADER),
    ),
    "unknown-id": (
        Case("found", status(200, instead_of=404), Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "word-for-id": (
        Case("a bad request", status(400), Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "unsupported-media-type": (
        Case("a bad request", status(400), Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "malformed-json": (
        Case("a server error", status(500), Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "missing-fields": (
        Case("under another key", refusal(renamed_field), Kind.VALUE),
        Case("accepted", deaf, Kind.STATUS),
    ),
    "unknown-record": (
        Case("accepted", deaf, Kind.STATUS),
        Case("in other words", refusal(other_detail), Kind.VALUE),
    ),
    "wrong-login": (
        Case("let in", status(200), Kind.STATUS),
        Case("under another key", refusal(renamed_field), Kind.VALUE),
    ),
    "unknown-transition": REFUSED,
    "unknown-slug": REFUSED,
    "neither": REFUSED,
    "disagreeing": REFUSED,
    "wrong-state": REFUSED,
    "stores": (
        Case("not at all", deaf, Kind.VALUE),
        Case("with another status", status(200), Kind.STATUS),
    ),
    "merges": (
        Case("not at all", deaf, Kind.VALUE),
        Case("with another status", status(200), Kind.STATUS),
        Case(
            "the old keys are lost",
            later(lambda body: body | {"extra_information": {"contract": "kept"}}),
            Kind.VALUE,
            at="",
        ),
    ),
    "moves-by-id": MOVED,
    "moves-by-slug": MOVED,
    "creates": (
        Case("with another status", status(200), Kind.STATUS),
        Case("without a key", good(without_first), Kind.MISSING),
        Case("keys turned around", good(reversed_keys), Kind.ORDER),
        Case("active", good(lambda body: body | {"is_active": True}), Kind.VALUE),
        Case("not to be seen", good(lambda body: body | {"is_active": True}), Kind.VALUE, at=""),
    ),
    "changes": (
        Case("not at all", deaf, Kind.STATUS, without="delete"),
        Case("with another status", status(202), Kind.STATUS),
        Case("not to be seen", good(lambda body: body | {"is_active": True}), Kind.VALUE, at=""),
    ),
    "invoices": (
        Case("with another status", status(200), Kind.STATUS),
        Case("without a key", good(without_first), Kind.MISSING),
        Case("keys turned around", good(reversed_keys), Kind.ORDER),
        Case("of another package", good(lambda body: body | {"package_number": "odd"}), Kind.VALUE),
        Case("another one is shown", good(other_id), Kind.VALUE, without="reference_"),
    ),
    "opens": LINK,
}
"""Topic -> the sabotages that every check of the topic must notice."""


def cases_of(check: Check) -> list[Case]:
    return [case for case in CASES.get(check.topic, ()) if strikes(case, check.operation)]


def strikes(case: Case, operation: str) -> bool:
    return case.only in operation and not (case.without and case.without in operation)
