"""Servers that differ from the contract on purpose, and exactly which findings that must give."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

from emulator.api.routes import Route
from emulator.contract.checks import OPERATIONS
from emulator.web.server import HttpServer
from tests.contract.saboteur import (
    Answer,
    Ask,
    Environ,
    Sabotage,
    Saboteur,
    environment,
    good,
    header,
    let_in,
    query,
    record,
    refusal,
    status,
    without,
)

Row = dict[str, Any]
Found = tuple[str, str]
"""Kind and JSON pointer of a finding; rows of lists are `*`."""


class Difference(NamedTuple):
    """What one operation of the server does otherwise, and what is to be found."""

    operation: str
    name: str
    sabotage: Sabotage
    found: frozenset[Found]


class Differing(Saboteur):
    """Passes everything on; what goes to an operation with a difference meets that."""

    def __init__(self, app: Any, differences: Iterable[Difference]) -> None:
        self.app = app
        self.differences = {one.operation: one.sabotage for one in differences}
        self.addresses = [
            (operation, re.compile(pattern_of(route.path)))
            for operation, route in sorted(OPERATIONS.items(), key=self.rank)
        ]

    def rank(self, row: tuple[str, Route]) -> tuple[int, bool]:
        """Rank fixed paths first, and of operations with one path the one with a difference."""
        return row[1].path.count("<"), row[0] not in self.differences

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        operation = next((name for name, address in self.addresses if address.fullmatch(path)), "")
        sabotage = self.differences.get(operation)
        answer = sabotage(environ, self.ask) if sabotage else self.ask(environ)
        if answer.status != 204:
            answer.headers["Content-Length"] = str(len(answer.body))
        start_response(f"{answer.status} Differing", list(answer.headers.items()))
        return [answer.body]


def pattern_of(path: str) -> str:
    """Return a pattern for a path of the route table, with or without its last slash."""
    return re.sub(r"<\\.\\.\\.\w+>", ".+", re.sub(r"<\w+>", r"\\w+", re.escape(path))) + "?"


def differs(operation: str, name: str, sabotage: Sabotage, *found: Found) -> Difference:
    return Difference(operation, name, sabotage, frozenset(found))


@contextmanager
def serving(app: object) -> Iterator[str]:
    server = HttpServer(app, "127.0.0.1", 0)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


# --- what may differ ---------------------------------------------------------------------------------------------


def lacking(key: str) -> Sabotage:
    return record(lambda row: {name: value for name, value in row.items() if name != key})


def having(**values: object) -> Sabotage:
    return record(lambda row: {**row, **values})


def turned(row: Row) -> Row:
    return dict(reversed(row.items()))


def turned_inside(key: str) -> Sabotage:
    return record(lambda row: row | {key: turned(row[key])})


def added_inside(key: str) -> Sabotage:
    return record(lambda row: row | {key: row[key] | {"odd": 1}})


def turned_rows(body: Row) -> Row:
    return body | {"results": body["results"][::-1]}


def turned_items(body: Row) -> Row:
    return body | {"packageitem_set": body["packageitem_set"][::-1]}


def renamed(old: str, new: str) -> Sabotage:
    return good(lambda body: {new if key == old else key: value for key, value in body.items()})


def envelope(**values: object) -> Sabotage:
    """Change a page, and not a record that is created at the same path."""
    return good(lambda body: body | values if "results" in body else body)


def said_otherwise(body: Row) -> Row:
    return body | {"detail": "No."}


def malformed_otherwise(body: Row) -> Row:
    return said_otherwise(body) if "JSON" in body.get("detail", "") else body


def forgetful(*fields: str) -> Sabotage:
    """Answer 204 without a change if the body has all fields."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        answer = None if environ["REQUEST_METHOD"] == "GET" else sent(body)
        if answer is None or "/2000000000/" in environ["PATH_INFO"] or not set(fields) <= answer.keys():
            return ask(environ)
        return Answer(204)

    return sabotage


def sent(body: bytes) -> Row | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def page_of_html(environ: Environ, ask: Ask) -> Answer:
    """Return an HTML page instead of a document."""
    answer = ask(environ)
    return Answer(200, {"Content-Type": "text/html"}, b"<p>Hello") if answer.status == 200 else answer


