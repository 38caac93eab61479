"""The table of checks: every row of the route table crossed with the topics that apply to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from emulator.contract import bodies, links, paging, protocol, reading, refusals, writing
from emulator.contract.findings import Asked, Check
from emulator.contract.reading import has_key
from emulator.routes import GUIDE_ROUTES, PUBLIC_ROUTES, REFERENCE_ROUTES, Route

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
"""Part of an operation's name -> the resource whose checks it belongs to; the first one counts."""

Applies = Callable[[Route], bool]


class Topic(NamedTuple):
    """One thing to look at, and for which operations."""

    name: str
    promise: str
    look: Asked
    applies: Applies
    resource: str | None = None
    writes: bool = False


def needs_token(route: Route) -> bool:
    return route.scheme is not None


def reads(route: Route) -> bool:
    return needs_token(route) and route.method == "GET"


def has_order(route: Route) -> bool:
    return reads(route) and (route.is_paginated or reading.keys(route) > 1)


def lists(route: Route) -> bool:
    return reads(route) and route.is_paginated


def lists_all(route: Route) -> bool:
    """Lists of everything, of which there is more than a page; denial reasons are a handful."""
    return lists(route) and "<" not in route.path and route.size_parameter == "limit"


def details(route: Route) -> bool:
    return reads(route) and not route.is_paginated


def details_with_id(route: Route) -> bool:
    return details(route) and has_key(route, "id")


def lists_belongings(route: Route) -> bool:
    return lists(route) and "<" in route.path


def details_belongings(route: Route) -> bool:
    return details(route) and route.path.count("<") == 2


def reads_by_id(route: Route) -> bool:
    return reads(route) and "<" in route.path


def shows_commands(route: Route) -> bool:
    return reads(route) and has_key(route, "commands")


def oldest_first(route: Route) -> bool:
    return lists(route) and any(kind in route.operation for kind in ("_event", "_items"))


def by_lower_bound(route: Route) -> bool:
    return lists(route) and "delivery_range" in route.operation


def newest_first(route: Route) -> bool:
    kinds = ("list_packages", "list_transfers", "list_denial_reasons", "_logs")
    return lists(route) and any(kind in route.operation for kind in kinds)


def writes(route: Route) -> bool:
    return needs_token(route) and route.method != "GET"


def takes_body(route: Route) -> bool:
    return route.body is not None


def takes_body_of_record(route: Route) -> bool:
    return takes_body(route) and writes(route)


def commands(route: Route) -> bool:
    return writes(route) and route.body == "command"


def stores(route: Route) -> bool:
    return takes_body_of_record(route) and "_set_" in f"_{route.operation}"


def named(operation: str) -> Applies:
    """Give a test for the operation, on whichever surfaces it is."""
    return lambda route: route.operation.removeprefix("reference_") == operation


newest, oldest, lowest = (
    partial(paging.row_order, key=paging.by_id, descending=True),
    partial(paging.row_order, key=paging.by_id, descending=False),
    partial(paging.row_order, key=paging.by_lower_bound, descending=False),
)
change = partial(Topic, writes=True)

