"""Control API: create orders, packages and stock locations, set stock, report carrier events."""

from __future__ import annotations

from collections.abc import Collection

from flask import Response

from emulator.api.control.clock import (
    advance_clock,
    build_duration,
    parse_time,
    rate_document,
    set_clock,
    set_traffic_rate,
)
from emulator.api.control.deliveries import add_delivery_fault, delivery_document
from emulator.api.control.operations import CONTROL_OPERATIONS, validated_document
from emulator.core import credentials
from emulator.core.credentials import CREDENTIALS
from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.fault_rules import fault_document
from emulator.state.clock import CLOCK_MODES, format_time
from emulator.state.world import World
from emulator.web.admin.shared import (
    api,
    current_world,
    json_response,
    list_response,
    no_content,
    parse_int,
    query_parameters,
    read_document,
    read_optional_document,
    require_no_document,
    run_write,
    world_name,
    world_registry,
)
from emulator.worlds.loading.faults import arm_from_document, disarm_all_faults, disarm_fault
from emulator.worlds.redelivery import redeliver


def add_write(method: str, rule: str, operation: str, status: int = 200) -> None:
    """Add the route of a write that `CONTROL_OPERATIONS` describes."""
    write = CONTROL_OPERATIONS[operation]

    def view(**path: int | str) -> Response:
        if write.schema is None:
            require_no_document()
        world, values = current_world(), dict(zip(write.path, path.values(), strict=True))
        document = None if write.schema is None else read_document()
        return json_response(run_write(world, operation, document, **values), status)

    api.add_url_rule(rule, operation, view, methods=[method])


add_write("POST", "/orders", "control_make_order", 201)
add_write("POST", "/orders/<int:id_>/cancel", "control_cancel_order")
add_write("POST", "/packages", "control_make_package", 201)
add_write("POST", "/packages/<int:pk>/carrier", "control_report_carrier")
add_write("POST", "/packages/<int:pk>/cancel", "control_cancel_package")
add_write("PUT", "/stock/<int:location>/<path:sku>", "control_put_stock")
add_write("POST", "/stock_locations", "control_make_stock_location", 201)
add_write("PATCH", "/stock_locations/<int:id_>", "control_change_stock_location")


@api.get("/clock")
def clock() -> Response:
    return json_response(clock_document(current_world()))


@api.put("/clock")
def put_clock() -> Response:
    world = current_world()
    document = validated_document("clock", read_document())
    now = parse_time(document["now"]) if "now" in document else None
    set_clock(world, document.get("mode"), now, document.get("speed"))
    return json_response(clock_document(world))


@api.post("/clock/advance")
def post_clock_advance() -> Response:
    world = current_world()
    document = validated_document("clock-advance", read_document())
    if "seconds" in document:
        advance_clock(world, by=build_duration(seconds=document["seconds"]))
    elif "to" in document:
        advance_clock(world, to=parse_time(document["to"]))
    else:
        advance_clock(world)
    return json_response(clock_document(world))


@api.get("/live")
def live() -> Response:
    return json_response(rate_document(current_world()))


@api.put("/live")
def put_live() -> Response:
    return json_response(set_traffic_rate(current_world(), read_document()))


def clock_document(world: World) -> JsonObject:
    next_event = world.schedule.next_due()
    return {
        "mode": world.clock.mode,
        "speed": world.clock.speed,
        "now": format_time(world.clock.now()),
        "next_event": None if next_event is None else format_time(next_event),
        "modes": list(CLOCK_MODES),
    }


@api.get("/faults")
def faults() -> Response:
    return list_response([fault_document(fault) for fault in current_world().faults.copy(with_actions=True).armed])


@api.post("/faults")
def arm_fault() -> Response:
    world = current_world()
    return json_response(fault_document(arm_from_document(world, read_document())), 201)


@api.delete("/faults")
def disarm_faults() -> Response:
    disarm_all_faults(current_world())
    return no_content()


@api.delete("/faults/<int:id>")
def delete_fault(id: int) -> Response:  # noqa: A002 - the name in the path
    disarm_fault(current_world(), id)
    return no_content()


@api.get("/hooks/deliveries")
def deliveries() -> Response:
    limit = query_parameters("limit").get("limit")
    return deliveries_response(current_world(), None if limit is None else parse_int("limit", limit))


def deliveries_response(world: World, limit: int | None = None) -> Response:
    """Return the response with the latest deliveries, or with all of them."""
    log = list(world.outbox.log)
    latest = log if limit is None else log[max(len(log) - limit, 0) :]
    return list_response([delivery_document(delivery) for delivery in latest], len(log))


@api.post("/hooks/redeliver")
def redeliver_hooks() -> Response:
    wanted = validated_document("redelivery-wanted", read_optional_document())
    return deliveries_response(redeliver(world_registry(), world_name(), wanted.get("target_url")))


@api.post("/hooks/flush")
def flush_hooks() -> Response:
    require_no_document()
    return json_response(current_world().outbox.flush()._asdict())


@api.get("/hooks/disturbances")
def delivery_faults() -> Response:
    return list_response([each._asdict() for each in current_world().outbox.faults])


@api.post("/hooks/disturbances")
def add_fault() -> Response:
    return json_response(add_delivery_fault(current_world(), read_document())._asdict(), 201)


@api.delete("/hooks/disturbances")
def remove_delivery_faults() -> Response:
    current_world().outbox.clear_faults()
    return no_content()


CREDENTIAL_KINDS = ("token", "jwt")
TOKEN_KEYS = ("role", "kind", "expires_in")
DEFAULT_TOKEN_SECONDS = 3600


@api.post("/tokens")
def make_token() -> Response:
    return json_response(create_token(validated_token_request(read_document()), current_world()), 201)


def validated_token_request(document: JsonValue) -> JsonObject:
    """Validate a document of the form `{role, kind, expires_in?}`."""
    if not isinstance(document, dict):
        raise InvalidDocument("the body must be an object", TOKEN_KEYS)
    if unknown := sorted(document.keys() - set(TOKEN_KEYS)):
        raise InvalidDocument(f"unknown keys: {', '.join(unknown)}", TOKEN_KEYS, unknown[0])
    check_one_of("role", document, CREDENTIALS)
    check_one_of("kind", document, CREDENTIAL_KINDS)
    return document


def check_one_of(key: str, document: JsonObject, known: Collection[str]) -> None:
    value = document.get(key)
    if not isinstance(value, str) or value not in known:
        problem = f"unknown {key} {value!r}" if key in document else f"{key} is missing"
        raise InvalidDocument(problem, known, value)


def create_token(document: JsonObject, world: World) -> JsonObject:
    """Return a credential. A jwt expires by the clock of the world, a token does not expire."""
    role, kind = document["role"], document["kind"]
    if kind == "token":
        if "expires_in" in document:
            raise InvalidDocument("a token does not expire; expires_in requires the kind jwt", ("role", "kind"))
        return {"token": role, "kind": kind, "role": role, "expires_at": None}
    seconds = document.get("expires_in", DEFAULT_TOKEN_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidDocument(f"expires_in must be a number of seconds (got {seconds!r})", TOKEN_KEYS)
    try:
        issued = credentials.issue_token(role, world.clock.now(), seconds)
    except ValueError as error:
        raise InvalidDocument(str(error), TOKEN_KEYS) from None
    expires_at = issued.expires_at.isoformat().replace("+00:00", "Z")
    return {"token": issued.token, "kind": kind, "role": role, "expires_at": expires_at}