def only(condition: Callable[[Environ], bool], sabotage: Sabotage) -> Sabotage:
    return lambda environ, ask: sabotage(environ, ask) if condition(environ) else ask(environ)


def without_slash(environ: Environ) -> bool:
    return not environ["PATH_INFO"].endswith("/")


def with_word(environ: Environ) -> bool:
    return "word" in environ["PATH_INFO"]


def unasked(size: str) -> Sabotage:
    """Return pages of another size if the request has no limit."""
    return only(lambda environ: not without_slash(environ), query(lambda asked: {"limit": size} | asked))


MISSING, ADDED, TYPE, STATUS, ORDER = "missing", "undocumented", "type", "status", "order"
HEADER, PAGING, VALUE = "header", "paging", "value"
UNWRAPPED = refusal(lambda body: body.get("error", body))
SERVER_ERROR = status(500, instead_of=200)

# Differences of one group are all there at once, in one server. No one of a group hides another of it.
GROUPS: Mapping[str, tuple[Difference, ...]] = {
    "each operation otherwise": (
        differs("list_packages_short", "a key missing", lacking("number"), (MISSING, "/results/*/number")),
        differs("list_packages_simple", "a key added", having(odd=1), (ADDED, "/results/*/odd")),
        differs("get_package", "a number for a text", having(number=1), (TYPE, "/number")),
        differs("get_package_short", "null", having(order_number=None), (TYPE, "/order_number")),
        differs("list_package_logs", "rows turned around", good(turned_rows), (ORDER, "/results")),
        differs("list_package_logs_short", "keys turned around", record(turned), (ORDER, "/results/*")),
        differs("get_package_log", "a server error", SERVER_ERROR, (STATUS, "")),
        differs("get_package_log_short", "another error body", refusal(lambda _: {"error": "No."}),
                (MISSING, "/detail"), (ADDED, "/error")),
        differs("list_package_events", "keys of a nested object turned around", turned_inside("webhook"),
                (ORDER, "/results/*/webhook")),
        differs("list_package_events_short", "count as text", good(lambda body: body | {"count": str(body["count"])}),
                (TYPE, "/count")),
        differs("get_package_event", "another record", record(lambda row: row | {"id": row["id"] + 1}),
                (VALUE, "/id")),
        differs("list_delivery_ranges", "rows turned around", good(turned_rows), (ORDER, "/results")),
        differs("list_denial_reasons", "no next page", envelope(next=None), (PAGING, "/next")),
        differs("command_package", "an error without its wrapper", UNWRAPPED, (MISSING, "/error"),
                (MISSING, "/status_code"), (ADDED, "/transition"), (ADDED, "/slug"), (ADDED, "/input_parameters")),
        differs("invoice_package", "200 for 201", status(200, instead_of=201), (STATUS, "")),
        differs("set_package_invoice_number", "200 for 204", status(200, instead_of=204), (STATUS, "")),
        differs("set_package_remote_id", "not stored", forgetful("remote_id"), (VALUE, "/remote_id")),
        differs("list_transfers", "limit ignored", without("limit"), (PAGING, "/results"), (PAGING, "/next")),
        differs("list_transfers_simple", "other page size", unasked("9"),
                (PAGING, "/results")),
        differs("get_transfer", "another Allow", header("Allow", "POST, OPTIONS"), (HEADER, "")),
        differs("list_transfer_logs", "401 without a scheme", header("WWW-Authenticate", None), (HEADER, "")),
        differs("list_transfer_logs_short", "no redirect to the slash", only(without_slash, status(404)),
                (STATUS, "")),
        differs("get_transfer_log", "JSON whatever is accepted", environment(HTTP_ACCEPT="*/*"), (STATUS, "")),
        differs("list_transfer_events", "rows turned around", good(turned_rows), (ORDER, "/results")),
        differs("list_transfer_events_short", "a key added inside", added_inside("webhook"),
                (ADDED, "/results/*/webhook/odd")),
        differs("get_transfer_event", "a key missing", lacking("object_id"), (MISSING, "/object_id")),
        differs("command_transfer", "422 for 400", status(422, instead_of=400), (STATUS, "")),
        differs("set_transfer_invoice_number", "400 for 415", status(400, instead_of=415), (STATUS, "")),
        differs("set_transfer_remote_id", "other words", refusal(malformed_otherwise), (VALUE, "/detail")),
        differs("login", "403 for 400", status(403, instead_of=400), (STATUS, "")),
        differs("preview_shipping_label", "as text", header("Content-Type", "text/plain"), (HEADER, "")),
        differs("product_image", "gone", status(404), (STATUS, "")),
        differs("reference_list_packages", "keys turned around", record(turned), (ORDER, "/results/*")),
        differs("reference_get_package", "a key missing", lacking("origin_address"), (MISSING, "/origin_address")),
        differs("reference_list_packages_short", "a text for a number", having(packageitem_count="1"),
                (TYPE, "/results/*/packageitem_count")),
        differs("reference_get_package_short", "a key added inside", added_inside("state"), (ADDED, "/state/odd")),
        differs("reference_list_delivery_ranges", "other page size", unasked("10"), (PAGING, "/results")),
        differs("reference_invoice_package", "a key missing", lacking("number"), (MISSING, "/number")),
        differs("reference_command_package", "200 for 204", status(200, instead_of=204), (STATUS, "")),
        differs("reference_set_package_invoice_number", "another key is blamed",
                refusal(lambda body: {"odd": body["invoice_number"]} if "invoice_number" in body else body),
                (VALUE, "/invoice_number")),
        differs("reference_set_package_remote_id", "400 for 404", status(400, instead_of=404), (STATUS, "")),
        differs("reference_patch_package_extra_information", "not stored", forgetful("extra_information"),
                (VALUE, "/extra_information")),
        differs("reference_list_package_items", "null", having(product_sku=None), (TYPE, "/results/*/product_sku")),
        differs("reference_get_invoice_document", "a key renamed", renamed("html_content", "content"),
                (MISSING, "/html_content"), (ADDED, "/content")),
        differs("reference_list_package_logs", "rows turned around", good(turned_rows), (ORDER, "/results")),
        differs("reference_get_package_log", "null", having(created_date=None), (TYPE, "/created_date")),
        differs("reference_list_package_logs_short", "a page before the first", envelope(previous="http://x/"),
                (PAGING, "/previous")),
        differs("reference_get_package_log_short", "HTML", page_of_html, (TYPE, ""), (HEADER, "")),
        differs("reference_list_package_events", "200 for 404", status(200, instead_of=404), (STATUS, "")),
        differs("reference_get_package_event", "HTML", page_of_html, (TYPE, ""), (HEADER, "")),
        differs("reference_list_package_events_short", "no count", renamed("count", "total"),
                (MISSING, "/count"), (ADDED, "/total")),
        differs("reference_list_packages_simple", "any page is the first", without("page"),
                (STATUS, ""), (PAGING, "/results"), (PAGING, "/next"), (PAGING, "/previous")),
    ),
    "what others are looked up in": (
        differs("list_packages", "a key missing", lacking("number"), (MISSING, "/results/*/number")),
        differs("list_package_events", "another envelope", renamed("results", "items"),
                (MISSING, "/results"), (ADDED, "/items")),
        differs("get_package", "a nested list turned around", good(turned_items), (ORDER, "/packageitem_set")),
        differs("list_package_logs", "of another record", having(object_id=0), (VALUE, "/results/*/object_id")),
        differs("get_package_log", "any token is good", only(lambda environ: "unknown-token" in
                environ.get("HTTP_AUTHORIZATION", ""), let_in), (STATUS, "")),
        differs("command_package", "nothing moves", forgetful("input_parameters"), (STATUS, ""),
                (VALUE, "/state/id"), (VALUE, "/count")),
        differs("invoice_package", "of another package", having(package_number="odd"), (VALUE, "/package_number")),
        differs("list_transfers", "HTML", page_of_html, (TYPE, ""), (HEADER, "")),
        differs("get_package_short", "404 in other words", refusal(said_otherwise), (VALUE, "/detail")),
        differs("reference_list_packages", "a server error", SERVER_ERROR, (STATUS, "")),
        differs("reference_list_packages_simple", "a key missing", lacking("order"), (MISSING, "/results/*/order")),
        differs("reference_list_delivery_ranges", "a bound is null", having(lower=None), (TYPE, "/results/*/lower")),
    ),
}  # fmt: skip
