"""Mutations: changes of one behaviour, which show whether the tests of a client notice it.

`KINDS` is the table of what can be changed: how to find it in an exchange, and how to change it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from emulator.api.filters import FILTER_SETS
from emulator.api.parameters import MAX_PAGE_SIZE, PAGE, SORT, page_url
from emulator.api.routes import Route
from emulator.api.serializers.rendering import to_json
from emulator.api.views.records import (
    GUIDE_PAGE_SIZE,
    REFERENCE_PAGE_SIZE,
    apply_error_style,
    find_requested_transition,
)
from emulator.core.call import Reply
from emulator.core.errors import ApiError, BadRequest
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import State, Transition
from emulator.core.schemas import is_nullable
from emulator.domain.state_graph import STATE_GRAPHS, Subject, transition_name, wrong_state_error
from emulator.web.app import COMMAND_GRAPHS, covered_filters
from emulator.web.context import RequestContext, absolute_url
from emulator.worlds.webhooks.delivery import PLAN_FAULTS, DeliveryPlan

Proceed = Callable[[RequestContext], Reply]
MUTATION_HEADER = "X-Emulator-Mutation"
"""Header of a changed response, with the name of the mutation."""
PAGE_KEYS = frozenset(("results", "next", "previous"))
"""Keys of a page that are not values of records."""
PAGE_STATUSES = (200, 404)
"""Statuses of a page. With another size or another filter, a page beyond the end may exist."""
ID_KEY = re.compile(r"(?:id|pk|\w+_id)")
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(.*)", re.DOTALL)
ZONE_SHIFT = timedelta(hours=3)
"""The offset of the vendor's home time zone."""


class Mutation(NamedTuple):
    """One change: its kind, the operation or event type, and the part of it that changes."""

    kind: str
    operation: str
    detail: str = ""

    @property
    def name(self) -> str:
        """The name in reports and in `--only`: `filter-ignored:list_packages:state`."""
        return ":".join(filter(None, self))

    @classmethod
    def from_name(cls, name: str) -> Mutation:
        return cls(*name.split(":", 2))


class Command(NamedTuple):
    """A command that a request asks for: the record and the transition."""

    subject: Subject
    transition: Transition

    @property
    def is_refused(self) -> bool:
        """Whether the record is not in the source state."""
        return self.subject.state != self.transition.source_state


class Exchange:
    """A request to an operation, and its reply. The emulator replies when the reply is first read."""

    def __init__(self, context: RequestContext, route: Route, proceed: Proceed) -> None:
        self.context, self.route, self._proceed = context, route, proceed

    @cached_property
    def reply(self) -> Reply:
        return self._proceed(self.context)

    @cached_property
    def document(self) -> JsonValue:
        """The JSON of a successful reply, or None."""
        return parse_json(self.reply.body) if 200 <= self.reply.status < 300 else None

    @cached_property
    def command(self) -> Command | None:
        """The command that the request asks for, if its caller may run it."""
        context = self.context
        if (graph := COMMAND_GRAPHS.get(self.route.operation)) is None or context.match is None:
            return None
        with suppress(ApiError, BadRequest):
            subject = context.world.records.get(STATE_GRAPHS[graph][0], context.match.path.get("pk", 0))
            if subject is not None and context.credential is not None and context.credential.may_write:
                return Command(subject, find_requested_transition(context.world.records, context.body))
        return None

    def asks_for(self, transition: str) -> bool:
        """Return whether the request is a command with the transition of this name."""
        command = self.command
        return command is not None and transition_name(self.context.world.records, command.transition) == transition

    def reply_to(self, query: dict[str, list[str]]) -> Reply:
        """Return the reply to the request with other parameters. Links to other pages have those of the request."""
        context = copy(self.context)
        for name in ("query", "list_query"):
            vars(context).pop(name, None)
        context.list_query, context.parse_errors = None, {}
        context.query_string = urlencode(query, doseq=True)
        context.environ = {**context.environ, "QUERY_STRING": context.query_string}
        reply = self._proceed(context)
        with suppress(orjson.JSONDecodeError):
            return reply._replace(body=to_json(self._with_own_links(orjson.loads(reply.body))))
        return reply

    @property
    def url(self) -> str:
        """The URL as the client sent it."""
        context = self.context
        return absolute_url(context.base_url, context.prefix + context.path, context.query_string)

    def _with_own_links(self, page: JsonValue) -> JsonValue:
        for name in ("next", "previous"):
            if isinstance(page, dict) and page.get(name):
                number = parse_qs(urlsplit(page[name]).query).get(PAGE, ["1"])[0]
                page[name] = page_url(self.url, int(number))
        return page


# Values in documents


def parse_json(body: bytes) -> JsonValue:
    """Return the JSON of a body, or None."""
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(body)
    return None


