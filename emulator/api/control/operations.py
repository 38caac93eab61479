"""Writes of the control API and of its Python counterparts: validate a document, and return what was created."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import orjson

from emulator.api.serializers import render_document
from emulator.api.serializers.rendering import render_cache
from emulator.core.errors import Conflict, InvalidDocument, UnknownRecord, ValidationFailed
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Order, Package, StockLocation
from emulator.core.schemas import find_problems, load_schema
from emulator.domain.arranging import get_record
from emulator.domain.arranging.locations import create_stock_location, update_stock_location
from emulator.domain.arranging.orders import place_order, product_by_sku
from emulator.domain.arranging.packages import apply_carrier_event, arrange_package
from emulator.domain.arranging.packages import cancel_order as cancel_order_of
from emulator.domain.arranging.packages import cancel_package as cancel_package_of
from emulator.domain.stock import set_stock
from emulator.state.steps import Step
from emulator.state.store import Transaction
from emulator.state.world import World

ControlResult: TypeAlias = JsonObject
FREE_KEYS = ("extra_information", "conf", "tags", "discrepancy_reason", "denial_reason")
"""Keys with free JSON values, which are stored unchanged."""


def create_order(world: World, document: JsonValue) -> ControlResult:
    """Place an order and plan its fulfillment. Return the ids of the created records."""
    order = validated_document("arrange-order", document)
    with control_transaction(world) as tx:
        return place_order(tx, order)._asdict()


def create_package(world: World, document: JsonValue) -> bytes:
    """Create the package that a document describes. Return its detail."""
    description = validated_document("arrange-package", document)
    with control_transaction(world) as tx:
        package = arrange_package(tx, description)
    return render_detail(world, package.id)


def report_carrier(world: World, pk: int, document: JsonValue) -> bytes:
    """Apply a carrier event to a package. Return its detail."""
    event = validated_document("carrier-event", document)["event"]
    with control_transaction(world) as tx:
        apply_carrier_event(tx, get_record(tx, Package, pk, "package"), event)
    return render_detail(world, pk)


def cancel_package(world: World, pk: int) -> bytes:
    """Cancel a package. Return its detail."""
    with control_transaction(world) as tx:
        cancel_package_of(tx, get_record(tx, Package, pk, "package"))
    return render_detail(world, pk)


def cancel_order(world: World, id_: int) -> ControlResult:
    """Cancel an order with all its packages. Return the ids of the cancelled records."""
    with control_transaction(world) as tx:
        return cancel_order_of(tx, get_record(tx, Order, id_, "order"))._asdict()


def put_stock(world: World, location_id: int, sku: str, document: JsonValue) -> ControlResult:
    """Set the available quantity of a product at a location. Return the new quantity."""
    quantity = validated_document("stock-quantity", document)["quantity"]
    with control_transaction(world) as tx:
        location = get_record(tx, StockLocation, location_id, "stock location")
        stock = set_stock(tx, location.id, product_by_sku(tx, sku, UnknownRecord).id, quantity)
    return {"stock_location": location.id, "erp_code": location.erp_code, "sku": sku, "quantity": stock.quantity}


def add_stock_location(world: World, document: JsonValue) -> bytes:
    """Create a stock location. Return its document."""
    description = validated_document("arrange-stock-location", document)
    with control_transaction(world) as tx:
        location = create_stock_location(tx, description)
    return render_detail(world, location.id, "stock-location")


def change_stock_location(world: World, id_: int, document: JsonValue) -> bytes:
    """Change a stock location. Return its document."""
    changes = validated_document("change-stock-location", document)
    with control_transaction(world) as tx:
        update_stock_location(tx, get_record(tx, StockLocation, id_, "stock location"), changes)
    return render_detail(world, id_, "stock-location")


@contextmanager
def control_transaction(world: World) -> Iterator[Transaction]:
    """Open a transaction. Convert a `ValidationFailed` of a command into a `Conflict`."""
    try:
        with world.transaction() as tx:
            yield tx
    except ValidationFailed as error:
        raise Conflict("; ".join(f"{name}: {messages[0]}" for name, messages in error.errors.items())) from None


def render_detail(world: World, id_: int, serializer: str = "package") -> bytes:
    return render_document(serializer, id_, world.records, world.settings.language, render_cache(world)) or b""


def validated_document(name: str, document: JsonValue) -> JsonObject:
    """Validate a document with a schema, and return it. Raise `InvalidDocument`, first for an unknown key."""
    value = to_json(document)
    problems = list(find_problems(name, value))
    if not problems:
        valid: JsonObject = normalize_integers(value)
        return valid
    for problem in problems:
        if problem.keyword == "additionalProperties" and len(problem.path) == 1:
            key = problem.path[0]
            raise InvalidDocument(f"unknown key {key!r}", load_schema(name)["properties"], key)
    raise InvalidDocument(str(problems[0]))


def to_json(document: JsonValue) -> JsonValue:
    """Convert a document to the values that would arrive over HTTP, with times as strings."""
    try:
        return orjson.loads(orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC))
    except (TypeError, ValueError) as error:
        raise InvalidDocument(f"not a JSON document: {error}") from None


def normalize_integers(value: JsonValue) -> JsonValue:
    """Convert floats such as 2.0 to integers, because JSON Schema accepts them as integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [normalize_integers(item) for item in value]
    if isinstance(value, dict):
        return {key: item if key in FREE_KEYS else normalize_integers(item) for key, item in value.items()}
    return value


EMPTY_PATH: Mapping[str, int | str] = {}


class ControlOperation(NamedTuple):
    """A write of the control API: its function, its path parameters, and whether it takes a document."""

    run: Callable[..., ControlResult | bytes]
    path: tuple[str, ...] = ()
    takes_document: bool = True


CONTROL_OPERATIONS: Mapping[str, ControlOperation] = {
    "control_make_order": ControlOperation(create_order),
    "control_cancel_order": ControlOperation(cancel_order, ("id",), takes_document=False),
    "control_make_package": ControlOperation(create_package),
    "control_report_carrier": ControlOperation(report_carrier, ("pk",)),
    "control_cancel_package": ControlOperation(cancel_package, ("pk",), takes_document=False),
    "control_put_stock": ControlOperation(put_stock, ("location_id", "sku")),
    "control_make_stock_location": ControlOperation(add_stock_location),
    "control_change_stock_location": ControlOperation(change_stock_location, ("id",)),
}
"""Operation name -> write."""


def run_operation(
    world: World, operation: str, document: JsonValue, path: Mapping[str, int | str]
) -> ControlResult | bytes:
    """Run a write of the control API. Return its response."""
    write = CONTROL_OPERATIONS[operation]
    documents = (document,) if write.takes_document else ()
    return write.run(world, *(path[name] for name in write.path), *documents)


def run_recorded_operation(
    world: World,
    operation: str,
    document: JsonValue = None,
    path: Mapping[str, int | str] = EMPTY_PATH,
    request_id: str | None = None,
) -> Any:
    """Run a write of the control API, and record it as a step, with its document as plain JSON."""
    body = None if document is None else to_json(document)
    step = Step(operation, path, body=body, request_id=request_id or world.new_request_id())
    with world.recording(step):
        return run_operation(world, operation, body, path)
