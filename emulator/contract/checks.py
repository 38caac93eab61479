"""The table of checks, and their run: every row of the route table combined with the topics that apply to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from emulator.api.routes import ROUTES, AuthScheme, Route
from emulator.contract import reads, rejections, writes
from emulator.contract.findings import Check, CheckFunction, Drift, Finding, Kind, Report, Result, unique
from emulator.contract.target import SURFACES, NoResponse, NotVerified, Target
from emulator.core.schemas import load_schema

WRITES_NOT_ALLOWED = "the check writes, and writes are not allowed"
OPERATION_SILENT = "the operation did not answer earlier requests"
TARGET_LOST = "the target does not answer any more"
MAX_SILENT_CHECKS = 2
"""Number of checks of one operation that may wait for a response without success."""

PROTOCOL = "protocol"

RESOURCES = {
    "login": "login",
    "shipping_label": "links",
    "product_image": "links",
    "delivery_range": "delivery_ranges",
    "_event": "events",
    "hook": "hooks",
    "_log": "logs",
    "transfer": "transfers",
    "package": "packages",
    "invoice_document": "packages",
    "denial_reason": "packages",
    "stock_location": "stock_locations",
}
"""Part of an operation's name -> the resource that its checks belong to. The first match counts."""

USUALLY_EMPTY = ("list_event_queues", "get_event_queue")
"""Operations whose records exist only for moments, so that no check can rely on one."""

FACTS: Mapping[str, Callable[[Route], bool]] = {
    "token": lambda route: route.auth_scheme is not None,
    "read": lambda route: route.method == "GET",
    "write": lambda route: route.method != "GET",
    "rows": lambda route: route.operation not in USUALLY_EMPTY,
    "list": lambda route: route.is_paginated,
    "detail": lambda route: not route.is_paginated,
    "id": lambda route: "<" in route.path,
    "no id": lambda route: "<" not in route.path,
    "two ids": lambda route: route.path.count("<") == 2,
    "many rows": lambda route: not any(kind in route.operation for kind in ("denial_reason", "list_hooks")),
    "several keys": lambda route: route.is_paginated or len(reads.document_keys(route)) > 1,
    "shows id": lambda route: "id" in reads.document_keys(route),
    "shows commands": lambda route: "commands" in reads.document_keys(route),
    "body": lambda route: route.request_schema is not None,
    "required fields": lambda route: bool(rejections.required_fields(load_schema(str(route.request_schema)))),
    "command": lambda route: route.state_graph is not None,
    "setter": lambda route: "_set_" in f"_{route.operation}",
    "new record": lambda route: route.operation in writes.NEW_RECORDS,
    "hook change": lambda route: route.operation in writes.HOOK_CHANGES,
}
"""What can be true of a route. A list without many rows may have all records of its kind on one page."""
TOKEN = ("token",)
READ = (*TOKEN, "read")
ROWS = (*READ, "rows")
LIST, DETAIL = (*ROWS, "list"), (*ROWS, "detail")
WRITE = (*TOKEN, "write")
COMMAND = (*WRITE, "command")


class Topic(NamedTuple):
    """A function that checks one promise, and the routes that it applies to."""

    name: str
    promise: str
    function: CheckFunction
    facts: tuple[str, ...] = ()
    """Names of `FACTS` that must be true of the route."""
    operations: tuple[str, ...] = ("*",)
    """Patterns of operations, without the prefix of the reference surface."""
    resource: str | None = None
    writes: bool = False

    def applies(self, route: Route) -> bool:
        operation = route.operation.removeprefix("reference_")
        is_named = any(fnmatchcase(operation, pattern) for pattern in self.operations)
        return is_named and all(FACTS[name](route) for name in self.facts)


newest, oldest, lowest, by_priority = (
    partial(reads.row_order, key=itemgetter("id"), descending=True),
    partial(reads.row_order, key=itemgetter("id"), descending=False),
    partial(reads.row_order, key=itemgetter("lower"), descending=False),
    partial(reads.row_order, key=reads.by_priority, descending=False),
)
write = partial(Topic, writes=True)

