"""What an exchange meets of the emulated behaviour; an answer that a fault disturbed meets none of it."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from emulator.core.coverage import Met
from emulator.core.errors import ApiError, AuthenticationFailed, BadRequest
from emulator.core.exchange import Reply
from emulator.core.fields import validate
from emulator.core.records import State
from emulator.core.world import World
from emulator.params.bodies import COMMAND
from emulator.params.filters import applied
from emulator.routes import ROUTES
from emulator.routes.table import Scheme
from emulator.rules.filters import FILTER_SETS
from emulator.rules.graph import KINDS, name_of, named
from emulator.rules.scenarios import DOCUMENTED
from emulator.web.access import EXPIRED, READERS
from emulator.web.bodies import parse_body
from emulator.web.dispatch import PARSED, Arrival, parsed_query

ROWS = {route.operation: route for route in ROUTES}
NAMING = {key: COMMAND[key] for key in ("transition", "slug")}
"""The fields of a command that name its transition; others may be wrong."""
MOVED = {200: "transitions", 204: "transitions", 400: "refusals"}
"""What a command's answer says of its transition."""
UNRESOLVED = "*"
"""Stands for the operation where none was reached."""
LONGEST_QUERY = 500
"""Longer ones are read each time: what is remembered stays small."""


def cover(arrival: Arrival, reply: Reply) -> None:
    """Count what an exchange met."""
    seen, coverage = arrival.seen, arrival.world.coverage
    if seen.fault is not None:
        return
    know_graph(arrival.world)
    if seen.operation is None:
        if reply.status >= 300:
            coverage.add((("statuses", f"{UNRESOLVED} {reply.status}"),))
        return
    route = ROWS[seen.operation]
    caller = seen.token
    if caller is None and route.scheme is not None:
        caller = unknown_caller(arrival, route.scheme)
    coverage.add(always_met(route.operation, route.scheme, caller, reply.status))
    if route.filters is not None and reply.status == 200 and arrival.query:
        coverage.add(filters_met(arrival, route.filters))
    if route.body is not None and (graph := route.moves) is not None and reply.status in MOVED:
        coverage.add(transition_met(arrival, graph, MOVED[reply.status]))


@lru_cache(maxsize=4096)
def always_met(operation: str, scheme: Scheme | None, caller: str | None, status: int) -> tuple[Met, ...]:
    """Give what every answer of an operation meets."""
    met = (("operations", operation), ("statuses", f"{operation} {status}"))
    return met if scheme is None else (*met, ("credentials", f"{scheme} {caller}"))


def know_graph(world: World) -> None:
    """Keep whose states and transitions callers can meet: an installation's, or those that recorded answers tell of.
    The pages' samples are of many installations, which nobody's suite is to meet.
    """
    settings, bases = world.settings, world.coverage.bases
    if not settings.source.answers:
        if bases.get(settings.installation) is None:
            bases[settings.installation] = world.base
    elif settings.scenario.startswith(DOCUMENTED):
        bases.setdefault(settings.installation, None)
    else:
        bases.setdefault(settings.scenario, world.base)


def unknown_caller(arrival: Arrival, scheme: Scheme) -> str:
    """Give what a call met that was let in for no role: who is inactive, what is expired or invalid, or nothing."""
    parts = str(arrival.environ.get("HTTP_AUTHORIZATION", "")).split()
    if not parts or parts[0].lower() != scheme.lower():
        return "none"
    try:
        return READERS[scheme](" ".join(parts[1:]), arrival.world).role
    except AuthenticationFailed as error:
        return "expired" if EXPIRED in str(error.body) else "invalid"


def filters_met(arrival: Arrival, filters: str) -> tuple[Met, ...]:
    """Give the filters that a query applied, by their own names whatever aliases it used, and the order."""
    content_type = str(arrival.environ.get("CONTENT_TYPE", ""))
    read = filters_in if len(arrival.query) <= LONGEST_QUERY else filters_in.__wrapped__
    return read(filters, arrival.query, content_type)


@lru_cache(maxsize=1024)
def filters_in(filters: str, query: str, content_type: str) -> tuple[Met, ...]:
    names = applied(FILTER_SETS[filters], parsed_query(query, content_type))
    return tuple(("filters", f"{filters}.{name}") for name in names)


def transition_met(arrival: Arrival, graph: str, dimension: str) -> list[Met]:
    """Give the transition that a command took, or that was refused to it, if the body names one of its graph."""
    view, said = arrival.world.root, arrival.environ.get(PARSED)
    with suppress(ApiError, BadRequest):
        if said is None:
            said = parse_body(str(arrival.environ.get("CONTENT_TYPE", "")), arrival.seen.body)
        asked = validate(NAMING, said)
        transition = named(view, asked.get("transition"), asked.get("slug"))
        if view.one(State, transition.source_state).enum_class == KINDS[graph][1]:
            return [(dimension, name_of(view, transition))]
    return []
