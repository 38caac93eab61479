"""What the control API and its twins in Python do: a document in, what it made out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson

from emulator.core.errors import ValidationFailed
from emulator.core.records import Order, Package, StockLocation
from emulator.core.refusals import Conflict, InvalidDocument, UnknownRecord
from emulator.core.schemas import problems, schema
from emulator.core.steps import PendingStep, Step
from emulator.core.store import Root, Transaction
from emulator.core.world import World
from emulator.rules.arranging.cancelling import cancel_order as cancel_order_of
from emulator.rules.arranging.cancelling import cancel_package as cancel_package_of
from emulator.rules.arranging.carrier import carry
from emulator.rules.arranging.lines import product_with
from emulator.rules.arranging.packages import arrange
from emulator.rules.arranging.places import add_location, change_location
from emulator.rules.arranging.planner import place_order
from emulator.rules.arranging.values import record
from emulator.rules.stock import set_stock
from emulator.shapes.cache import render_cache
from emulator.shapes.documents import render_document

Answer = dict[str, Any]
FREE_KEYS = ("extra_information", "conf", "tags", "discrepancy_reason", "denial_reason")
"""Keys whose values are anybody's and are kept as they come."""


def make_order(world: World, document: Any) -> Answer:
    """Place an order and let the planner decide; give the ids of what it made."""
    asked = checked("arrange-order", document)
    with writing(world) as tx:
        return place_order(tx, asked)._asdict()


def make_package(world: World, document: Any) -> bytes:
    """Make the package that a document describes; give its detail."""
    asked = checked("arrange-package", document)
    with writing(world) as tx:
        package = arrange(tx, asked)
    return detail(world, package.id)


def report_carrier(world: World, pk: int, document: Any) -> bytes:
    """Let the carrier report on a package; give its detail."""
    event = checked("carrier-event", document)["event"]
    with writing(world) as tx:
        carry(tx, record(tx, Package, pk, "package"), event)
    return detail(world, pk)


def cancel_package(world: World, pk: int) -> bytes:
    """Cancel a package; give its detail."""
    with writing(world) as tx:
        cancel_package_of(tx, record(tx, Package, pk, "package"))
    return detail(world, pk)


def cancel_order(world: World, id_: int) -> Answer:
    """Cancel an order with all its packages; give the ids of what was cancelled."""
    with writing(world) as tx:
        return cancel_order_of(tx, record(tx, Order, id_, "order"))._asdict()


def put_stock(world: World, location: int, sku: str, document: Any) -> Answer:
    """Set how much of a product may be promised at a location; give what is there now."""
    quantity = checked("stock-quantity", document)["quantity"]
    with writing(world) as tx:
        place = record(tx, StockLocation, location, "stock location")
        stock = set_stock(tx, place.id, product_with(tx, sku, UnknownRecord).id, quantity)
    return {"stock_location": place.id, "erp_code": place.erp_code, "sku": sku, "quantity": stock.quantity}


def make_stock_location(world: World, document: Any) -> bytes:
    """Make a stock location; give its document."""
    asked = checked("arrange-stock-location", document)
    with writing(world) as tx:
        location = add_location(tx, asked)
    return detail(world, location.id, "stock-location")


def change_stock_location(world: World, id_: int, document: Any) -> bytes:
    """Change a stock location; give its document."""
    asked = checked("change-stock-location", document)
    with writing(world) as tx:
        change_location(tx, record(tx, StockLocation, id_, "stock location"), asked)
    return detail(world, id_, "stock-location")


@contextmanager
def writing(world: World) -> Iterator[Transaction]:
    """Give a transaction; what the rules of commands refuse in it is a conflict with the world's state."""
    try:
        with world.transaction() as tx:
            yield tx
    except ValidationFailed as error:
        raise Conflict("; ".join(f"{name}: {messages[0]}" for name, messages in error.errors.items())) from None


def detail(world: World, id_: int, shape: str = "package") -> bytes:
    root: Root = world.root
    return render_document(shape, id_, root, world.settings.language, render_cache(world)) or b""


def checked(name: str, document: Any) -> Mapping[str, Any]:
    """Give a document that fits its schema, or raise `InvalidDocument` with the first thing that is wrong."""
    plain = as_json(document)
    problem = next(problems(name, plain), None)
    if problem is None:
        return whole_numbers(plain)  # type: ignore[no-any-return]  # the schema says that it is an object
    unknown = problem.keyword == "additionalProperties" and len(problem.path) == 1
    if unknown:
        raise InvalidDocument(f"unknown key {problem.path[0]!r}", schema(name)["properties"])
    raise InvalidDocument(str(problem))


def as_json(document: Any) -> Any:
    """Give the document as it would arrive over HTTP: times as text, and nothing that JSON cannot say."""
    try:
        return orjson.loads(orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC))
    except (TypeError, ValueError) as error:
        raise InvalidDocument(f"not a JSON document: {error}") from None


def whole_numbers(value: Any) -> Any:
    """Give the same document with its whole numbers as such: to JSON Schema 2.0 is an integer too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole_numbers(part) for part in value]
    if isinstance(value, dict):
        return {key: part if key in FREE_KEYS else whole_numbers(part) for key, part in value.items()}
    return value


NO_PATH: Mapping[str, int | str] = {}


class ControlWrite(NamedTuple):
    """A write of the control API: the function, what it takes of the path, and whether it takes a document."""

    run: Callable[..., Any]
    path: tuple[str, ...] = ()
    takes_document: bool = True


CONTROL_WRITES: Mapping[str, ControlWrite] = {
    "control_make_order": ControlWrite(make_order),
    "control_cancel_order": ControlWrite(cancel_order, ("id",), takes_document=False),
    "control_make_package": ControlWrite(make_package),
    "control_report_carrier": ControlWrite(report_carrier, ("pk",)),
    "control_cancel_package": ControlWrite(cancel_package, ("pk",), takes_document=False),
    "control_put_stock": ControlWrite(put_stock, ("location_id", "sku")),
    "control_make_stock_location": ControlWrite(make_stock_location),
    "control_change_stock_location": ControlWrite(change_stock_location, ("id",)),
}
"""Operation -> what does it."""


def perform(world: World, operation: str, document: Any, path: Mapping[str, int | str]) -> Any:
    """Do a write of the control API, and give its answer."""
    write = CONTROL_WRITES[operation]
    documents = (document,) if write.takes_document else ()
    return write.run(world, *(path[name] for name in write.path), *documents)


def ask(
    world: World,
    operation: str,
    document: Any = None,
    path: Mapping[str, int | str] = NO_PATH,
    request_id: str | None = None,
) -> Any:
    """Do a write of the control API so that it can be repeated; what is sent becomes plain JSON first."""
    sent = None if document is None else as_json(document)
    step = Step(operation, path, body=sent, request_id=request_id or world.new_request_id())
    with world.recording(PendingStep(step)):
        return perform(world, operation, sent, path)