def find_owners(value: JsonValue, path: Sequence[str]) -> Iterator[JsonObject]:
    """Yield the objects that have the key at the end of a path. Lists on the way are not part of the path."""
    if isinstance(value, list):
        for each in value:
            yield from find_owners(each, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            yield value
        else:
            yield from find_owners(value[path[0]], path[1:])


def find_values(document: JsonValue, path: str) -> Iterator[JsonValue]:
    steps = path.split(".")
    return (owner[steps[-1]] for owner in find_owners(document, steps))


Edit = Callable[[JsonObject, str], bool]
"""Changes the value of a key. Returns whether it did."""


def change_value(edit: Edit) -> Change:
    """Return a change of the values at a path of the reply's document."""

    def change(exchange: Exchange, path: str) -> Reply | None:
        steps, document = path.split("."), exchange.document
        if not [owner for owner in list(find_owners(document, steps)) if edit(owner, steps[-1])]:
            return None
        return exchange.reply._replace(body=to_json(document))

    return change


def set_null(owner: JsonObject, key: str) -> bool:
    was_set = owner[key] is not None
    owner[key] = None
    return was_set


def remove_key(owner: JsonObject, key: str) -> bool:
    del owner[key]
    return True


def swap_id(owner: JsonObject, key: str) -> bool:
    """Set the first other id of the object, or of an object in it."""
    other = next((value for value in ids_in(owner) if value != owner[key]), None)
    if not is_id(key, owner[key]) or other is None:
        return False
    owner[key] = other
    return True


def ids_in(document: JsonObject) -> Iterator[int]:
    for key, value in document.items():
        if is_id(key, value):
            yield value
        elif isinstance(value, dict):
            yield from ids_in(value)


def is_id(path: str, value: JsonValue) -> bool:
    return isinstance(value, int) and ID_KEY.fullmatch(path.rpartition(".")[2]) is not None


def is_time(_: str, value: JsonValue) -> bool:
    return isinstance(value, str) and TIME.fullmatch(value) is not None


def shift_time(owner: JsonObject, key: str) -> bool:
    if (match := TIME.fullmatch(str(owner[key]))) is None:
        return False
    owner[key] = (datetime.fromisoformat(match[1]) + ZONE_SHIFT).isoformat() + match[2]
    return True


# Commands


def find_command(exchange: Exchange, statuses: Sequence[int]) -> Iterable[str]:
    """Return the transition of a command, if the reply has one of these statuses."""
    command = exchange.command  # before the reply, which changes the record
    if command is None or exchange.reply.status not in statuses or exchange.context.info.fault is not None:
        return ()
    return (transition_name(exchange.context.world.records, command.transition),)


def refuse_transition(exchange: Exchange, transition: str) -> Reply | None:
    """Refuse an allowed command, as if another actor had made the transition just before."""
    command, context = exchange.command, exchange.context
    if command is None or not exchange.asks_for(transition) or command.is_refused:
        return None
    source, current = (
        context.world.records.get_existing(State, id_)
        for id_ in (command.transition.source_state, command.transition.destination_state)
    )
    error = wrong_state_error(command.transition, source, command.subject, current)
    return reply_without_handler(exchange, 400, to_json(apply_error_style(error, context.world).body))


def accept_transition(exchange: Exchange, transition: str) -> Reply | None:
    """Accept a refused command: from any state, and with any parameters."""
    command, world = exchange.command, exchange.context.world
    if command is None or not exchange.asks_for(transition):
        return None
    is_moved = command.is_refused
    if is_moved:
        with world.transaction() as tx:
            tx.change(command.subject, state=command.transition.source_state)
    if exchange.reply.status == 400:
        return reply_without_handler(exchange, 204)
    return exchange.reply if is_moved else None


def reply_without_handler(exchange: Exchange, status: int, body: bytes = b"") -> Reply:
    """Return a reply to an authorized request, which no handler made."""
    context = exchange.context
    context.info.operation = exchange.route.operation
    context.info.role = None if context.credential is None else context.credential.role
    return Reply(status, body, {} if context.match is None else {"Allow": context.match.resource.allow})


# Lists


def find_filters(exchange: Exchange) -> Iterable[str]:
    """Return the filters that the request applied, and `sort`."""
    name, context = exchange.route.filter_set, exchange.context
    if name is None or exchange.reply.status != 200 or not context.query_string:
        return ()
    return [covered.removeprefix(f"{name}.") for _, covered in covered_filters(context, name)]


def ignore_filter(exchange: Exchange, name: str) -> Reply | None:
    """Reply as if the request had no such filter."""
    table = FILTER_SETS.get(exchange.route.filter_set or "")
    if table is None or exchange.reply.status not in PAGE_STATUSES:
        return None
    ignored = {alias for alias, filter_ in table.names if filter_.name == name} | ({SORT} & {name})
    query = {key: values for key, values in exchange.context.query.items() if key not in ignored}
    return None if query == exchange.context.query else changed_page(exchange, query)


def find_halved(exchange: Exchange) -> Iterable[str]:
    is_page = exchange.route.is_paginated and isinstance(exchange.document, dict)
    return ("",) if is_page and len(exchange.document.get("results", ())) > halved_size(exchange) else ()


def halve_page(exchange: Exchange, _: str) -> Reply | None:
    """Reply with pages of half the size."""
    if not exchange.route.is_paginated or exchange.reply.status not in PAGE_STATUSES:
        return None
    size = str(halved_size(exchange))
    return changed_page(exchange, {**exchange.context.query, exchange.route.size_parameter: [size]})


def halved_size(exchange: Exchange) -> int:
    route, values = exchange.route, exchange.context.query.get(exchange.route.size_parameter, [""])
    is_large = route.auth_scheme == "Bearer" or route.size_parameter != "limit"
    default = REFERENCE_PAGE_SIZE if is_large else GUIDE_PAGE_SIZE
    size = int(values[-1]) if values[-1].isdecimal() else 0
    return max(1, (min(size, MAX_PAGE_SIZE) or default) // 2)


def changed_page(exchange: Exchange, query: dict[str, list[str]]) -> Reply | None:
    """Return the reply to other parameters, or None if it is the same."""
    reply, own = exchange.reply_to(query), exchange.reply
    is_same = (reply.status, reply.body) == (own.status, own.body)
    return None if is_same else reply


def remove_next(exchange: Exchange, _: str = "") -> Reply | None:
    document = exchange.document
    if not (exchange.route.is_paginated and isinstance(document, dict) and document.get("next")):
        return None
    return exchange.reply._replace(body=to_json({**document, "next": None}))


# Rate limits


def remove_retry_after(exchange: Exchange, _: str = "") -> Reply | None:
    reply = exchange.reply
    if reply.status != 429 or "Retry-After" not in reply.headers:
        return None
    return reply._replace(headers={name: value for name, value in reply.headers.items() if name != "Retry-After"})


# The table

Change = Callable[[Exchange, str], Reply | None]
"""Returns the changed reply, or None if nothing changes."""
ChangePlan = Callable[[DeliveryPlan], DeliveryPlan]
FitsKey = Callable[[str, str, JsonValue], bool]
"""Takes the schema of a response, a path in it, and a value that is not null."""


@dataclass(frozen=True)
class MutationKind:
    """The functions of a kind of mutation."""

    find: Callable[[Exchange], Iterable[str]] = lambda _: ()
    """Returns the details that an exchange can show."""
    change: Change = lambda _exchange, _detail: None
    change_plan: ChangePlan | None = None
    """For deliveries."""
    fits_key: FitsKey | None = None
    """For keys: whether it can change the value at a path. The detail is the path."""
    needs: str = ""
    """The key of a page that the client must read to notice it."""


class MutationTexts(NamedTuple):
    """The texts of a kind of mutation. In them, `{operation}` and `{detail}` stand for those of the mutation."""

    how: str
    why: str
    """Why it happens in real life."""
    effect: str
    """What a user suffers if the client does not expect it."""


KINDS: dict[str, MutationKind] = {
    "refusal-accepted": MutationKind(partial(find_command, statuses=(400,)), accept_transition),
    "transition-refused": MutationKind(partial(find_command, statuses=(200, 204)), refuse_transition),
    "key-missing": MutationKind(
        change=change_value(remove_key), fits_key=lambda schema, path, _: not is_nullable(schema, path)
    ),
    "key-null": MutationKind(
        change=change_value(set_null), fits_key=lambda schema, path, _: is_nullable(schema, path)
    ),
    "id-swapped": MutationKind(change=change_value(swap_id), fits_key=lambda _, path, value: is_id(path, value)),
    "time-shifted": MutationKind(
        change=change_value(shift_time), fits_key=lambda _, path, value: is_time(path, value)
    ),
    "page-halved": MutationKind(find_halved, halve_page, needs="results"),
    "next-missing": MutationKind(lambda exchange: [""] if remove_next(exchange) else (), remove_next, needs="next"),
    "filter-ignored": MutationKind(find_filters, ignore_filter),
    "retry-after-missing": MutationKind(
        lambda exchange: [""] if remove_retry_after(exchange) else (), remove_retry_after
    ),
    "event-lost": MutationKind(change_plan=PLAN_FAULTS["drop"]),
    "event-twice": MutationKind(change_plan=PLAN_FAULTS["duplicate"]),
    "signature-wrong": MutationKind(change_plan=PLAN_FAULTS["corrupt_signature"]),
}
TEXTS = {name: MutationTexts(**texts) for name, texts in load_fixture("mutations").items()}
"""Name of a kind -> what it changes, and why a suite should notice it."""