# fmt: off
TOPICS = (
    Topic("shape", "The response is 200 with the documented keys and types.", reads.schema, ROWS),
    Topic("form", "The response is a page of the documented form, even if it is empty.",
          reads.page_form, operations=("list_event_queues",)),
    Topic("key-order", "Keys are in the documented order.", reads.key_order, (*ROWS, "several keys")),
    Topic("headers", "The headers name JSON and the allowed methods.", reads.headers, ROWS),
    Topic("same-as-in-list", "The record is the one that the list shows.",
          reads.same_as_in_list, (*DETAIL, "shows id")),
    Topic("commands", "The commands start from the current state.",
          reads.current_commands, (*READ, "shows commands")),
    Topic("belongs", "The rows belong to the record.", reads.rows_of_record, (*LIST, "id")),
    Topic("items", "The items are those of the package.", reads.items_of_package, operations=("list_package_items",)),
    Topic("foreign-id", "The id of another record is a 404.", reads.id_of_other_record, (*DETAIL, "two ids")),
    Topic("first-page", "The first page has no previous page, and a next page if rows remain.",
          reads.first_page, LIST),
    Topic("next-page", "`next` leads to other rows, and `previous` leads back.", reads.next_page, LIST),
    Topic("last-page", "The last page has the remaining rows and no next page.", reads.last_page, LIST),
    Topic("limit", "A page has as many rows as requested.", reads.limit, LIST),
    Topic("default-size", "A page has as many rows by default as the page documents: 10 or 20.",
          reads.default_size, (*LIST, "no id", "many rows")),
    Topic("beyond-the-end", "An invalid page number is 404 `Invalid page.`", reads.beyond_the_end, LIST),
    Topic("row-order", "The newest id comes first.", newest, LIST,
          ("list_packages*", "list_transfers*", "list_denial_reasons*", "list_all_*", "*_logs*",
           "list_stock_locations*")),
    Topic("row-order", "The oldest id comes first.",
          oldest, LIST, ("*_event*", "list_package_items*", "list_hooks*")),
    Topic("row-order", "The lowest bound comes first.", lowest, LIST, ("*delivery_range*",)),
    Topic("row-order", "The lowest priority comes first.", by_priority, LIST, ("list_package_denial_reasons*",)),
    Topic("no-credentials", "A request without credentials is 401 and names the scheme.",
          rejections.no_credentials, TOKEN, resource=PROTOCOL),
    Topic("wrong-token", "A wrong token is 401 `Invalid token.`", rejections.wrong_token, TOKEN, resource=PROTOCOL),
    Topic("wrong-method", "Another method is 405 and names the allowed methods.",
          rejections.wrong_method, TOKEN, resource=PROTOCOL),
    Topic("not-acceptable", "A request that does not accept JSON is 406.",
          rejections.not_acceptable, TOKEN, resource=PROTOCOL),
    Topic("missing-slash", "A URL without its last slash is redirected with 301.",
          rejections.missing_slash, TOKEN, resource=PROTOCOL),
    Topic("unknown-id", "An unknown id is 404 `Not found.`", rejections.unknown_id, (*READ, "id"), resource=PROTOCOL),
    Topic("word-for-id", "A word for an id is 404 `Not found.`",
          rejections.word_for_id, (*READ, "id"), resource=PROTOCOL),
    write("unsupported-media-type", "An unsupported media type is 415.",
          rejections.unsupported_media_type, (*WRITE, "body"), resource=PROTOCOL),
    write("malformed-json", "Malformed JSON is 400 and names the position.",
          rejections.malformed_json, ("body",), resource=PROTOCOL),
    write("missing-fields", "Missing fields are 400, and each is named.",
          rejections.missing_fields, ("body", "required fields")),
    write("unknown-record", "An unknown record is 404 before the body is read.",
          rejections.unknown_record, (*WRITE, "id")),
    write("wrong-login", "A wrong login is 400 under `non_field_errors`.",
          rejections.wrong_login, operations=("login",)),
    write("unknown-transition", "An unknown transition is 400 under `transition`.",
          rejections.unknown_transition, COMMAND),
    write("unknown-slug", "An unknown slug is 400 under `slug`.", rejections.unknown_slug, COMMAND),
    write("neither", "A command without id and slug is 400 under `transition`.",
          rejections.neither_id_nor_slug, COMMAND),
    write("disagreeing", "An id and a slug that differ are 400 under `slug`.",
          rejections.conflicting_id_and_slug, COMMAND),
    write("wrong-state", "A transition from another state is 400 under `transition`.",
          rejections.wrong_state, COMMAND),
    write("stores", "The response is 204, and the next GET shows the value.",
          writes.store, (*WRITE, "body", "setter")),
    write("merges", "The response is 204, and the next GET shows the new key and the old keys.",
          writes.merge, operations=("patch_package_extra_information",)),
    write("moves-by-id", "The response is 204, the state changes, and one log entry is added.",
          writes.run_by_id, COMMAND),
    write("moves-by-slug", "The response is 204, the state changes, and one log entry is added.",
          writes.run_by_slug, COMMAND),
    write("creates", "The response is 201 with the values, and GET shows the same record.",
          writes.create_record, ("new record",)),
    write("changes", "The response is 200 with the new values, or 204, and the next GET shows them.",
          writes.change_hook, ("hook change",)),
    write("invoices", "The response is 201 with an invoice that the package shows.",
          writes.create_invoice, operations=("invoice_package",)),
    Topic("opens", "A shipping label opens without credentials.",
          reads.label_link, operations=("preview_shipping_label",)),
    Topic("opens", "A product image opens without credentials.", reads.image_link, operations=("product_image",)),
)


