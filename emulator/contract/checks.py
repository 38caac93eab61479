"""The table of checks: every row of the route table combined with the topics that apply to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from emulator.api.routes import GUIDE_ROUTES, PUBLIC_ROUTES, REFERENCE_ROUTES, Route
from emulator.contract import reads, rejections, writes
from emulator.contract.findings import Check, CheckFunction

PROTOCOL = "protocol"

RESOURCES = {
    "login": "login",
    "shipping_label": "links",
    "product_image": "links",
    "delivery_range": "delivery_ranges",
    "_event": "events",
    "_log": "logs",
    "transfer": "transfers",
    "package": "packages",
    "invoice_document": "packages",
    "denial_reason": "packages",
}
"""Part of an operation's name -> the resource that its checks belong to. The first match counts."""

Condition = Callable[[Route], bool]


class Topic(NamedTuple):
    """A function that checks one promise, and the routes that it applies to."""

    name: str
    promise: str
    function: CheckFunction
    applies: Condition
    resource: str | None = None
    writes: bool = False


def needs_token(route: Route) -> bool:
    return route.auth_scheme is not None


def is_read(route: Route) -> bool:
    return needs_token(route) and route.method == "GET"


def has_key_order(route: Route) -> bool:
    return is_read(route) and (route.is_paginated or len(reads.document_keys(route)) > 1)


def is_list(route: Route) -> bool:
    return is_read(route) and route.is_paginated


def is_long_list(route: Route) -> bool:
    """Return whether it lists all records of a kind, which fill more than a page. Denial reasons are few."""
    return is_list(route) and "<" not in route.path and route.size_parameter == "limit"


def is_detail(route: Route) -> bool:
    return is_read(route) and not route.is_paginated


def is_detail_with_id(route: Route) -> bool:
    return is_detail(route) and "id" in reads.document_keys(route)


def is_nested_list(route: Route) -> bool:
    return is_list(route) and "<" in route.path


def is_nested_detail(route: Route) -> bool:
    return is_detail(route) and route.path.count("<") == 2


def is_read_by_id(route: Route) -> bool:
    return is_read(route) and "<" in route.path


def shows_commands(route: Route) -> bool:
    return is_read(route) and "commands" in reads.document_keys(route)


def is_oldest_first(route: Route) -> bool:
    return is_list(route) and any(kind in route.operation for kind in ("_event", "_items"))


def is_lowest_first(route: Route) -> bool:
    return is_list(route) and "delivery_range" in route.operation


def is_newest_first(route: Route) -> bool:
    kinds = ("list_packages", "list_transfers", "list_denial_reasons", "_logs")
    return is_list(route) and any(kind in route.operation for kind in kinds)


def is_write(route: Route) -> bool:
    return needs_token(route) and route.method != "GET"


def has_body(route: Route) -> bool:
    return route.request_schema is not None


def is_write_with_body(route: Route) -> bool:
    return has_body(route) and is_write(route)


def is_command(route: Route) -> bool:
    return is_write(route) and route.request_schema == "command"


def is_setter(route: Route) -> bool:
    return is_write_with_body(route) and "_set_" in f"_{route.operation}"


def is_operation(operation: str) -> Condition:
    """Return a condition for one operation, on either surface."""
    return lambda route: route.operation.removeprefix("reference_") == operation


newest, oldest, lowest = (
    partial(reads.row_order, key=reads.by_id, descending=True),
    partial(reads.row_order, key=reads.by_id, descending=False),
    partial(reads.row_order, key=reads.by_lower_bound, descending=False),
)
write = partial(Topic, writes=True)

