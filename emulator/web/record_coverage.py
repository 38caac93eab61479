"""Coverage of the emulated behaviour: count what each exchange covers. A response with a fault covers nothing."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from emulator.api.parameters import SORT
from emulator.api.request_fields import COMMAND_FIELDS
from emulator.api.routes import ROUTES, AuthScheme
from emulator.core.call import Reply
from emulator.core.errors import ApiError, AuthenticationFailed, BadRequest
from emulator.core.fields import validate
from emulator.core.records import State
from emulator.domain.scenario_files import DOCUMENTED
from emulator.domain.state_graph import STATE_GRAPHS, find_transition, transition_name
from emulator.state.counters import CoverageKey
from emulator.state.world import World
from emulator.web.authentication import EXPIRED, INACTIVE
from emulator.web.context import RequestContext

ROUTE_OF = {route.operation: route for route in ROUTES}
TRANSITION_FIELDS = {key: COMMAND_FIELDS[key] for key in ("transition", "slug")}
"""The fields of a command that name its transition. The other fields may be invalid."""
TRANSITION_DIMENSIONS = {200: "transitions", 204: "transitions", 400: "refusals"}
"""Status of a command -> the dimension in which its transition counts."""
ANY_OPERATION = "*"
REJECTED_CALLERS = {EXPIRED: "expired", INACTIVE: "inactive"}
"""Authentication error -> the credential that counts; any other error counts as `invalid`."""


def record_coverage(context: RequestContext, reply: Reply) -> None:
    """Count what an exchange covers."""
    info, coverage = context.info, context.world.coverage
    if info.fault is not None:
        return
    register_graph(context.world)
    if info.operation is None:
        if reply.status >= 300:
            coverage.add((("statuses", f"{ANY_OPERATION} {reply.status}"),))
        return
    route = ROUTE_OF[info.operation]
    caller = info.role
    if caller is None and route.auth_scheme is not None:
        caller = rejected_caller(context)
    coverage.add(covered_by_any(route.operation, route.auth_scheme, caller, reply.status))
    if route.filter_set is not None and reply.status == 200 and context.query_string:
        coverage.add(covered_filters(context, route.filter_set))
    if (
        route.request_schema is not None
        and (graph := route.state_graph) is not None
        and reply.status in TRANSITION_DIMENSIONS
    ):
        coverage.add(covered_transition(context, graph, TRANSITION_DIMENSIONS[reply.status]))


@lru_cache(maxsize=4096)
def covered_by_any(
    operation: str, scheme: AuthScheme | None, caller: str | None, status: int
) -> tuple[CoverageKey, ...]:
    """Return what every response of an operation covers."""
    covered = (("operations", operation), ("statuses", f"{operation} {status}"))
    return covered if scheme is None else (*covered, ("credentials", f"{scheme} {caller}"))


def register_graph(world: World) -> None:
    """Register the states and transitions that can be covered: those of an installation or of recorded responses.

    Scenarios of the documentation's samples register none: their samples come from many installations.
    """
    settings, bases = world.settings, world.coverage.bases
    if settings.source is None or not settings.source.answers:
        if bases.get(settings.installation) is None:
            bases[settings.installation] = world.base
    elif settings.scenario.startswith(DOCUMENTED):
        bases.setdefault(settings.installation, None)
    else:
        bases.setdefault(settings.scenario, world.base)


def rejected_caller(context: RequestContext) -> str:
    """Return why a caller has no role: `none`, `inactive`, `expired` or `invalid`."""
    try:
        _ = context.credential
    except AuthenticationFailed as error:
        return REJECTED_CALLERS.get(str(error.detail), "invalid")
    return "none"


def covered_filters(context: RequestContext, filters: str) -> list[CoverageKey]:
    """Return the filters that a list request applied, under their own names without aliases, and the order."""
    if (query := context.list_query) is None:
        return []
    names = [condition.filter.name for condition in query.conditions]
    return [("filters", f"{filters}.{name}") for name in dict.fromkeys([*names, SORT] if query.sort else names)]


def covered_transition(context: RequestContext, graph: str, dimension: str) -> list[CoverageKey]:
    """Return the transition that a command made or that was refused, if the body names one of the graph."""
    view = context.world.records
    with suppress(ApiError, BadRequest):
        fields = validate(TRANSITION_FIELDS, context.body)
        transition = find_transition(view, fields.get("transition"), fields.get("slug"))
        if view.get_existing(State, transition.source_state).enum_class == STATE_GRAPHS[graph][1]:
            return [(dimension, transition_name(view, transition))]
    return []
