"""Provenance of a response: the behaviours that it rests on, and how certain each of them is.

Nothing here runs while requests are answered, unless provenance is turned on. Otherwise it is computed from a
recorded exchange when the journal is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from emulator.api.control.operations import FREE_KEYS
from emulator.api.filters import FILTER_SETS, ListQuery
from emulator.api.filters.filter_set import Condition
from emulator.api.parameters import SORT, parse_list_query
from emulator.api.routes import ROUTES_BY_OPERATION, Route
from emulator.api.views.records import find_requested_transition
from emulator.core.call import Reply
from emulator.core.errors import ApiError, BadRequest
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import State, Transition
from emulator.domain.commands import COMMANDS
from emulator.domain.installation import Installation, Origin, complete_installation
from emulator.domain.state_graph import GRAPH_SUBJECTS, PACKAGE_STATUS, STATE_GRAPHS, transition_name
from emulator.state.journal import PROVENANCES, Basis, Exchange, weakest_provenance
from emulator.state.store import Reader
from emulator.state.world import World
from emulator.web.hints import PRINTABLE_ASCII
from emulator.web.negotiation import select_language
from emulator.web.parsing import parse_body, parse_query, select_parser

PROVENANCE_HEADER = "X-Emulator-Provenance"
UNNAMED_STATE = Origin("assumed", "recorded answers show its id alone")
RECORDED = Origin("observed")
STATE_COLUMNS = ("state", "old_state", "new_state")
STATE_KEYS = frozenset((*STATE_COLUMNS, "source_state", "target_state"))
"""Keys of documents for states."""
KEYS_WITHOUT_STATES = frozenset(("commands", *FREE_KEYS))
"""Keys whose values are not searched for states: the commands that a state offers, and JSON of clients."""
CONTAINERS = frozenset((dict, list))
SIZE_PARAMETERS = ("limit", "page_size")
OPERATION_VIEWS: Mapping[tuple[str, int], str] = {
    ("invoice_package", 400): "invoice_package_view",
    ("reference_invoice_package", 400): "invoice_package_view",
    ("reference_patch_package_extra_information", 204): "patch_extra_information",
    ("reference_get_invoice_document", 200): "get_invoice_document",
}
"""Operation and status -> the view whose own rule decides the response."""
STATUS_RULES = {404: "404 for a URL that no operation has", 301: "redirect to the trailing slash"}
"""Status of a response without an operation -> the rule."""


def notes() -> JsonObject:
    """Return the fidelity list: the provenance of each behaviour that no installation defines."""
    table: JsonObject = load_fixture("fidelity")
    return table


def provenance(record: State | Transition, base: Installation) -> dict[str, str]:
    """Return the provenance of a state or transition, and the reason if there is one."""
    if base.records.get(type(record), {}).get(record.id) == record:
        origin = base.origins[type(record), record.id]
    elif isinstance(record, State) and record.name == f"State {record.id}":
        origin = UNNAMED_STATE
    else:
        origin = RECORDED
    return {key: value for key, value in origin._asdict().items() if value is not None}


class Answered(NamedTuple):
    """An exchange with an operation, and what its bases depend on."""

    exchange: Exchange
    world: World
    route: Route
    query: Mapping[str, Sequence[str]]
    body: JsonValue
    """The parsed request body, or None."""
    reply: JsonValue
    """The JSON of the response, or None."""
    installation: Installation

    @property
    def status(self) -> int:
        return self.exchange.status


def bases_of(world: World, exchange: Exchange) -> tuple[Basis, ...]:
    """Return the behaviours that a response rests on. They are kept with the exchange.

    A response that a fault changed is not that of the emulated service, and rests on none.
    """
    info = exchange.info
    if info.bases is None:
        info.bases = () if info.is_altered else tuple(dict.fromkeys(find_bases(world, exchange)))
    return info.bases


def add_provenance(world: World, exchange: Exchange, reply: Reply) -> Reply:
    """Record what a response rests on, and return the response with the header."""
    bases = bases_of(world, exchange)
    if world.provenance is not None:
        world.provenance.add(bases, exchange.test)
    return reply._replace(headers={**reply.headers, **provenance_header(bases)})


def provenance_header(bases: Sequence[Basis]) -> dict[str, str]:
    """Return the header: the weakest provenance, and the behaviours that have it unless a source confirms them."""
    weakest = weakest_provenance(bases)
    if weakest is None:
        return {}
    is_weak = PROVENANCES.index(weakest) >= PROVENANCES.index("framework")
    names = [f"{each.part} {each.name}" for each in bases if is_weak and each.provenance == weakest]
    return {PROVENANCE_HEADER: quote("; ".join([weakest, *names]), safe=PRINTABLE_ASCII)}


def find_bases(world: World, exchange: Exchange) -> Iterator[Basis]:
    operation = exchange.info.operation
    if operation is None:
        yield from bases_without_operation(exchange)
        return
    answered = read_exchange(world, exchange, ROUTES_BY_OPERATION[operation])
    for find in (operation_bases, request_bases, list_bases, filter_bases, command_bases, shown_state_bases):
        yield from find(answered)


def bases_without_operation(exchange: Exchange) -> Iterator[Basis]:
    """Yield the rules behind a response that no operation gave, such as a redirect or a 405."""
    if exchange.method == "OPTIONS" and exchange.status == 200:
        yield protocol_basis("methods", "OPTIONS")
        yield protocol_basis("resource names", "other operations")
    elif (rule := STATUS_RULES.get(exchange.status)) is not None:
        yield protocol_basis("requests", rule)
    elif (note := notes()["statuses"]["*"].get(str(exchange.status))) is not None:
        yield note_basis("status", f"* {exchange.status}", note)


def read_exchange(world: World, exchange: Exchange, route: Route) -> Answered:
    content_type = exchange.request_headers.get("CONTENT_TYPE", "")
    query: Mapping[str, Sequence[str]] = {}
    body = reply = None
    with suppress(ApiError, BadRequest):
        query = parse_query(exchange.query, content_type)
        body = parse_body(content_type, exchange.info.body)
    with suppress(ValueError):
        reply = orjson.loads(exchange.response_body)
    return Answered(
        exchange, world, route, query, body, reply, complete_installation(world.settings.source.installation)
    )


def note_basis(part: str, name: str, note: Mapping[str, Any]) -> Basis:
    return Basis(part, name, note["provenance"], note.get("reason"))


def protocol_basis(kind: str, name: str) -> Basis:
    """Return the basis of a row of the protocol, such as a default order."""
    return note_basis("protocol", f"{kind}: {name}", notes()["protocol"][kind][name])


def operation_bases(answered: Answered) -> Iterator[Basis]:
    """Yield the operation, its status and the shape of the body."""
    operation, status, table = answered.route.operation, str(answered.status), notes()
    yield note_basis("operation", operation, table["operations"][operation])
    for name in (operation, "*"):
        if (note := table["statuses"].get(name, {}).get(status)) is not None:
            yield note_basis("status", f"{name} {status}", note)
            break
    shape = answered.route.responses.get(answered.status)
    if shape is not None and shape in table["shapes"]:
        yield note_basis("shape", shape, table["shapes"][shape])


def request_bases(answered: Answered) -> Iterator[Basis]:
    """Yield the rules of the protocol that the request uses."""
    exchange, route, protocol = answered.exchange, answered.route, notes()["protocol"]
    if exchange.info.body and (parser := select_parser(exchange.request_headers.get("CONTENT_TYPE", ""))):
        yield protocol_basis("body formats", parser)
    yield from (protocol_basis("parameters", name) for name in answered.query if name in protocol["parameters"])
    wanted = exchange.request_headers.get("HTTP_ACCEPT_LANGUAGE")
    if select_language(wanted, answered.world.settings.language) != answered.world.settings.language:
        yield protocol_basis("parameters", "language")
    fields = answered.body if isinstance(answered.body, dict) else {}
    names = [f"{route.request_schema}.{field}" for field in fields]
    yield from (protocol_basis("body fields", name) for name in names if name in protocol["body fields"])
    if answered.status == 400:
        yield protocol_basis("error styles", answered.world.settings.source.error_style)
    yield protocol_basis("methods", exchange.method)
    if any(len(values) > 1 for values in answered.query.values()):
        yield protocol_basis("requests", "a parameter that is sent twice")
    if (view := OPERATION_VIEWS.get((route.operation, answered.status))) is not None:
        yield protocol_basis("views", view)


def list_bases(answered: Answered) -> Iterator[Basis]:
    """Yield the order and the size of a page, if other ones would change it."""
    route, reply = answered.route, answered.reply
    if not (route.is_paginated and answered.status == 200 and isinstance(reply, dict)):
        return
    list_name = route.filter_set or str(route.responses[200])
    rows, sorts = reply.get("results") or (), sort_names(answered)
    if len(rows) > 1 and not sorts:
        yield protocol_basis("default orders", list_name)
    yield from (protocol_basis("sort columns", f"{list_name}.{name}") for name in sorts)
    if reply.get("next") is not None or reply.get("previous") is not None:
        sizes = [answered.query[name][-1] for name in SIZE_PARAMETERS if name in answered.query]
        if not sizes:
            yield protocol_basis("page sizes", route.page)
        elif sizes[-1].isdigit() and len(rows) < int(sizes[-1]) and reply.get("next") is not None:
            yield protocol_basis("page sizes", "maximum")


def sort_names(answered: Answered) -> list[str]:
    """Return the names in `sort` that the list knows."""
    table = FILTER_SETS.get(answered.route.filter_set or "")
    terms = answered.query[SORT][-1].split(",") if SORT in answered.query else []
    names = [term.strip().removeprefix("-") for term in terms]
    return [name for name in names if table is not None and name in table.sortable]


def filter_bases(answered: Answered) -> Iterator[Basis]:
    """Yield the applied filters, and the states that they name."""
    name, view = answered.route.filter_set, answered.world.records
    if name is None or answered.status != 200:
        return
    query = ListQuery(FILTER_SETS[name])
    with suppress(ApiError):
        query = parse_list_query(FILTER_SETS[name], answered.query, view)
    for condition in query.conditions:
        each = condition.filter
        yield Basis("filter", f"{name}.{each.name}", each.provenance, each.reason or None)
        if each.lookup_provenance is not None:
            yield Basis("lookup", f"{name}.{each.name}", each.lookup_provenance, each.reason or None)
        yield from (state_basis(answered, state) for state in named_states(view, condition))


def named_states(view: Reader, condition: Condition) -> Iterator[State]:
    """Yield the states that the value of a filter names: an id, or values of another column."""
    for path in condition.filter.paths:
        if path.column in STATE_COLUMNS:
            values = condition.value if isinstance(condition.value, list | tuple | frozenset) else [condition.value]
            column = path.tail or "id"
            yield from (state for state in view.all(State) if getattr(state, column) in values)


def command_bases(answered: Answered) -> Iterator[Basis]:
    """Yield the transition of a command, its states, the command and its parameters."""
    graph, view, body = answered.route.state_graph, answered.world.records, answered.body
    if graph is None or not isinstance(body, dict):
        return
    kind, enum_class = STATE_GRAPHS[graph]
    with suppress(ApiError):
        transition = find_requested_transition(view, body)
        source = view.get_existing(State, transition.source_state)
        if source.enum_class == enum_class:
            yield from transition_bases(answered, transition, source)
            code = transition.command_code if transition.command_code in COMMANDS[kind] else None
            commands = notes()["commands"][GRAPH_SUBJECTS[graph]]
            yield from () if code is None else parameter_bases(answered, commands, code)


def transition_bases(answered: Answered, transition: Transition, source: State) -> Iterator[Basis]:
    view = answered.world.records
    yield note_basis("transition", transition_name(view, transition), provenance(transition, answered.installation))
    yield state_basis(answered, source)
    if answered.status < 300:
        yield state_basis(answered, view.get_existing(State, transition.destination_state))


def parameter_bases(answered: Answered, commands: JsonObject, code: str) -> Iterator[Basis]:
    yield note_basis("command", code, commands[code])
    sent = answered.body.get("input_parameters")
    for name, note in commands[code]["parameters"].items():
        if isinstance(sent, dict) and name in sent:
            yield note_basis("command parameter", f"{code}.{name}", note)


def shown_state_bases(answered: Answered) -> Iterator[Basis]:
    """Yield the states that a response shows: those of its records or rows, and of the documents inside them."""
    if answered.status >= 300:
        return
    ids = {state_id(answered.world.records, each): None for each in shown_states(answered.reply)}
    for id_ in ids:
        if id_ is not None and (state := answered.world.records.get(State, id_)) is not None:
            yield state_basis(answered, state)


def shown_states(document: JsonValue) -> list[JsonValue]:
    """Return the values of all keys for states in a document, outer ones first."""
    states, containers = [], [document]
    for container in containers:  # grows during the iteration
        if type(container) is list:
            containers += container
        elif type(container) is dict:
            for key, value in container.items():
                if key in STATE_KEYS:
                    states.append(value)
                elif type(value) in CONTAINERS and key not in KEYS_WITHOUT_STATES:
                    containers.append(value)
    return states


def state_id(view: Reader, shown: JsonValue) -> int | None:
    """Return the id of a state that a document shows as an id, as a document, or as a document without an id."""
    if not isinstance(shown, dict):
        return shown if isinstance(shown, int) else None
    value = shown.get("enum_value")
    packages = (each.id for each in view.all(State) if (each.enum_class, each.enum_value) == (PACKAGE_STATUS, value))
    return shown["id"] if isinstance(shown.get("id"), int) else next(packages, None)


def state_basis(answered: Answered, state: State) -> Basis:
    return note_basis("state", f'{state.id} "{state.name}"', provenance(state, answered.installation))