def resource_of(operation: str) -> str:
    """Return the resource of an operation. Raise `ValueError` if none matches its name."""
    for part, resource in RESOURCES.items():
        if part in operation:
            return resource
    raise ValueError(f"the operation {operation!r} has no resource: its name has none of {', '.join(RESOURCES)}")


def checks_of(route: Route) -> Iterator[Check]:
    for topic in TOPICS:
        if topic.applies(route):
            name = f"{route.operation}.{topic.name}"
            resource = topic.resource or resource_of(route.operation)
            resource = f"reference_{resource}" if route.auth_scheme == "Bearer" else resource
            yield Check(name, topic.name, topic.promise, resource, route, topic.function, topic.writes)


OPERATIONS = {route.operation: route for route in reversed(ROUTES)}
"""Operation -> its route. Of two routes of one operation (login), the first counts."""

CHECKS: tuple[Check, ...] = tuple(check for route in reversed(OPERATIONS.values()) for check in checks_of(route))


# The run


def run(
    target: Target, checks: Iterable[Check] = CHECKS, on_result: Callable[[Result], None] = lambda _: None
) -> Report:
    """Run the checks and call `on_result` after each. Raise `Unreachable` if the target does not respond at all."""
    skips = SkipReasons(target.probe())
    all_checks = list(checks)
    results: dict[int, Result] = {}
    # Writes come first, because they leave logs and events that reads need.
    for index, check in sorted(enumerate(all_checks), key=lambda pair: not pair[1].writes):
        before, reason = target.unanswered, skips.reason(check)
        results[index] = run_check(check, target) if reason is None else Result(check, not_verified=reason)
        if target.unanswered > before:
            skips.silent_checks[check.operation] += 1
            skips.is_lost = not target.is_reachable()
        on_result(results[index])
    return Report(target.base_url, tuple(results[index] for index in range(len(all_checks))))


class SkipReasons:
    """The reasons to skip checks: no such surface, a silent operation, or a target that is gone."""

    def __init__(self, surfaces: Mapping[AuthScheme, str]) -> None:
        self.surfaces = surfaces
        self.silent_checks: Counter[str] = Counter()
        self.is_lost = False

    def reason(self, check: Check) -> str | None:
        if self.is_lost:
            return TARGET_LOST
        if self.silent_checks[check.operation] >= MAX_SILENT_CHECKS:
            return OPERATION_SILENT
        if check.route.auth_scheme is None:
            return next(iter(self.surfaces.values())) if len(self.surfaces) == len(SURFACES) else None
        return self.surfaces.get(check.route.auth_scheme)


def run_check(check: Check, target: Target) -> Result:
    """Run one check. Findings before an early end count."""
    if check.writes and not target.allow_writes:
        return Result(check, not_verified=WRITES_NOT_ALLOWED)
    findings: list[Finding] = []
    reason = None
    try:
        findings.extend(findings_of(check, target))
    except NotVerified as error:
        reason = str(error)
    return Result(check, tuple(unique(findings)), reason)


def findings_of(check: Check, target: Target) -> Iterator[Finding]:
    """Yield the findings of the check. A missing response is a finding too."""
    try:
        yield from check.function(target, check.route)
    except Drift as drift:
        yield drift.finding
    except NoResponse as error:
        yield Finding(Kind.STATUS, check.operation, "", f"no response: {error}", "must respond", check.route.doc)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # The check of the operation's schema reports the cause. This check has nothing to compare.
        raise NotVerified(f"a response lacks what is compared ({type(error).__name__}: {error})") from None