# fmt: off
TOPICS = (
    Topic("shape", "answers 200 with the documented keys and types", reading.shape, reads),
    Topic("key-order", "keys stand in the documented order", reading.key_order, has_order),
    Topic("headers", "says that it is JSON and what is allowed here", reading.headers, reads),
    Topic("same-as-in-list", "the record is the one that the list shows", reading.same_as_in_list, details_with_id),
    Topic("commands", "`commands` start from the present state", reading.present_commands, shows_commands),
    Topic("belongs", "the rows belong to the record", reading.belongs, lists_belongings),
    Topic("items", "the items are those of the package", reading.items_of_package, named("list_package_items")),
    Topic("foreign-id", "another record's id is not found here", reading.foreign_id, details_belongings),
    Topic("first-page", "has no previous page, and a next one if rows are left", paging.first_page, lists),
    Topic("next-page", "`next` gives other rows, `previous` leads back", paging.next_page, lists),
    Topic("last-page", "has the rest of the rows and no next page", paging.last_page, lists),
    Topic("limit", "gives as many rows as asked for", paging.limit, lists),
    Topic("default-size", "gives 10 rows unasked, 20 on the reference surface", paging.default_size, lists_all),
    Topic("beyond-the-end", "a page that is none is 404 `Invalid page.`", paging.beyond_the_end, lists),
    Topic("row-order", "the newest id comes first", newest, newest_first),
    Topic("row-order", "the oldest id comes first", oldest, oldest_first),
    Topic("row-order", "the lowest bound comes first", lowest, by_lower_bound),
    Topic("no-credentials", "401 that names the scheme", protocol.no_credentials, needs_token, PROTOCOL),
    Topic("wrong-token", "401 `Invalid token.`", protocol.wrong_token, needs_token, PROTOCOL),
    Topic("wrong-method", "405 that says what is allowed", protocol.wrong_method, needs_token, PROTOCOL),
    Topic("not-acceptable", "406 where no JSON is wanted", protocol.not_acceptable, needs_token, PROTOCOL),
    Topic("missing-slash", "301 to the address with the slash", protocol.missing_slash, needs_token, PROTOCOL),
    Topic("unknown-id", "404 `Not found.`", protocol.unknown_id, reads_by_id, PROTOCOL),
    Topic("word-for-id", "404 that is no JSON", protocol.word_for_id, reads_by_id, PROTOCOL),
    change("unsupported-media-type", "415", bodies.unsupported_media_type, takes_body_of_record, PROTOCOL),
    change("malformed-json", "400 that says where", bodies.malformed_json, takes_body, PROTOCOL),
    change("missing-fields", "400 that names each missing field", bodies.missing_fields, takes_body),
    change("unknown-record", "404 before the body is read", bodies.unknown_record, writes),
    change("wrong-login", "400 under `non_field_errors`", bodies.wrong_login, named("login")),
    change("unknown-transition", "400 under `transition`", refusals.unknown_transition, commands),
    change("unknown-slug", "400 under `slug`", refusals.unknown_slug, commands),
    change("neither", "400 under `transition` without id and slug", refusals.neither, commands),
    change("disagreeing", "400 under `slug` where id and slug disagree", refusals.disagreeing, commands),
    change("wrong-state", "400 under `transition` from another state", refusals.wrong_state, commands),
    change("stores", "204, and the next GET shows it", writing.stored, stores),
    change("merges", "204, and the next GET shows the new key and the old ones", writing.merged,
           named("patch_package_extra_information")),
    change("moves-by-id", "204, the state changes, one log entry says so", writing.moved_by_id, commands),
    change("moves-by-slug", "204, the state changes, one log entry says so", writing.moved_by_slug, commands),
    change("invoices", "201 with an invoice that the package shows", writing.invoiced, named("invoice_package")),
    Topic("opens", "a label opens without credentials", links.label_opens, named("preview_shipping_label")),
    Topic("opens", "a picture opens without credentials", links.image_opens, named("product_image")),
)
# fmt: on


def resource_of(operation: str) -> str:
    """Name the resource of an operation; an operation that none fits is an error that names what is known."""
    for part, resource in RESOURCES.items():
        if part in operation:
            return resource
    raise ValueError(f"no resource for the operation {operation!r}: its name has none of {', '.join(RESOURCES)}")


def checks_of(route: Route) -> Iterator[Check]:
    for topic in TOPICS:
        if topic.applies(route):
            name = f"{route.operation}.{topic.name}"
            resource = topic.resource or resource_of(route.operation)
            resource = f"reference_{resource}" if route.scheme == "Bearer" else resource
            yield Check(name, topic.name, topic.promise, resource, route, topic.look, topic.writes)


COVERED = (*GUIDE_ROUTES, *REFERENCE_ROUTES, *PUBLIC_ROUTES)
"""The rows that the contract speaks of."""

OPERATIONS = {route.operation: route for route in reversed(COVERED)}
"""Operation -> its row; of two addresses of one operation (login) the first one."""

CHECKS: tuple[Check, ...] = tuple(check for route in reversed(OPERATIONS.values()) for check in checks_of(route))
