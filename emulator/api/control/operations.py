"""Writes of the control API and of its Python counterparts: validate a document, and return what was created."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from emulator.api.serializers import render_document
from emulator.api.serializers.rendering import render_cache
from emulator.core.errors import Conflict, InvalidDocument, UnknownRecord, ValidationFailed
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Order, Package, StockLocation
from emulator.core.schemas import find_problems, load_schema
from emulator.domain.arranging import get_record
from emulator.domain.arranging.locations import create_stock_location, update_stock_location
from emulator.domain.arranging.orders import PlacedOrder, place_order, product_by_sku
from emulator.domain.arranging.packages import apply_carrier_event, arrange_package
from emulator.domain.arranging.packages import cancel_order as cancel_order_of
from emulator.domain.arranging.packages import cancel_package as cancel_package_of
from emulator.domain.stock import set_stock
from emulator.state.steps import Step
from emulator.state.store import Transaction
from emulator.state.world import World

FREE_KEYS = ("extra_information", "conf", "tags", "discrepancy_reason", "denial_reason")
"""Keys with free JSON values, which are stored unchanged."""


def cancel_order(tx: Transaction, id_: int) -> PlacedOrder:
    """Cancel an order with all its packages."""
    return cancel_order_of(tx, get_record(tx, Order, id_, "order"))


def report_carrier(tx: Transaction, pk: int, document: JsonObject) -> Package:
    """Apply a carrier event to a package."""
    package = get_record(tx, Package, pk, "package")
    apply_carrier_event(tx, package, document["event"])
    return package


def cancel_package(tx: Transaction, pk: int) -> Package:
    package = get_record(tx, Package, pk, "package")
    cancel_package_of(tx, package)
    return package


def put_stock(tx: Transaction, location_id: int, sku: str, document: JsonObject) -> JsonObject:
    """Set the available quantity of a product at a location."""
    location = get_record(tx, StockLocation, location_id, "stock location")
    stock = set_stock(tx, location.id, product_by_sku(tx, sku, UnknownRecord).id, document["quantity"])
    return {"stock_location": location.id, "erp_code": location.erp_code, "sku": sku, "quantity": stock.quantity}


def change_stock_location(tx: Transaction, id_: int, document: JsonObject) -> StockLocation:
    return update_stock_location(tx, get_record(tx, StockLocation, id_, "stock location"), document)


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
    """A write of the control API."""

    run: Callable[..., Package | StockLocation | PlacedOrder | JsonObject]
    """Takes the transaction, the path parameters, and the document if there is one."""
    schema: str | None = None
    """Schema of the document. None: the write takes none."""
    path: tuple[str, ...] = ()


CONTROL_OPERATIONS: Mapping[str, ControlOperation] = {
    "control_make_order": ControlOperation(place_order, "arrange-order"),
    "control_cancel_order": ControlOperation(cancel_order, path=("id",)),
    "control_make_package": ControlOperation(arrange_package, "arrange-package"),
    "control_report_carrier": ControlOperation(report_carrier, "carrier-event", ("pk",)),
    "control_cancel_package": ControlOperation(cancel_package, path=("pk",)),
    "control_put_stock": ControlOperation(put_stock, "stock-quantity", ("location_id", "sku")),
    "control_make_stock_location": ControlOperation(create_stock_location, "arrange-stock-location"),
    "control_change_stock_location": ControlOperation(change_stock_location, "change-stock-location", ("id",)),
}
"""Operation name -> write."""
RESULT_SERIALIZERS: Mapping[type[object], str] = {Package: "package", StockLocation: "stock-location"}
"""Kind of a record that a write returns -> serializer of the response."""


def run_operation(
    world: World, operation: str, document: JsonValue, path: Mapping[str, int | str]
) -> JsonObject | bytes:
    """Run a write of the control API. Return its response. Convert a `ValidationFailed` into a `Conflict`."""
    write = CONTROL_OPERATIONS[operation]
    documents = () if write.schema is None else (validated_document(write.schema, document),)
    try:
        with world.transaction() as tx:
            result = write.run(tx, *(path[name] for name in write.path), *documents)
    except ValidationFailed as error:
        raise Conflict("; ".join(f"{name}: {messages[0]}" for name, messages in error.errors.items())) from None
    if isinstance(result, Package | StockLocation):
        serializer = RESULT_SERIALIZERS[type(result)]
        cache = render_cache(world)
        return render_document(serializer, result.id, world.records, world.settings.language, cache) or b""
    return result if isinstance(result, dict) else result._asdict()


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