# fmt: off
TOPICS = (
    Topic("shape", "The response is 200 with the documented keys and types.", reads.schema, is_read),
    Topic("key-order", "Keys are in the documented order.", reads.key_order, has_key_order),
    Topic("headers", "The headers name JSON and the allowed methods.", reads.headers, is_read),
    Topic("same-as-in-list", "The record is the one that the list shows.", reads.same_as_in_list, is_detail_with_id),
    Topic("commands", "The commands start from the current state.", reads.current_commands, shows_commands),
    Topic("belongs", "The rows belong to the record.", reads.rows_of_record, is_nested_list),
    Topic("items", "The items are those of the package.", reads.items_of_package, is_operation("list_package_items")),
    Topic("foreign-id", "The id of another record is a 404.", reads.id_of_other_record, is_nested_detail),
    Topic("first-page", "The first page has no previous page, and a next page if rows remain.",
          reads.first_page, is_list),
    Topic("next-page", "`next` leads to other rows, and `previous` leads back.", reads.next_page, is_list),
    Topic("last-page", "The last page has the remaining rows and no next page.", reads.last_page, is_list),
    Topic("limit", "A page has as many rows as requested.", reads.limit, is_list),
    Topic("default-size", "A page has 10 rows by default, 20 on the reference surface.",
          reads.default_size, is_long_list),
    Topic("beyond-the-end", "An invalid page number is 404 `Invalid page.`", reads.beyond_the_end, is_list),
    Topic("row-order", "The newest id comes first.", newest, is_newest_first),
    Topic("row-order", "The oldest id comes first.", oldest, is_oldest_first),
    Topic("row-order", "The lowest bound comes first.", lowest, is_lowest_first),
    Topic("no-credentials", "A request without credentials is 401 and names the scheme.",
          rejections.no_credentials, needs_token, PROTOCOL),
    Topic("wrong-token", "A wrong token is 401 `Invalid token.`", rejections.wrong_token, needs_token, PROTOCOL),
    Topic("wrong-method", "Another method is 405 and names the allowed methods.",
          rejections.wrong_method, needs_token, PROTOCOL),
    Topic("not-acceptable", "A request that does not accept JSON is 406.",
          rejections.not_acceptable, needs_token, PROTOCOL),
    Topic("missing-slash", "A URL without its last slash is redirected with 301.",
          rejections.missing_slash, needs_token, PROTOCOL),
    Topic("unknown-id", "An unknown id is 404 `Not found.`", rejections.unknown_id, is_read_by_id, PROTOCOL),
    Topic("word-for-id", "A word instead of an id is 404 in HTML.", rejections.word_for_id, is_read_by_id, PROTOCOL),
    write("unsupported-media-type", "An unsupported media type is 415.",
          rejections.unsupported_media_type, is_write_with_body, PROTOCOL),
    write("malformed-json", "Malformed JSON is 400 and names the position.",
          rejections.malformed_json, has_body, PROTOCOL),
    write("missing-fields", "Missing fields are 400, and each is named.", rejections.missing_fields, has_body),
    write("unknown-record", "An unknown record is 404 before the body is read.", rejections.unknown_record, is_write),
    write("wrong-login", "A wrong login is 400 under `non_field_errors`.",
          rejections.wrong_login, is_operation("login")),
    write("unknown-transition", "An unknown transition is 400 under `transition`.",
          rejections.unknown_transition, is_command),
    write("unknown-slug", "An unknown slug is 400 under `slug`.", rejections.unknown_slug, is_command),
    write("neither", "A command without id and slug is 400 under `transition`.",
          rejections.neither_id_nor_slug, is_command),
    write("disagreeing", "An id and a slug that differ are 400 under `slug`.",
          rejections.conflicting_id_and_slug, is_command),
    write("wrong-state", "A transition from another state is 400 under `transition`.",
          rejections.wrong_state, is_command),
    write("stores", "The response is 204, and the next GET shows the value.", writes.store, is_setter),
    write("merges", "The response is 204, and the next GET shows the new key and the old keys.",
          writes.merge, is_operation("patch_package_extra_information")),
    write("moves-by-id", "The response is 204, the state changes, and one log entry is added.",
          writes.run_by_id, is_command),
    write("moves-by-slug", "The response is 204, the state changes, and one log entry is added.",
          writes.run_by_slug, is_command),
    write("invoices", "The response is 201 with an invoice that the package shows.",
          writes.create_invoice, is_operation("invoice_package")),
    Topic("opens", "A shipping label opens without credentials.",
          reads.label_link, is_operation("preview_shipping_label")),
    Topic("opens", "A product image opens without credentials.", reads.image_link, is_operation("product_image")),
)
# fmt: on


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


COVERED = (*GUIDE_ROUTES, *REFERENCE_ROUTES, *PUBLIC_ROUTES)
"""The routes that have checks."""

OPERATIONS = {route.operation: route for route in reversed(COVERED)}
"""Operation -> its route. Of two routes of one operation (login), the first counts."""

CHECKS: tuple[Check, ...] = tuple(check for route in reversed(OPERATIONS.values()) for check in checks_of(route))
